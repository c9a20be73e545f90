"""How high a chart is, and which days get a label. Pure."""

from collections.abc import Sequence
from itertools import count

COUNTS = (2, 4, 6, 8, 10, 12, 16)
"Ends of an axis of counts, up to a power of ten: half of each is a whole number."
SECONDS = (0.2, 0.4, 1, 2, 4, 6, 10, 20, 30, 40, 60, 120, 240, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400)
"Ends of an axis of time: half of each is a round time."
LABELS = 5
"The most labels below a chart; a phone has no room for more."


def counts(highest: float) -> float:
    """Return the end of an axis that shows counts, at least 2."""
    for power in count():
        for step in COUNTS:
            if step * 10**power >= highest:
                return float(step * 10**power)
    raise AssertionError  # `count` has no end


def money(highest: float) -> float:
    """Return the end of an axis that shows nano-USD, at least a hundredth of a cent."""
    return counts(max(highest, 100_000))


def seconds(highest: float) -> float:
    """Return the end of an axis that shows seconds; beyond a day it is a number of days."""
    return next((float(step) for step in SECONDS if step >= highest), counts(highest / 86_400) * 86_400)


def labelled(names: Sequence[str]) -> list[tuple[int, str]]:
    """Return the places that get a label, evenly spaced, with their labels; the last place has one."""
    step = -(-len(names) // LABELS) or 1
    return [(place, name) for place, name in enumerate(names) if (len(names) - 1 - place) % step == 0]
