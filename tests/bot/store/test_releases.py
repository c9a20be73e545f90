"""Releases, evaluations and verdicts: `bot.store.releases`."""

import pytest

from bot.store import releases
from bot.store.db import Database
from bot.store.releases import RunTally
from bot.store.schema import AuditRow, EvalResult, EvalRun, Release, RunState, Verdict
from tests.support.factories import at_once, rows


def register(database: Database, fingerprint: str = "access@1", agent: str = "access") -> None:
    """Keep a release."""
    with database.write() as session:
        releases.register(session, agent=agent, fingerprint=fingerprint, body={"model": "m"})


def run(database: Database, fingerprint: str = "access@1") -> int:
    """Open an evaluation run of a release."""
    with database.write() as session:
        return releases.start_run(session, release=fingerprint, suite="s1", repeats=1, cases=2, started_by="operator")


def add(database: Database, run_id: int, case_id: str, *, passed: bool = True, repeat: int = 0) -> None:
    """Keep how a case went."""
    with database.write() as session:
        releases.add_result(
            session,
            run_id,
            case_id=case_id,
            slice="core",
            hard=False,
            repeat=repeat,
            passed=passed,
            failures=[] if passed else ["expected unlock"],
            transcript=[],
            duration_ms=5,
            cost_nusd=300,
        )


def finish(database: Database, run_id: int, *, state: str = "finished", verdict: str | None = "pass") -> None:
    """Close a run."""
    with database.write() as session:
        releases.finish_run(session, run_id, state=RunState(state), verdict=Verdict(verdict) if verdict else None)


def verdict(database: Database, fingerprint: str = "access@1") -> str | None:
    """Return a release's verdict."""
    with database.read() as session:
        return releases.verdict(session, fingerprint)


def test_a_release_is_kept_once(database: Database) -> None:
    """Processes that start together keep it together; its verdict is not forgotten by a restart."""
    at_once(8, lambda _: register(database))
    finish(database, run(database))
    register(database)
    assert len(rows(database, Release)) == 1
    assert verdict(database) == "pass"


def test_a_release_without_an_evaluation_has_no_verdict(database: Database) -> None:
    """Nor has one that nobody has heard of, nor one whose run has not ended."""
    register(database)
    run(database)
    assert verdict(database) is None
    assert verdict(database, "access@2") is None
    with database.read() as session:
        assert releases.get(session, "access@2") is None


def test_a_finished_run_gives_its_own_release_the_verdict(database: Database) -> None:
    """With the moment and the run; another release keeps what it has, and the audit log knows who asked."""
    for fingerprint in ("access@1", "access@2"):
        register(database, fingerprint)
    run_id = run(database)
    finish(database, run_id, verdict="block")
    assert (verdict(database), verdict(database, "access@2")) == ("block", None)
    with database.read() as session:
        release = releases.get(session, "access@1")
    assert release is not None
    assert (release.run_id, release.verdict_at is None) == (run_id, False)
    [record] = rows(database, AuditRow)
    assert (record.event, record.actor) == ("release.evaluated", "operator")
    assert record.record == {"release": "access@1", "run": run_id, "state": "finished", "verdict": "block"}


@pytest.mark.parametrize("before", ["pass", "block", None])
def test_an_invalid_run_changes_no_verdict(database: Database, before: str | None) -> None:
    """What could not be measured neither clears nor blocks."""
    register(database)
    if before is not None:
        finish(database, run(database), verdict=before)
    finish(database, run(database), state="invalid", verdict=None)
    assert verdict(database) == before


def test_a_case_counts_once_for_its_repeat(database: Database) -> None:
    """A result told twice is the first one; the run costs what its results cost."""
    register(database)
    run_id = run(database)
    for case_id, passed, repeat in (("a", True, 0), ("a", False, 0), ("a", False, 1), ("b", True, 0)):
        add(database, run_id, case_id, passed=passed, repeat=repeat)
    add(database, run(database), "c")
    finish(database, run_id)
    with database.read() as session:
        told = [(one.case_id, one.repeat, one.passed) for one in releases.results(session, run_id)]
        assert session.get_one(EvalRun, run_id).cost_nusd == 900
    assert told == [("a", 0, True), ("a", 1, False), ("b", 0, True)]
    assert len(rows(database, EvalResult)) == 4


def test_the_last_run_is_the_newest_that_has_ended(database: Database) -> None:
    """Of this agent; one under way shows nothing yet."""
    register(database)
    register(database, "other@1", agent="other")
    first, second = run(database), run(database)
    for run_id in (second, first, run(database, "other@1")):
        finish(database, run_id, state="invalid" if run_id == second else "finished")
    run(database)
    with database.read() as session:
        last, nobody = releases.last_run(session, "access"), releases.last_run(session, "nobody")
    assert last is not None
    assert (last.id, nobody) == (second, None)


def test_a_run_is_tallied(database: Database) -> None:
    """Plays, those that passed, and failures in hard slices; another run does not count."""
    register(database)
    mine, other = run(database), run(database)
    add(database, mine, "a")
    add(database, mine, "b", passed=False)
    add(database, other, "a", passed=False)
    with database.write() as session:
        releases.add_result(session, mine, case_id="c", slice="hard", hard=True, repeat=0, passed=False, duration_ms=1)
    with database.read() as session:
        assert releases.tally(session, mine) == RunTally(played=3, passed=1, hard_failures=1)
        assert releases.tally(session, 99) == RunTally(played=0, passed=0, hard_failures=0)
