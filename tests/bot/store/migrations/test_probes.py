"""Alerts and runs of before are kept when probes come and when they go: revision 0037."""

from typing import Any

import sqlalchemy
from alembic import command

from bot.store.db import Database
from bot.store.figures import owner_alerts
from bot.store.installation import revisions
from bot.store.releases import eval_runs, probes
from bot.store.releases.eval_runs import RunPlan
from bot.store.schema import AlertKind, EvalRun, ProbeState, RunKind, RunState
from tests.support.factories import rows
from tests.support.release_rows import judged

BEFORE = "0036"
ALERTS = "SELECT id, agent, kind, subject, found_at, closed_at FROM owner_alerts ORDER BY id"


def _fill(database: Database) -> None:
    """Write down alerts of each kind, one of them over, an evaluation, and a run of the probes with its result."""
    with database.write() as session:
        judged(session, "a@1")
        for kind in AlertKind:
            owner_alerts.open_(session, "a", kind, "what", {})
        owner_alerts.close(session, "a", AlertKind.LOOP, "what")
        plan = RunPlan(kind=RunKind.PROBE)
        run = eval_runs.start_run(session, release="a@1", suite="s1", repeats=1, cases=1, started_by="clock", plan=plan)
        probes.say(session, run, ProbeState.WORSE, runs=1, p_value=0.1, difference=-1.0, hard_failures=["c"])
        eval_runs.finish_run(session, run, state=RunState.FINISHED, verdict=None)


def _run(database: Database, sql: str) -> list[tuple[Any, ...]]:
    with database.engine.begin() as connection:
        found = connection.execute(sqlalchemy.text(sql))
        return [tuple(row) for row in found] if found.returns_rows else []


def test_alerts_and_runs_are_kept_both_ways(database: Database, database_url: str) -> None:
    """Only what the build before does not know is gone, and no play of a probe counts for a baseline there."""
    _fill(database)
    full = _run(database, ALERTS)
    with database.engine.connect() as connection:
        command.downgrade(revisions._config(connection), BEFORE)
        connection.commit()
    kept = [row for row in full if row[2] not in {"probes_worse", "no_probe"}]
    assert _run(database, ALERTS) == kept
    assert len(kept) == len(AlertKind) - 2
    assert _run(database, "SELECT state, verdict FROM eval_runs ORDER BY id") == [
        ("finished", "pass"),
        ("invalid", "not_run"),
    ]
    revisions.migrate(database_url)
    assert _run(database, ALERTS) == kept
    assert {run.kind for run in rows(database, EvalRun)} == {RunKind.EVALUATION}
