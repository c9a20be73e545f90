"""Releases and runs in the database, as tests make them."""

from typing import Any

from bot.store.db import Database, Session
from bot.store.releases import eval_runs, probes, releases, verdicts
from bot.store.releases.eval_runs import RunPlan
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import ProbeState, RunKind, RunState, Verdict

SUITE = "s1"


def keep_release(database: Database, fingerprint: str = "access@1", agent: str = "access") -> None:
    """Keep a release."""
    with database.write() as session:
        releases.register(session, agent=agent, fingerprint=fingerprint, body={"model": "m"})


def open_run(database: Database, fingerprint: str = "access@1") -> int:
    """Open an evaluation run of a release."""
    with database.write() as session:
        return eval_runs.start_run(session, release=fingerprint, suite=SUITE, repeats=1, cases=2, started_by="operator")


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


def verdict_of(database: Database, fingerprint: str = "access@1", suite: str = "s1") -> str | None:
    """Return what a suite has said of a release."""
    with database.read() as session:
        return verdicts.standing(session, fingerprint, suite).verdict


def judged(
    session: Session, release: str, suite: str = SUITE, verdict: str = "pass", agent: str = "access", **register: Any
) -> int:
    """Let a suite of one case say something of a release, which is registered before; return the run."""
    releases.register(session, agent=agent, fingerprint=release, body=register.pop("body", {}), **register)
    run = eval_runs.start_run(session, release=release, suite=suite, repeats=1, cases=1, started_by="operator")
    eval_runs.finish_run(session, run, state=RunState.FINISHED, verdict=Verdict(verdict))
    return run


def probed(database: Database, pair: ReleasePair) -> int:
    """Let the probes of a release be played, of which there is one, and return the run."""
    plan = RunPlan(kind=RunKind.PROBE)
    of = {"release": pair.release, "suite": pair.suite}
    with database.write() as session:
        run = eval_runs.start_run(session, **of, repeats=1, cases=1, started_by="clock", plan=plan)
        probes.say(session, run, ProbeState.AS_BEFORE, runs=1, p_value=0.4, difference=0.0, hard_failures=())
    add_play(database, run, "one")
    end_run(database, run, verdict=None)
    return run
