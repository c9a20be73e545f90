"""Releases and runs in the database, as tests make them."""

from bot.store.db import Database
from bot.store.releases import eval_runs, releases
from bot.store.schema import RunState, Verdict


def keep_release(database: Database, fingerprint: str = "access@1", agent: str = "access") -> None:
    """Keep a release."""
    with database.write() as session:
        releases.register(session, agent=agent, fingerprint=fingerprint, body={"model": "m"})


def open_run(database: Database, fingerprint: str = "access@1") -> int:
    """Open an evaluation run of a release."""
    with database.write() as session:
        return eval_runs.start_run(session, release=fingerprint, suite="s1", repeats=1, cases=2, started_by="operator")


def add_play(database: Database, run_id: int, case_id: str, *, passed: bool = True, repeat: int = 0) -> None:
    """Keep how a case went."""
    with database.write() as session:
        eval_runs.add_result(
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


def end_run(database: Database, run_id: int, *, state: str = "finished", verdict: str | None = "pass") -> None:
    """Close a run."""
    with database.write() as session:
        eval_runs.finish_run(session, run_id, state=RunState(state), verdict=Verdict(verdict) if verdict else None)


def verdict_of(database: Database, fingerprint: str = "access@1") -> str | None:
    """Return a release's verdict."""
    with database.read() as session:
        return releases.verdict(session, fingerprint)
