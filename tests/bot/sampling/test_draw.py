"""Which turns are drawn: a rule that anybody can compute again, `bot.sampling.draw`."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.sampling import draw


def test_the_number_of_a_turn_is_made_of_its_id_alone() -> None:
    """The first 48 bits of SHA-256 of `sample:1` and `sample:2`, as `sha256sum` gives them."""
    assert draw.number(1) == 0x68C46CAB7997 / 2**48
    assert draw.number(2) == 0x5073E8578990 / 2**48


def test_numbers_are_spread_evenly() -> None:
    """Of 20,000 turns a tenth is below 0.1, give or take four standard deviations."""
    below = sum(draw.number(turn) < draw.SHARE for turn in range(20_000))
    assert below == pytest.approx(2_000, abs=4 * (20_000 * 0.1 * 0.9) ** 0.5)


@pytest.mark.parametrize(("turns", "drawn"), [(0, 0), (7, 7), (30, 30), (31, 30), (200, 30)])
def test_a_week_gives_at_least_thirty(turns: int, drawn: int) -> None:
    """Or all that it has; of 200 evenly spread ones 20 are below a tenth, which is too few."""
    assert draw.drawn([(one + 0.5) / turns for one in range(turns)]) == drawn


def test_a_busy_week_gives_a_tenth() -> None:
    """Of 5,000 turns as many as have a number below 0.1; what cannot be drawn may be left out."""
    numbers = sorted(draw.number(turn) for turn in range(5_000))
    below = [one for one in numbers if one < draw.SHARE]
    assert draw.drawn(numbers) == draw.drawn(below) == len(below) > 400


def test_who_is_drawn_in_the_end_was_kept_on_the_way() -> None:
    """Whatever the order in which turns end, keeping those that would be drawn now keeps all that are drawn."""
    numbers = [draw.number(turn) for turn in range(300)]
    kept: list[float] = []
    for own in numbers:
        if draw.may_be_drawn(own, smaller=sum(one < own for one in kept)):
            kept.append(own)
    final = sorted(numbers)[: draw.drawn(sorted(numbers))]
    assert set(final) <= set(kept)
    assert sorted(kept)[: draw.drawn(sorted(kept))] == final
    assert len(kept) < 150


@pytest.mark.parametrize(
    ("at", "week"),
    [
        (datetime(2026, 11, 23, tzinfo=UTC), "2026-11-23"),
        (datetime(2026, 11, 29, 23, 59, tzinfo=UTC), "2026-11-23"),
        (datetime(2026, 11, 30, 0, 30, tzinfo=timezone(timedelta(hours=2))), "2026-11-23"),
        (datetime(2027, 1, 1, tzinfo=UTC), "2026-12-28"),
    ],
)
def test_a_week_begins_on_monday_in_utc(at: datetime, week: str) -> None:
    """Also across the turn of the year, and for a time of another zone."""
    assert draw.week_of(at) == week
