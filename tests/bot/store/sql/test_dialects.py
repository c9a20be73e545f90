"""Arithmetic with moments on both databases: `bot.store.sql.dialects`."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import cast, literal, null, select, text

from bot.store.db import Database
from bot.store.schema import UtcDateTime
from bot.store.sql.dialects import MillisecondsBetween, SecondsBetween, UtcDate

LATE = datetime(2026, 11, 22, 23, 59, 59, 250_000, tzinfo=UTC)


def test_seconds_between_two_moments(database: Database) -> None:
    """To the millisecond, over the end of a day and of a year; of no moment there is none."""
    start = literal(LATE, UtcDateTime())
    ends = (LATE, LATE + timedelta(seconds=1.5), LATE + timedelta(days=400, milliseconds=1))
    with database.read() as session:
        seen = [session.scalar(select(SecondsBetween(start, literal(end, UtcDateTime())))) for end in ends]
        nothing = session.scalar(select(SecondsBetween(start, null())))
    assert [float(one) for one in seen if one is not None] == [0, 1.5, 400 * 86_400 + 0.001]
    assert nothing is None


def test_milliseconds_between_two_moments(database: Database) -> None:
    """A whole number, each moment taken to the nearest millisecond first; of no moment there is none."""
    start = literal(LATE + timedelta(microseconds=400), UtcDateTime())
    ends = (LATE, LATE + timedelta(microseconds=1_600), LATE - timedelta(seconds=2), LATE + timedelta(days=400))
    with database.read() as session:
        seen = [session.scalar(select(MillisecondsBetween(start, literal(end, UtcDateTime())))) for end in ends]
        nothing = session.scalar(select(MillisecondsBetween(cast(null(), UtcDateTime()), start)))
    assert (seen, nothing) == ([0, 2, -2_000, 400 * 86_400_000], None)


def test_a_date_is_that_of_utc(database: Database) -> None:
    """A second before midnight it is still the old day."""
    with database.read() as session:
        days = [
            session.scalar(select(UtcDate(literal(at, UtcDateTime())))) for at in (LATE, LATE + timedelta(seconds=1))
        ]
    assert days == ["2026-11-22", "2026-11-23"]


def test_the_zone_of_a_postgresql_session_does_not_matter(postgres: Database) -> None:
    """A server set to another zone counts the same days."""
    with postgres.read() as session:
        session.execute(text("SET TIME ZONE 'Pacific/Kiritimati'"))
        assert session.scalar(select(UtcDate(literal(LATE, UtcDateTime())))) == "2026-11-22"
