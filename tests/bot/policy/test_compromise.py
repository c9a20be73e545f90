"""Sign-ins that look as if somebody else had got in: `bot.policy.compromise`."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from bot.policy.compromise import READ_AT_MOST, detect
from bot.policy.rules import CompromiseFigures
from bot.principals import SignIn

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
USUAL = CompromiseFigures()
Row = tuple[float, bool, str | None]
"Minutes ago, whether it succeeded, from where."


def rows(*given: Row) -> list[SignIn]:
    return [SignIn(NOW - timedelta(minutes=ago), ok, "" if ok else "wrong password", place) for ago, ok, place in given]


def failed(count: int, place: str | None, *, since: float = 31) -> tuple[Row, ...]:
    return tuple((since + n, False, place) for n in range(count))


HOME: Row = (3_000, True, "Leeds")
IN: Row = (30, True, "Lagos")
CASES: tuple[tuple[str, tuple[Row, ...], bool], ...] = (
    ("many from elsewhere, then in from there", (HOME, *failed(4, "Lagos"), IN), True),
    ("many from elsewhere, then in from home", (HOME, *failed(4, "Lagos"), (30, True, "Leeds")), True),
    ("many at home, then in from elsewhere", (HOME, *failed(4, "Leeds"), IN), True),
    ("from many places", (HOME, (31, False, "A"), (32, False, "B"), (33, False, "C"), (34, False, "D"), IN), True),
    ("one too few", (HOME, *failed(3, "Lagos"), IN), False),
    ("mistyped at home", (HOME, *failed(9, "Leeds"), (30, True, "Leeds")), False),
    ("mistyped at home, written another way", (HOME, *failed(9, "LEEDS "), (30, True, " leeds")), False),
    (
        "mistyped at home, one stray from elsewhere",
        (HOME, *failed(5, "Leeds"), (33, False, "X"), (30, True, "Leeds")),
        False,
    ),
    ("only failures", (HOME, *failed(50, "Lagos")), False),
    ("a success before, none after", (*failed(50, "Lagos"), (90, True, "Leeds")), False),
    ("a success among them", (HOME, *failed(6, "Lagos"), IN, *failed(6, "Lagos", since=2)), True),
    ("long before", (HOME, *failed(4, "Lagos", since=95), IN), False),
    ("too long ago to matter", (HOME, *failed(9, "Lagos", since=1_441), (1_440.5, True, "Lagos")), False),
    ("just within the day", (HOME, *failed(4, "Lagos", since=1_440), (1_439, True, "Lagos")), True),
    ("no places at all", ((3_000, True, None), *failed(4, None), (30, True, None)), True),
    ("failures without a place", (HOME, *failed(4, None), (30, True, "Leeds")), True),
    ("a place of nothing but blanks", (HOME, *failed(4, "  "), (30, True, "Leeds")), True),
    ("a success without a place", (HOME, *failed(4, "Leeds"), (30, True, None)), True),
    ("no history", (*failed(4, "Leeds"), (30, True, "Leeds")), True),
    ("at the same moment", (HOME, *((30.0, False, "Lagos"),) * 4, IN), True),
    ("a clock a minute off", (HOME, *((29.0, False, "Lagos"),) * 4, IN), True),
    ("failures after it, beyond any clock", (HOME, *((27.0, False, "Lagos"),) * 4, IN), False),
    ("stamped ahead of us", (HOME, *failed(4, "Lagos", since=-4), (-5, True, "Lagos")), True),
    ("nothing at all", (), False),
)


@pytest.mark.parametrize(("given", "is_sign"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_what_is_a_sign(given: tuple[Row, ...], is_sign: bool) -> None:  # noqa: FBT001 - a table
    """A success right after many failures from elsewhere; in whatever order the directory tells them."""
    ordered = rows(*given)
    shuffled = Random(4).sample(ordered, len(ordered))
    assert detect(ordered, USUAL, NOW) == detect(shuffled, USUAL, NOW)
    assert (detect(shuffled, USUAL, NOW) is not None) is is_sign


def test_the_person_is_told_what_was_seen() -> None:
    """How many, when, from where, and the one that succeeded."""
    assert detect(rows(HOME, *failed(4, "Lagos"), IN), USUAL, NOW) == (
        "4 sign-ins failed between 2026-11-29 08:26 UTC and 2026-11-29 08:29 UTC, from Lagos; "
        "then one succeeded at 2026-11-29 08:30 UTC, from Lagos."
    )
    assert "from an unknown place" in str(detect(rows(*failed(4, None), (30, True, None)), USUAL, NOW))


def test_the_figures_are_the_cards() -> None:
    """How many, within how long, and for how long it counts."""
    seen = rows(HOME, *failed(2, "Lagos", since=100), IN)
    assert detect(seen, USUAL, NOW) is None
    assert detect(seen, CompromiseFigures(failures=2, within_minutes=90), NOW) is not None
    assert detect(seen, CompromiseFigures(failures=2, within_minutes=90, for_hours=0.4), NOW) is None


def test_evidence_that_was_washed_away_is_a_sign() -> None:
    """So many sign-ins that the list does not reach back far enough: a person looks."""
    many = rows(*((n / 10, True, "Leeds") for n in range(READ_AT_MOST)))
    assert "too many to read" in str(detect(many, USUAL, NOW))
    assert detect(rows(*((n * 60.0, True, "Leeds") for n in range(READ_AT_MOST))), USUAL, NOW) is None
