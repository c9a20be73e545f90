"""When each part was last seen at work: `bot.store.figures.watch`."""

from datetime import timedelta

from bot import durations
from bot.store.db import Database
from bot.store.figures import watch
from bot.store.figures.watch import Sign
from bot.store.schema import Turn, now
from tests.support.lived_month import live

WHAT = ("turn", "heartbeat of the clock", "drift check", "evaluation", "scored sample", "probe")


def signs(database: Database, *agents: str) -> dict[str, Sign]:
    """Return the signs by what was done."""
    with database.read() as session:
        return {one.name: one for one in watch.signs(session, agents, at=now())}


def test_nothing_was_done_in_an_empty_database(database: Database) -> None:
    """And nothing of that is late: it has not begun."""
    found = signs(database, "access")
    assert set(WHAT) < found.keys()
    assert all(one.at is None and not one.is_late(now()) for one in found.values())


def test_the_last_of_each_is_found(database: Database) -> None:
    """The last turn, clock, drift check and evaluation; of an agent that did nothing, only the clock."""
    month = live(database, now())
    found, others = signs(database, "access"), signs(database, "vpn")
    assert found["turn"].at == max(row["finished_at"] for row in month.history.rows[Turn])
    for name in ("heartbeat of the clock", "drift check", "evaluation"):
        at = found[name].at
        assert at is not None
        assert now() - at < timedelta(minutes=10)
    assert [name for name, one in others.items() if one.at is not None] == ["heartbeat of the clock"]


def test_a_clock_that_is_silent_is_late() -> None:
    """From the time on after which `deskhand doctor` takes it for dead; what has no rhythm is never late."""
    limit, at = timedelta(seconds=durations.CLOCK_SILENT), now()
    sign = Sign("heartbeat of the clock", at, limit)
    assert (sign.is_late(at + limit), sign.is_late(at + limit + timedelta(seconds=1))) == (False, True)
    assert not Sign("turn", at).is_late(at + timedelta(days=9))
