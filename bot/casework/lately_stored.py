"""The requests that this process has stored lately: a second delivery of one is nothing new, and asks no database.

Slack tells of a mention twice. What is not known here, because another process has stored it or is about to, the
database decides (`bot.store.tickets.tickets.accept`), as it does for every message after a restart.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

MOST = 1_000
"How many are kept: at 50 a second, those of 20 seconds."


@dataclass(frozen=True, slots=True)
class LatelyStored:
    """The last requests that were committed, by their place in Slack; for the threads of one process."""

    _places: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, channel: str, ts: str) -> None:
        """Note a request whose row is committed, and forget the oldest."""
        with self._lock:
            self._places[channel, ts] = None
            if len(self._places) > MOST:
                self._places.popitem(last=False)

    def has(self, channel: str, ts: str) -> bool:
        """Return whether a request is known to be stored."""
        return (channel, ts) in self._places
