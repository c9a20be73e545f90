"""What was turned away: the first of a kind is logged at once, the others are counted and said together.

Anybody can have a request turned away ten thousand times a second; the log has two lines of that a minute.
"""

import asyncio
from collections import Counter

import structlog

log = structlog.get_logger()

SECONDS = 60.0
"Between two lines that sum up."


class Tally:
    """The requests that were turned away since somebody last said so; it belongs to one event loop."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._more: Counter[str] = Counter()
        "Those that no line tells of yet."
        self._bytes = 0
        self._known: set[str] = set()
        "Kinds that had a line in this round."
        self._timer: asyncio.TimerHandle | None = None

    def add(self, reason: str, size: int = 0) -> None:
        """Note one; nothing that it said and nothing of its headers is kept."""
        if reason in self._known:
            self._more[reason] += 1
            self._bytes += size
            return
        self._known.add(reason)
        log.warning("request.refused", reason=reason, bytes=size)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._round)

    def close(self) -> None:
        """Say what is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._say()

    def _round(self) -> None:
        more = self._say()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._round) if more else None

    def _say(self) -> bool:
        """Say what has been counted; while there is anything, kinds that are known stay known."""
        if not self._more:
            self._known.clear()
            return False
        log.warning("requests.refused", counts=dict(sorted(self._more.items())), bytes=self._bytes)
        self._more.clear()
        self._bytes = 0
        return True
