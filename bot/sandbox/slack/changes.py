"""What has changed in the workspace, numbered, with who may see it.

Numbers only grow, across restarts too, so a page that reconnects can say what it saw last. Only recent changes are
kept: a page that missed more must read the whole state again.
"""

import json
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.sandbox.slack.seed import Json

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = 5000


@dataclass(frozen=True, slots=True)
class WorldChange:
    """One change."""

    seq: int
    data: str
    """The JSON text that a page receives, with its `seq` and `type`."""
    channel: str | None
    """Only for those who can see this channel; None means no such limit."""
    user: str | None
    """Only for this person; None means no such limit."""


class Changes:
    """The recent changes, and the listeners that wait for more."""

    def __init__(self) -> None:
        # Milliseconds keep the numbers of a new run above those of the last one.
        self.seq = int(time.time() * 1000)
        self._kept: deque[WorldChange] = deque(maxlen=KEPT)
        self._oldest = self.seq
        self.listeners: list[Callable[[], None]] = []
        self.closed = False

    def add(self, kind: str, data: Json, *, channel: str | None = None, user: str | None = None) -> None:
        """Record a change and wake the listeners."""
        self.seq += 1
        text = json.dumps({"seq": self.seq, "type": kind, **data}, separators=(",", ":"))
        self._kept.append(WorldChange(self.seq, text, channel, user))
        if len(self._kept) == KEPT:
            self._oldest = self._kept[0].seq - 1
        for wake in self.listeners:
            wake()

    def close(self) -> None:
        """Tell the listeners that no more changes will come."""
        self.closed = True
        for wake in self.listeners:
            wake()

    def after(self, seq: int) -> list[WorldChange] | None:
        """Return the changes after this number, oldest first; None if some of them are no longer kept."""
        if seq < self._oldest or seq > self.seq:
            return None
        newer: list[WorldChange] = []
        for change in reversed(self._kept):
            if change.seq <= seq:
                break
            newer.append(change)
        return newer[::-1]
