"""Which turns are drawn from those that nothing keeps for certain: a rule that anybody can compute again. Pure.

Each turn has a number from 0 to 1 that is made of its id alone. Of the turns of one release that ended in one week
(Monday to Sunday, UTC), those below `SHARE` are drawn, and if these are fewer than `AT_LEAST`, the `AT_LEAST` with the
smallest numbers. A number has nothing to do with what became of its turn, so each turn of a week has the same chance:
`max(SHARE, min(1, AT_LEAST / turns))`. Once it is known how many were drawn, they are a simple random sample of that
size, and each stands for `turns / drawn` turns; estimates use this weight.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

SHARE = 0.1
"The share of the turns of a week that is drawn."
AT_LEAST = 30
"The fewest turns that are drawn from a week; all of them where there are fewer."
_BITS = 48


def number(turn_id: int) -> float:
    """Return the number of a turn: the first 48 bits of the SHA-256 of `sample:<id>`, as a fraction of 1."""
    digest = hashlib.sha256(f"sample:{turn_id}".encode()).digest()
    return int.from_bytes(digest[: _BITS // 8]) / float(1 << _BITS)


def week_of(at: datetime) -> str:
    """Return the Monday of the week of a time, in UTC, as `2026-11-23`."""
    day = at.astimezone(UTC).date()
    return (day - timedelta(days=day.weekday())).isoformat()


def drawn(numbers: Sequence[float]) -> int:
    """Return how many of the turns of a week are drawn: the first ones.

    Args:
        numbers: the numbers of its turns, in order. Those that cannot be drawn, because `AT_LEAST` others are smaller
            and they are not below `SHARE`, may be left out.
    """
    return max(bisect_left(numbers, SHARE), min(AT_LEAST, len(numbers)))


def may_be_drawn(own: float, *, smaller: int) -> bool:
    """Return whether a turn is drawn if its week ends now.

    Args:
        own: the number of the turn.
        smaller: how many turns of the week, of those that nothing keeps for certain, have a smaller one.
    """
    return own < SHARE or smaller < AT_LEAST
