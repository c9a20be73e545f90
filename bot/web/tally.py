"""Counts refused requests: the first of a kind is logged at once, the others are counted and logged together.

Anybody can send ten thousand bad requests a second; the log gets two lines a minute of them.
"""

import asyncio
from collections import Counter

import structlog

from bot.telemetry import metrics
from bot.web.entrance import Refusal

log = structlog.get_logger()

SECONDS = 60.0
"Seconds between two summary lines."
metrics.start_at_zero(metrics.REFUSED, [*Refusal, "connections", "http"])


class Tally:
    """The requests refused since the last summary line; it belongs to one event loop."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._more: Counter[str] = Counter()
        "Refused requests that are not logged yet, by reason."
        self._bytes = 0
        self._known: set[str] = set()
        "Reasons that were logged in this round."
        self._timer: asyncio.TimerHandle | None = None

    def add(self, reason: str, size: int = 0) -> None:
        """Count one refused request by its reason and its bytes; nothing of its content is kept."""
        metrics.REFUSED.labels(reason).inc()
        if reason in self._known:
            self._more[reason] += 1
            self._bytes += size
            return
        self._known.add(reason)
        log.warning("request.refused", reason=reason, bytes=size)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._round)

    def close(self) -> None:
        """Stop, and log what is not logged yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._log_summary()

    def _round(self) -> None:
        more = self._log_summary()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._round) if more else None

    def _log_summary(self) -> bool:
        """Log the counts and return True; with nothing counted, forget the known reasons and return False."""
        if not self._more:
            self._known.clear()
            return False
        log.warning("requests.refused", counts=dict(sorted(self._more.items())), bytes=self._bytes)
        self._more.clear()
        self._bytes = 0
        return True
