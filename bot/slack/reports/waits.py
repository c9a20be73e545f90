"""How long something took, in words. Pure."""

from collections.abc import Sequence

from bot.store.handoffs.handoff_metrics import Spread

SPELLED, SHORT = (" s", " min", " h", " days"), ("s", "m", "h", "d")
_MINUTE, _HOUR, _DAYS = 60, 3_600, 172_800


def median_and_most(spread: Spread) -> str | None:
    """Return a median and what nine of ten were within; None: it never happened."""
    if not spread.count:
        return None
    return f"{in_words(spread.median)} (nine of ten within {in_words(spread.p90)})"


def in_words(seconds: float | None, units: Sequence[str] = SPELLED) -> str | None:
    """Return a duration in a fitting unit: seconds and minutes rounded down, hours and days to a tenth."""
    if seconds is None:
        return None
    second, minute, hour, day = units
    if seconds < _MINUTE:
        return f"{int(seconds)}{second}"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)}{minute}"
    return f"{seconds / _HOUR:.1f}{hour}" if seconds < _DAYS else f"{seconds / (24 * _HOUR):.1f}{day}"
