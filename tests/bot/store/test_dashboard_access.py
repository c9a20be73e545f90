"""Who has opened the dashboard: `bot.store.dashboard_access`, on SQLite and PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import update

from bot.store import dashboard_access
from bot.store.db import Database
from bot.store.schema import AuditRow, DashboardLink, DashboardSession, SessionEnd, now
from tests.support.factories import at_once, rows

OWNER, OTHER, LINK, SECRET = "U0OLIVIA", "U0PRIYA", "link-1", "a secret"
HOURS = timedelta(hours=8)


def made(database: Database, *, minutes: float = 10) -> None:
    """Make the link."""
    with database.write() as session:
        dashboard_access.store_link(session, LINK, OWNER, expires_at=now() + timedelta(minutes=minutes))


def used(database: Database, user: str = OWNER, *, secret: str = SECRET) -> bool:
    """Use the link, and open a session if it could be used."""
    with database.write() as session:
        fits = dashboard_access.use_link(session, LINK, user)
        if fits:
            dashboard_access.open_session(session, secret, user, lasts=HOURS, by="link")
        return fits


def person(database: Database, secret: str = SECRET) -> str | None:
    """Return whose session a secret is of."""
    with database.read() as session:
        return dashboard_access.person_of(session, secret)


def events(database: Database) -> list[tuple[str, str]]:
    """Return what was audited, of whom."""
    return [(row.event.removeprefix("dashboard."), row.actor) for row in rows(database, AuditRow)]


def test_link_is_used_once(database: Database) -> None:
    """The second use fails, and the audit log has one opening."""
    made(database)
    assert (used(database), used(database)) == (True, False)
    assert person(database) == OWNER
    assert events(database) == [("link_made", OWNER), ("opened", OWNER)]


def test_of_many_uses_at_once_one_wins(database: Database) -> None:
    """However many threads use a link at once, one session is opened."""
    made(database)
    won = at_once(12, lambda number: used(database, secret=f"secret {number}"))
    assert sorted(won) == [False] * 11 + [True]
    assert len(rows(database, DashboardSession)) == 1
    assert events(database) == [("link_made", OWNER), ("opened", OWNER)]


def test_use_waits_for_another_one_that_is_under_way(postgres: Database) -> None:
    """A second use begins before the first is committed, sees no trace of it yet, and is refused all the same."""
    made(postgres)
    with ThreadPoolExecutor(1) as pool:
        with postgres.write() as session:
            assert dashboard_access.use_link(session, LINK, OWNER) is True
            second = pool.submit(used, postgres)
            time.sleep(0.3)
            assert not second.done()
        assert second.result(30) is False
    assert rows(postgres, DashboardSession) == []


def test_link_is_of_no_use_to_others_or_later(database: Database) -> None:
    """Another person's id, or a link whose time is over, opens nothing and leaves the link unused."""
    made(database)
    assert used(database, OTHER) is False
    with database.write() as session:
        session.execute(update(DashboardLink).values(expires_at=now()))
    assert used(database) is False
    assert [row.opened_at for row in rows(database, DashboardLink)] == [None]


def test_looking_at_a_link_does_not_use_it(database: Database) -> None:
    """It says whether the link can be used, as often as it is asked."""
    made(database)
    with database.read() as session:
        assert [dashboard_access.is_unused(session, LINK, OWNER) for _ in range(3)] == [True] * 3
        assert dashboard_access.is_unused(session, LINK, OTHER) is False
    assert used(database) is True
    with database.read() as session:
        assert dashboard_access.is_unused(session, LINK, OWNER) is False


def test_secret_is_not_stored(database: Database) -> None:
    """Neither the session's row nor the audit log holds what the browser keeps."""
    made(database)
    used(database)
    [row], audited = rows(database, DashboardSession), rows(database, AuditRow)
    assert SECRET not in str([row.hash, *(one.record for one in audited)])
    assert len(row.hash) == 64


def test_session_ends_once(database: Database) -> None:
    """Of several requests that end it at once one does, and its person has none any more."""
    made(database)
    used(database)

    def end(_: int) -> bool:
        with database.write() as session:
            return dashboard_access.end_session(session, SECRET, SessionEnd.SIGNED_OUT)

    assert sorted(at_once(6, end)) == [False] * 5 + [True]
    assert person(database) is None
    assert events(database)[2:] == [("session_ended", OWNER)]


def test_session_expires(database: Database) -> None:
    """At its time it is of no use, before anything has swept it; the sweep records its end once."""
    with database.write() as session:
        dashboard_access.open_session(session, SECRET, OWNER, lasts=timedelta(0), by="link")
    assert person(database) is None
    for ended in (1, 0):
        with database.write() as session:
            assert dashboard_access.forget(session) == ended
    assert [row.record["why"] for row in rows(database, AuditRow)[1:]] == ["expired"]


def test_old_rows_are_forgotten_and_live_ones_kept(database: Database) -> None:
    """A day after their time the rows of links and sessions go; nothing is swept that is still of use."""
    made(database)
    used(database)
    with database.read() as session:
        assert dashboard_access.any_to_forget(session) is False
    with database.write() as session:
        session.execute(update(DashboardLink).values(expires_at=now() - timedelta(hours=25)))
        session.execute(update(DashboardSession).values(expires_at=now() - timedelta(hours=25)))
    with database.read() as session:
        assert dashboard_access.any_to_forget(session) is True
    with database.write() as session:
        assert dashboard_access.forget(session) == 1
    assert (rows(database, DashboardLink), rows(database, DashboardSession)) == ([], [])
