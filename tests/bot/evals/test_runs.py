"""A run is rows: what is due, what is queued, who looks, and that each of it happens once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from bot.evals import runner, runs
from bot.evals.cases import Case
from bot.evals.plays import Play, PlayedCase
from bot.evals.runs import Chosen, NothingToPlay, PlannedRun
from bot.store.db import Database
from bot.store.releases import run_plays, verdicts
from bot.store.releases.eval_runs import RunPlan
from bot.store.schema import AuditRow, EvalRun, RunState, Verdict, now
from tests.support.factories import rows
from tests.support.planned_runs import RUN_AGENT, RUN_CASES, RUN_RELEASE, RUN_SUITE


def begin(database: Database, cases: Sequence[Case] = RUN_CASES, **plan: object) -> int:
    """Open a run of the tests' release, of one play of each case unless the plan says otherwise."""
    planned = replace(RunPlan(fixed_repeats=1, width=100), **plan)  # type: ignore[arg-type]
    return runs.begin(database, PlannedRun(RUN_AGENT, RUN_RELEASE, RUN_SUITE, tuple(cases), planned, "operator"))


def result(case: Case, repeat: int = 1, *failures: str, outages: tuple[str, ...] = (), played: bool = True) -> Play:
    """Return how a case went."""
    return Play(PlayedCase.of(case), repeat, failures, (), 5, 300, outages, played)


def keep(database: Database, run_id: int, one: Play, cases: Sequence[Case] = RUN_CASES) -> tuple[str, ...]:
    """Store how a case went."""
    return runs.keep(database, run_id, one, agent=RUN_AGENT, cases=cases)


def run_of(database: Database, run_id: int) -> EvalRun:
    """Return a run as it is now."""
    with database.read() as session:
        found = run_plays.get(session, run_id)
    assert found is not None
    return found


def verdict(database: Database) -> str | None:
    """Return the verdict of the tests' release."""
    with database.read() as session:
        return verdicts.standing(session, str(RUN_RELEASE), RUN_SUITE.fingerprint).verdict


def test_as_many_plays_are_queued_as_there_is_room_for(database: Database) -> None:
    """Each result makes room for one more; what is queued or stored already is not queued again."""
    run_id = begin(database, width=3)
    assert runs.next_plays(database, run_id, RUN_CASES) == ("case-00:1", "case-01:1", "case-02:1")
    assert runs.next_plays(database, run_id, RUN_CASES) == ()
    assert keep(database, run_id, result(RUN_CASES[1])) == ("case-03:1",)
    assert keep(database, run_id, result(RUN_CASES[1])) == ()
    assert run_of(database, run_id).queued == ["case-00:1", "case-02:1", "case-03:1"]


def test_a_run_ends_with_its_last_play(database: Database) -> None:
    """The verdict, its reasons and the audit row come with the last result, and nothing is stored after it."""
    run_id = begin(database)
    runs.next_plays(database, run_id, RUN_CASES)
    for case in RUN_CASES[:-1]:
        assert keep(database, run_id, result(case)) == ()
        assert run_of(database, run_id).state is RunState.RUNNING
    assert keep(database, run_id, result(RUN_CASES[-1])) == ()
    ended = run_of(database, run_id)
    assert (ended.state, ended.verdict, verdict(database)) == ("finished", "pass", "pass")
    assert (ended.cost_nusd, ended.queued, ended.finished_at is None) == (6000, [], False)
    assert "lower bound of the pass rate over 20 cases" in " ".join(ended.why)
    keep(database, run_id, result(RUN_CASES[0], 2, "wrong"))
    assert len(run_plays_of(database, run_id)) == 20


def run_plays_of(database: Database, run_id: int) -> set[tuple[str, int]]:
    """Return the results of a run."""
    with database.read() as session:
        return run_plays.stored(session, run_id)


def test_the_gate_looks_after_each_round(sqlite: Database) -> None:
    """Without a fixed number each case is played twice, and for as long as the result is open twice more."""
    run_id = begin(sqlite, fixed_repeats=None)
    assert run_of(sqlite, run_id).repeats == 2
    queued = list(runs.next_plays(sqlite, run_id, RUN_CASES))
    assert len(queued) == 40
    for case in RUN_CASES:
        for repeat in (1, 2):
            queued = list(keep(sqlite, run_id, result(case, repeat)))
    assert (run_of(sqlite, run_id).repeats, run_of(sqlite, run_id).state) == (4, "running")
    assert (len(queued), queued[0]) == (40, "case-00:3")


def test_a_hard_failure_ends_a_run_after_its_round(sqlite: Database) -> None:
    """The rounds that were to come are not played: nothing could change the verdict."""
    hard = tuple(case.model_copy(update={"hard": True}) for case in RUN_CASES[:2])
    run_id = begin(sqlite, hard, fixed_repeats=None)
    for case in hard:
        for repeat in (1, 2):
            keep(sqlite, run_id, result(case, repeat, *(["wrong"] if (case, repeat) == (hard[0], 1) else [])), hard)
    ended = run_of(sqlite, run_id)
    assert (ended.state, ended.verdict, ended.repeats, verdict(sqlite)) == ("finished", "block", 2, "block")


