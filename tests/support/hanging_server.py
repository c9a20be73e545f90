"""A server that takes connections and never says a word, as one behind a cut line does."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def mute() -> Iterator[int]:
    """Listen until the block ends; yield the port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield int(listener.getsockname()[1])
