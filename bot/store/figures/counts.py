"""What is counted for the dashboard of one agent and UTC day, or of several together, and how it is stored.

Figures are counted by a key, and durations are in a histogram for each key. All of it can be put together: the counts
of several days are what would be counted of these days at once.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.store.figures.histograms import Histogram


class Counted(StrEnum):
    """What is counted; the keys of each are counted apart."""

    OUTCOME = "outcome"
    "Turns that ended, by outcome."
    OUTPUT = "output"
    "Turns that ended, by outcome and category: `reply locked`, or `reply ` without a category."
    TOOL = "tool"
    "Tool calls of turns that ended, by status and tool: `ok unlock_my_account`."
    TICKET = "ticket"
    "Tickets that were opened; the one key is empty."
    SPENDING = "spending"
    "Model calls, tokens and nano-US-dollars, by the name of the figure; those of evaluations apart."
    THUMB = "thumb"
    "Thumbs for answers: `thumbs_up` and `thumbs_down`."
    HANDOFF = "handoff"
    "Handoffs, by reason."


class Timed(StrEnum):
    """Which durations are counted."""

    LATENCY = "latency"
    "Turns that were answered: from their opening to their outcome; the one key is empty."
    TO_CLAIM = "to_claim"
    "Handoffs that were claimed: until then, by reason."
    TO_FIRST_RESPONSE = "to_first_response"
    "The same of the first response of a person."
    TO_RESOLVE = "to_resolve"
    "The same of the resolution."


StoredCounts = Mapping[str, Mapping[str, Any]]
'Counts as JSON: `{"outcome": {"reply": 3}, "latency": {"": [210, 1, 0, 2]}}`; `Histogram.stored` says what a list is.'

_COUNTED = {one.value: one for one in Counted}
_TIMED = {one.value: one for one in Timed}


@dataclass(slots=True)
class Counts:
    """Figures and durations, each by its key."""

    figures: dict[Counted, dict[str, int]] = field(default_factory=dict)
    times: dict[Timed, dict[str, Histogram]] = field(default_factory=dict)

    def of(self, what: Counted) -> Mapping[str, int]:
        """Return the figures of one kind; a key that was not counted is 0."""
        return Counter(self.figures.get(what, {}))

    def count(self, what: Counted, key: str, number: int) -> None:
        """Add to a figure."""
        figures = self.figures.setdefault(what, {})
        figures[key] = figures.get(key, 0) + number

    def time(self, what: Timed, key: str, duration: int, times: int = 1) -> None:
        """Add a rounded duration (milliseconds), so many times."""
        histograms = self.times.setdefault(what, {})
        if key not in histograms:
            histograms[key] = Histogram()
        histograms[key].count(duration, times)

    def add(self, stored: StoredCounts, *, only: Collection[str] | None = None, but: Collection[str] = ()) -> None:
        """Add counts that were stored: all, only those that are named, or all but those."""
        for name, keys in stored.items():
            if name in but or (only is not None and name not in only):
                continue
            if name in _TIMED:
                histograms = self.times.setdefault(_TIMED[name], {})
                for key, (first, *counts) in keys.items():
                    if key in histograms:
                        histograms[key].add(first, counts)
                    else:
                        histograms[key] = Histogram(first, counts)
            else:
                put_together(self.figures.setdefault(_COUNTED[name], {}), keys)

    @property
    def stored(self) -> StoredCounts:
        """Return them as they are stored."""
        times = {what.value: {key: one.stored for key, one in keys.items()} for what, keys in self.times.items()}
        return {what.value: dict(keys) for what, keys in self.figures.items()} | times


def put_together(to: dict[str, int], more: Mapping[str, int]) -> None:
    """Add figures to others. `Counter.update` is too slow for the many small counts of ninety days."""
    if not to:
        to.update(more)
        return
    known = to.get
    for key, count in more.items():
        to[key] = known(key, 0) + count