def test_a_part_of_the_suite_never_gives_a_verdict(sqlite: Database) -> None:
    """However well it went: the run says nothing about the release, and why."""
    run_id = begin(sqlite, RUN_CASES[:2], only=("--case case-00", "--case case-01"))
    for case in RUN_CASES[:2]:
        keep(sqlite, run_id, result(case), RUN_CASES[:2])
    ended = run_of(sqlite, run_id)
    assert (ended.state, ended.verdict, verdict(sqlite)) == ("invalid", "not_run", None)
    assert ended.why == [
        "only a part of the suite was played (--case case-00, --case case-01): 2 of 2 plays passed",
    ]
    assert [case.id for case in runs.cases_of(ended, RUN_SUITE)] == ["case-00", "case-01"]
    with sqlite.read() as session:
        assert runner.report_of(session, run_id).only == ("--case case-00", "--case case-01")


@pytest.mark.parametrize("chosen", [Chosen(slices=("gone",)), Chosen(cases=("nobody",)), Chosen(("small",), ("x",))])
def test_a_choice_that_matches_nothing_is_refused(chosen: Chosen) -> None:
    """Nothing to play is no verdict, and it is told which slices there are."""
    with pytest.raises(NothingToPlay, match=r"no case matches .*; the slices are small"):
        chosen.of(RUN_SUITE)


def test_what_was_lost_from_the_queue_is_queued_again(sqlite: Database) -> None:
    """Only that, and never what has a result."""
    run_id = begin(sqlite, width=3)
    runs.next_plays(sqlite, run_id, RUN_CASES)
    keep(sqlite, run_id, result(RUN_CASES[0]))
    assert runs.requeue(sqlite, run_id, RUN_CASES, ["case-00:1", "case-01:1"]) == ("case-01:1",)


@pytest.mark.parametrize("at", ["a play in the middle", "the last play"])
def test_two_that_store_the_same_play_at_once(postgres: Database, at: str) -> None:
    """There is one result; and of two last plays, one verdict with one audit row."""
    for _ in range(5):
        run_id = begin(postgres)
        runs.next_plays(postgres, run_id, RUN_CASES)
        for case in RUN_CASES[1:] if at == "the last play" else RUN_CASES[2:]:
            keep(postgres, run_id, result(case))
        both, seen = Barrier(2), list[tuple[str, ...]]()

        def store(run_id: int = run_id, both: Barrier = both, seen: list[tuple[str, ...]] = seen) -> None:
            both.wait()
            seen.append(keep(postgres, run_id, result(RUN_CASES[0])))

        threads = [Thread(target=store) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [(), ()]
        assert len(run_plays_of(postgres, run_id)) == (20 if at == "the last play" else 19)
        told = [row for row in rows(postgres, AuditRow) if row.event == "release.evaluated"]
        assert len([row for row in told if row.record["run"] == run_id]) == (1 if at == "the last play" else 0)


def test_one_command_sees_to_a_run(database: Database) -> None:
    """Another one gets it when the first has let go, or gives no sign of life."""
    run_id, silence = begin(database), timedelta(seconds=10)

    def hold(who: str, *, later: timedelta = timedelta()) -> bool:
        with database.write() as session:
            return run_plays.hold(session, run_id, who, silent_before=now() + later - silence)

    assert [hold("a"), hold("a"), hold("b")] == [True, True, False]
    assert [hold("b", later=silence), hold("a")] == [True, False]
    with database.write() as session:
        run_plays.let_go(session, run_id, "a")
        run_plays.let_go(session, run_id, "b")
    assert hold("a")
    with database.write() as session:
        locked = run_plays.lock(session, run_id)
        assert locked is not None
        runs.end_unfinished(session, locked, "enough")
    assert not hold("a")
    assert run_of(database, run_id).why == ["enough", "20 of 20 plays were never started"]
    assert run_of(database, run_id).verdict is Verdict.NOT_RUN


def test_of_two_that_ask_at_once_one_opens_the_run(postgres: Database) -> None:
    """The other gets the same; a run that is planned otherwise is another one, and one that is abandoned is over."""
    planned = PlannedRun(RUN_AGENT, RUN_RELEASE, RUN_SUITE, RUN_CASES, RunPlan(width=2), "operator")
    both, seen = Barrier(2), list[int]()

    def ask() -> None:
        both.wait()
        seen.append(runs.resume_or_begin(postgres, planned)[0])

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1
    keep(postgres, seen[0], result(RUN_CASES[0]))
    assert runs.resume_or_begin(postgres, planned) == (seen[0], 1)
    part = replace(planned, cases=RUN_CASES[:1], plan=RunPlan(only=("--case case-00",)))
    assert runs.resume_or_begin(postgres, part)[0] != seen[0]
    runs.abandon(postgres, planned)
    assert run_of(postgres, seen[0]).verdict is Verdict.NOT_RUN
    assert runs.resume_or_begin(postgres, planned)[0] != seen[0]
