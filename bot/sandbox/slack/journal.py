"""What recently passed between the workspace and the bot: calls, deliveries, events."""

import time
from collections import OrderedDict, deque
from typing import Any

from bot.sandbox.slack.seed import Json

KEPT = 1000


class Journal:
    """The last thousand entries and the last thousand events."""

    def __init__(self) -> None:
        self.entries: deque[Json] = deque(maxlen=KEPT)
        self._events: OrderedDict[str, tuple[str | None, Json]] = OrderedDict()

    def note(self, kind: str, name: str, **facts: Any) -> None:
        """Add a line: what, when (Unix seconds), and further facts."""
        known = {key: value for key, value in facts.items() if value is not None}
        self.entries.append({"at": round(time.time(), 3), "kind": kind, "name": name, **known})

    def keep_event(self, channel: str | None, envelope: Json) -> None:
        """Keep an event so that it can be sent again."""
        self._events[envelope["event_id"]] = (channel, envelope)
        if len(self._events) > KEPT:
            self._events.popitem(last=False)

    def event(self, event_id: str) -> tuple[str | None, Json] | None:
        """Return a past event and the channel it was about."""
        return self._events.get(event_id)

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self._events.clear()
