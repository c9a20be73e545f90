"""Questions asked side by side, so that one which hangs keeps neither the others nor the one who asks.

A question that is still without an answer is not asked again: what hangs costs one thread, not one a look.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Asking(Generic[Answer]):
    """Some questions, by name."""

    def __init__(self, questions: Mapping[str, Callable[[], Answer]]) -> None:
        self._questions = questions
        self._asked: dict[str, Future[Answer]] = {}
        self._lock = Lock()

    def answers(self, *, seconds: float) -> dict[str, Answer | Exception]:
        """Ask all of them, and return within so many seconds what each said or raised.

        A question without an answer by then has a `TimeoutError`.
        """
        deadline = time.monotonic() + seconds
        with self._lock:
            asked = {name: self._ask(name) for name in self._questions}
        return {name: self._answer(one, deadline - time.monotonic()) for name, one in asked.items()}

    def _ask(self, name: str) -> Future[Answer]:
        under_way = self._asked.get(name)
        if under_way is not None and not under_way.done():
            return under_way
        future = self._asked[name] = Future()
        # A daemon: the end of the process does not wait for what hangs.
        Thread(target=_find, args=(self._questions[name], future), name=f"ask-{name}", daemon=True).start()
        return future

    @staticmethod
    def _answer(future: Future[Answer], seconds: float) -> Answer | Exception:
        try:
            return future.result(max(0.0, seconds))
        except Exception as error:  # noqa: BLE001 - what a question raised is its answer
            return error


def _find(question: Callable[[], Answer], future: Future[Answer]) -> None:
    try:
        future.set_result(question())
    except Exception as error:  # noqa: BLE001 - whatever it is goes to who asked
        future.set_exception(error)
