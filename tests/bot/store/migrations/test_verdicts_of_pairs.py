"""Verdicts of an installation that the build before has filled become verdicts of pairs: revision 0028."""

from datetime import UTC, datetime

import sqlalchemy
from alembic import command

from bot.store import db
from bot.store.installation import revisions
from bot.store.releases import verdicts
from bot.store.schema import VerdictRow
from tests.support.factories import rows

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
RELEASES = "INSERT INTO releases (fingerprint, agent, body, created_at, verdict, verdict_at, run_id) VALUES "
RUNS = (
    "INSERT INTO eval_runs (id, release, suite, repeats, cases, state, verdict, started_by, started_at, cost_nusd)"
    " VALUES "
)


def test_each_verdict_keeps_its_suite_and_comes_back(database: db.Database, database_url: str) -> None:
    """A release passed, one was blocked, one was never evaluated; the way back gives what was there."""
    _downgrade(database)
    at = "'2026-11-01 12:00:00+00:00'"
    with database.engine.begin() as connection:
        for name, verdict, when, run in (("a@1", "'pass'", at, 2), ("a@2", "'block'", at, 3), ("a@3", *("NULL",) * 3)):
            connection.exec_driver_sql(f"{RELEASES}('{name}', 'a', '{{}}', {at}, {verdict}, {when}, {run})")
        for number, name, suite in ((1, "a@1", "s0"), (2, "a@1", "s1"), (3, "a@2", "s2")):
            connection.exec_driver_sql(
                f"{RUNS}({number}, '{name}', '{suite}', 1, 9, 'finished', 'pass', 'operator', {at}, 0)"
            )
        before = _of_before(connection)
    revisions.migrate(database_url)
    found = [(one.release, one.suite, one.verdict, one.at, one.run_id, one.why) for one in rows(database, VerdictRow)]
    assert sorted(found) == [("a@1", "s1", "pass", AT, 2, []), ("a@2", "s2", "block", AT, 3, [])]
    with database.read() as session:
        assert verdicts.standing(session, "a@1", "s1").serves
        assert not verdicts.standing(session, "a@1", "s0").serves
    _downgrade(database)
    with database.engine.connect() as connection:
        assert _of_before(connection) == before


def _downgrade(database: db.Database) -> None:
    with database.engine.connect() as connection:
        command.downgrade(revisions._config(connection), "0027")
        connection.commit()


def _of_before(connection: sqlalchemy.Connection) -> list[tuple[object, ...]]:
    query = "SELECT fingerprint, agent, created_at, verdict, verdict_at, run_id FROM releases ORDER BY fingerprint"
    return [tuple(row) for row in connection.exec_driver_sql(query)]
