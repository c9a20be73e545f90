"""What has just changed in the workspace, numbered, with who may know.

Numbers only grow, across restarts too, so a page that reconnects can say what it saw last. The past is
bounded: whoever asks for more than is kept must read the whole state again.
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
    """One thing that happened."""

    seq: int
    data: str
    """The JSON text a page receives, its `seq` and `type` included."""
    channel: str | None
    """Only for those who can see this channel; None means no such limit."""
    user: str | None
    """Only for this person; None means no such limit."""


class Changes:
    """The recent changes and those who listen for more."""

    def __init__(self) -> None:
        # Milliseconds keep the numbers of a new run above those of the last one.
        self.seq = int(time.time() * 1000)
        self._kept: deque[WorldChange] = deque(maxlen=KEPT)
        self._oldest = self.seq
        self.listeners: list[Callable[[], None]] = []
        self.closed = False

    def add(self, kind: str, data: Json, *, channel: str | None = None, user: str | None = None) -> None:
        """Record a change of this kind and wake the listeners."""
        self.seq += 1
        text = json.dumps({"seq": self.seq, "type": kind, **data}, separators=(",", ":"))
        self._kept.append(WorldChange(self.seq, text, channel, user))
        if len(self._kept) == KEPT:
            self._oldest = self._kept[0].seq - 1
        for wake in self.listeners:
            wake()

    def close(self) -> None:
        """Tell the listeners that nothing more will come."""
        self.closed = True
        for wake in self.listeners:
            wake()

    def after(self, seq: int) -> list[WorldChange] | None:
        """Return the changes after this number, oldest first; None when they are no longer all known."""
        if seq < self._oldest or seq > self.seq:
            return None
        newer: list[WorldChange] = []
        for change in reversed(self._kept):
            if change.seq <= seq:
                break
            newer.append(change)
        return newer[::-1]
