"""Time and size limits of a call to the model's vendor, which hold to its last byte.

The client's own timeouts apply to each wait for the next bytes, so a vendor that sends a little now and then, such as a
ping, a comment or half a line, would be read for ever. Here a connection is read only while its call has time left.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2

MOST_BYTES = 16_000_000
"Many times the longest answer that a card can ask for, even if each token came in an event of its own."


@dataclass(slots=True)
class _Call:
    """What the call under way on a thread has left."""

    until: float
    "End of the call's time, on the clock of `time.monotonic`."
    unread: int


_CALL: ContextVar[_Call | None] = ContextVar("call", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit reading in this block to this many seconds; a block inside another one keeps the earlier end."""
    outer, until = _CALL.get(), time.monotonic() + seconds
    token = _CALL.set(_Call(until, MOST_BYTES) if outer is None else _Call(min(until, outer.until), outer.unread))
    try:
        yield
    finally:
        _CALL.reset(token)


def note(step: str, about: Mapping[str, Any]) -> None:
    """Bound what is read from each new connection; only the client's trace, which calls this, shows connections."""
    if step.endswith((".connect_tcp.complete", ".start_tls.complete")):
        connection = about["return_value"]
        connection.read = partial(_read, connection.read)


def _read(read: Callable[..., bytes], most: int, timeout: float | None = None) -> bytes:
    """Read from a connection within the time and size that its call has left; same signature as its `read`."""
    call = _CALL.get()
    if call is None:
        return read(most, timeout)
    left = call.until - time.monotonic()
    if left <= 0:
        raise httpx2.ReadTimeout("the call has no time left")
    came = read(most, left if timeout is None else min(timeout, left))
    call.unread -= len(came)
    if call.unread < 0:
        raise httpx2.ReadError("more came than any answer holds")
    return came
