"""What another thread does beside a test."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

A_WHILE = 0.2
"Seconds in which another thread would be through, were it not held up."
Beside = Callable[[Callable[[], object]], "Future[object]"]


@pytest.fixture
def beside() -> Iterator[Beside]:
    """Return a function that starts something in another thread and gives it a while."""
    with ThreadPoolExecutor(1) as pool:

        def start(do: Callable[[], object]) -> "Future[object]":
            future: Future[object] = pool.submit(do)
            time.sleep(A_WHILE)
            return future

        yield start
