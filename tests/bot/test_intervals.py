"""The bounds of a share: `bot.intervals`."""

import pytest

from bot import intervals


@pytest.mark.parametrize("z", [intervals.ONE_SIDE, intervals.BOTH_SIDES])
@pytest.mark.parametrize(("part", "whole"), [(90, 100), (0, 10), (10, 10), (50, 100), (1, 1)])
def test_the_bounds_are_wilsons(part: int, whole: int, z: float) -> None:
    """They are the roots of (p - share)^2 = z^2 p (1 - p) / n, Wilson's own definition, on both sides of the share."""
    low, high = intervals.wilson(part, whole, z=z)
    assert 0 <= low <= part / whole <= high <= 1
    assert low < high
    for bound in (low, high):
        assert (bound - part / whole) ** 2 == pytest.approx(z * z * bound * (1 - bound) / whole, abs=1e-12)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(90, 100, 0.8399, 0.9391), (0, 10, 0.0, 0.2130), (10, 10, 0.7870, 1.0), (50, 100, 0.4189, 0.5811)],
)
def test_one_side(part: int, whole: int, low: float, high: float) -> None:
    """With 95 % on one side the bounds are the published ones of 90 % on both."""
    assert intervals.wilson(part, whole, z=intervals.ONE_SIDE) == pytest.approx((low, high), abs=1e-3)


def test_both_sides() -> None:
    """By default the share is between both with 95 %: 81 of 263 is 25.5 to 36.6 % (Newcombe 1998, table I)."""
    assert intervals.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
