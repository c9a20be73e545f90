"""How long a call to the model's vendor may take and how much it may send: both hold to its last byte.

The client's own limits are for each wait for the next bytes, so a vendor that sends a little now and then, a ping, a
comment, half a line, would be listened to for ever. Here a connection is read only while its call has time left.
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
"Many times the longest answer that a card can ask for, each of its tokens in an event of its own."


@dataclass(slots=True)
class _Call:
    """What is left for the call under way on a thread."""

    until: float
    "On the clock of `time.monotonic`."
    unread: int


_CALL: ContextVar[_Call | None] = ContextVar("call", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let nothing of a call be read later than this many seconds from now; within another such block, sooner."""
    outer, until = _CALL.get(), time.monotonic() + seconds
    token = _CALL.set(_Call(until, MOST_BYTES) if outer is None else _Call(min(until, outer.until), outer.unread))
    try:
        yield
    finally:
        _CALL.reset(token)


def note(step: str, about: Mapping[str, Any]) -> None:
    """Bound what is read from each new connection; part of the client's trace, which alone hands connections out."""
    if step.endswith((".connect_tcp.complete", ".start_tls.complete")):
        connection = about["return_value"]
        connection.read = partial(_read, connection.read)


def _read(read: Callable[..., bytes], most: int, timeout: float | None = None) -> bytes:
    """Read from a connection what comes in time, as a connection's own `read` does."""
    call = _CALL.get()
    if call is None:
        return read(most, timeout)
    left = call.until - time.monotonic()
    if left <= 0:
        raise httpx2.ReadTimeout("the time of the call is over")
    came = read(most, left if timeout is None else min(timeout, left))
    call.unread -= len(came)
    if call.unread < 0:
        raise httpx2.ReadError("more came than any answer holds")
    return came
