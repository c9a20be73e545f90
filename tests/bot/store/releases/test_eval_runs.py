"""Runs of evaluations and what they decide: `bot.store.releases.eval_runs`."""

import pytest

from bot.store.db import Database
from bot.store.releases import eval_runs, verdicts
from bot.store.releases.eval_runs import RunTally
from bot.store.schema import AuditRow, EvalResult, EvalRun
from tests.support.factories import rows
from tests.support.release_rows import SUITE, add_play, end_run, keep_release, open_run, verdict_of


def test_a_finished_run_gives_its_own_release_the_verdict(database: Database) -> None:
    """With the moment and the run; another release keeps what it has, and the audit log knows who asked."""
    for fingerprint in ("access@1", "access@2"):
        keep_release(database, fingerprint)
    run_id = open_run(database)
    end_run(database, run_id, verdict="block")
    assert (verdict_of(database), verdict_of(database, "access@2")) == ("block", None)
    with database.read() as session:
        [said] = verdicts.of_release(session, "access@1")
        assert verdicts.of_release(session, "access@2") == []
    assert (said.suite, said.run_id, said.why) == (SUITE, run_id, [])
    begun, record = rows(database, AuditRow)
    assert (begun.event, begun.actor, begun.record["run"]) == ("evaluation.begun", "operator", run_id)
    assert (record.event, record.actor) == ("release.evaluated", "operator")
    assert record.record == {"release": "access@1", "run": run_id, "state": "finished", "verdict": "block"}


@pytest.mark.parametrize("before", ["pass", "block", None])
def test_an_invalid_run_changes_no_verdict(database: Database, before: str | None) -> None:
    """What could not be measured neither clears nor blocks."""
    keep_release(database)
    if before is not None:
        end_run(database, open_run(database), verdict=before)
    end_run(database, open_run(database), state="invalid", verdict=None)
    assert verdict_of(database) == before


def test_a_case_counts_once_for_its_repeat(database: Database) -> None:
    """A result told twice is the first one; the run costs what its results cost."""
    keep_release(database)
    run_id = open_run(database)
    for case_id, passed, repeat in (("a", True, 0), ("a", False, 0), ("a", False, 1), ("b", True, 0)):
        add_play(database, run_id, case_id, passed=passed, repeat=repeat)
    add_play(database, open_run(database), "c")
    end_run(database, run_id)
    with database.read() as session:
        told = [(one.case_id, one.repeat, one.passed) for one in eval_runs.results(session, run_id)]
        assert session.get_one(EvalRun, run_id).cost_nusd == 900
    assert told == [("a", 0, True), ("a", 1, False), ("b", 0, True)]
    assert len(rows(database, EvalResult)) == 4


def test_the_last_run_is_the_newest_that_has_ended(database: Database) -> None:
    """Of this agent; one under way shows nothing yet."""
    keep_release(database)
    keep_release(database, "other@1", agent="other")
    first, second = open_run(database), open_run(database)
    for run_id in (second, first, open_run(database, "other@1")):
        end_run(database, run_id, state="invalid" if run_id == second else "finished")
    open_run(database)
    with database.read() as session:
        last, nobody = eval_runs.last_run(session, "access"), eval_runs.last_run(session, "nobody")
    assert last is not None
    assert (last.id, nobody) == (second, None)


def test_a_run_is_tallied(database: Database) -> None:
    """Plays, those that passed, and failures in hard slices; another run does not count."""
    keep_release(database)
    mine, other = open_run(database), open_run(database)
    add_play(database, mine, "a")
    add_play(database, mine, "b", passed=False)
    add_play(database, other, "a", passed=False)
    with database.write() as session:
        eval_runs.add_result(session, mine, case_id="c", slice="hard", hard=True, repeat=0, passed=False, duration_ms=1)
    with database.read() as session:
        assert eval_runs.tally(session, mine) == RunTally(played=3, passed=1, hard_failures=1)
        assert eval_runs.tally(session, 99) == RunTally(played=0, passed=0, hard_failures=0)
