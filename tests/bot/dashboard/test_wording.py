"""Figures are written so that nobody reads more into them than they say: `bot.dashboard.wording`."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.dashboard import wording

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [(0, 0, "-"), (0, 9, "0 %"), (1, 400, "<1 %"), (399, 400, ">99 %"), (400, 400, "100 %"), (2, 3, "67 %")],
)
def test_only_all_is_a_hundred_per_cent_and_only_none_is_zero(part: int, whole: int, written: str) -> None:
    """A share of nothing is unknown."""
    assert wording.of(part, whole) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        *((None, "-"), (0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (61, "1 min")),
        *((3_600, "1 h"), (5_400, "1.5 h"), (172_799, "48 h"), (172_800, "2 days")),
    ],
)
def test_seconds_have_the_unit_that_fits(seconds: float | None, written: str) -> None:
    """Two digits are enough to compare."""
    assert wording.seconds(seconds) == written


def test_ages_are_never_in_the_future() -> None:
    """Two machines' clocks differ; what was never done has no age."""
    assert wording.age(NOON - timedelta(minutes=3), NOON) == "3 min ago"
    assert wording.age(NOON + timedelta(seconds=5), NOON) == "0.0 s ago"
    assert wording.age(None, NOON) == "never"


def test_moments_are_utc() -> None:
    """Whatever zone they came with."""
    assert wording.moment(datetime.fromisoformat("2026-11-30T01:30:00+02:00")) == "2026-11-29 23:30"
    assert wording.moment(None) == "-"


def test_words_agree_with_their_numbers() -> None:
    """One is one, and lists read as sentences do."""
    assert (wording.count(1, "turn"), wording.count(1_200, "turn")) == ("1 turn", "1,200 turns")
    assert wording.count(2, "reply", "replies") == "2 replies"
    assert [wording.listed(one) for one in ([], ["a"], ["a", "b", "c"])] == ["", "a", "a, b and c"]
    assert wording.dollars(None) == "-"
