"""When each part was last seen at work: `bot.store.figures.watch`."""

from datetime import timedelta

from sqlalchemy import func, select, update

from bot.store.db import Database
from bot.store.figures import watch
from bot.store.figures.watch import Sign
from bot.store.schema import Heartbeat, Turn, now
from tests.support.lived_month import live

WHAT = ("turn", "heartbeat of the clock", "drift check", "evaluation", "scored sample", "probe")


def signs(database: Database, *agents: str) -> dict[str, Sign]:
    """Return the signs by what was done."""
    with database.read() as session:
        return {one.name: one for one in watch.signs(session, agents)}


def test_nothing_was_done_in_an_empty_database(database: Database) -> None:
    """And nothing of that is late: it has not begun."""
    found = signs(database, "access")
    assert set(WHAT) < found.keys()
    assert all(one.at is None and not one.late for one in found.values())


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


def test_what_owners_are_alerted_of_is_late(database: Database) -> None:
    """A clock that is silent, and a turn that waits while none ends; a clock that beats and an idle worker are not."""
    live(database, now())
    seen = signs(database, "access")
    assert (seen["turn"].late, seen["heartbeat of the clock"].late, seen["drift check"].late) == (False, False, None)
    long_ago = now() - timedelta(hours=1)
    with database.write() as session:
        session.execute(update(Heartbeat).values(at=long_ago))
        last = session.scalars(select(func.max(Turn.id))).one()
        session.execute(update(Turn).where(Turn.id == last).values(state="waiting", queued_at=long_ago, outcome=None))
        session.execute(update(Turn).where(Turn.id == last).values(finished_at=None))
        session.execute(update(Turn).where(Turn.id != last).values(finished_at=long_ago))
    seen = signs(database, "access")
    assert (seen["turn"].late, seen["heartbeat of the clock"].late) == (True, True)
