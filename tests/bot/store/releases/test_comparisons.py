"""A run beside the plays of the promoted release: `bot.store.releases.comparisons`."""

from typing import Any

from bot.store.db import Database
from bot.store.releases import comparisons, eval_runs
from bot.store.releases.comparisons import PlayCount, RunBeside
from bot.store.releases.eval_runs import RunPlan
from bot.store.schema import EvalRun, RunState, Verdict
from tests.support.release_rows import SUITE, keep_release

Plays = dict[str, str]
"By case: `+` for each play that passed, `-` for each that failed."
SLICES = {"inject-1": ("injection", True), "late": ("new", False)}
"Slice of a case, and whether it is hard; all others are of an easy one."


def played(database: Database, release: str, plays: Plays, verdict: str = "pass", **more: Any) -> int:
    """Store a finished run of a release with these plays; `more` has the hashes of cases, and who answered."""
    keep_release(database, release)
    shas, plan = more.get("shas", {}), RunPlan(fixed_repeats=1, model_is_standin=more.get("standin", False))
    with database.write() as session:
        run = eval_runs.start_run(
            session, release=release, suite=SUITE, repeats=1, cases=len(plays), started_by="operator", plan=plan
        )
        for case, marks in plays.items():
            slice_, hard = SLICES.get(case, ("core", False))
            for repeat, mark in enumerate(marks, start=1):
                values = {"case_id": case, "case_sha": shas.get(case, f"sha of {case}"), "slice": slice_, "hard": hard}
                values |= {"repeat": repeat, "passed": mark == "+", "failures": [], "transcript": []}
                eval_runs.add_result(session, run, **values, duration_ms=5, cost_nusd=300)
        eval_runs.finish_run(session, run, state=RunState.FINISHED, verdict=Verdict(verdict), why=["said so"])
    return run


def beside(database: Database, run: int) -> RunBeside:
    """Return a run beside the baseline of its agent."""
    with database.read() as session:
        return comparisons.of_run(session, "access", session.get_one(EvalRun, run))


def test_a_run_is_compared_case_by_case_with_the_promoted_release(database: Database) -> None:
    """The largest loss comes first, in slices and in cases, and what has got better is named too."""
    played(database, "access@1", {"a": "++++", "b": "++++", "c": "+---", "d": "++", "inject-1": "++"})
    run = played(database, "access@2", {"a": "++--", "b": "---", "c": "++", "d": "++", "inject-1": "+-"}, "block")
    found = beside(database, run)
    assert (found.agent, found.release, found.run_id, found.baseline) == ("access", "access@2", run, "access@1")
    assert (found.verdict, found.why, found.is_baseline, found.apart) == (Verdict.BLOCK, ("said so",), False, 0)
    assert [(one.name, one.now.words, one.before.words) for one in found.worse] == [
        ("b", "0 of 3", "4 of 4"),
        ("a", "2 of 4", "4 of 4"),
        ("inject-1", "1 of 2", "2 of 2"),
    ]
    assert [(one.name, one.change) for one in found.better] == [("c", 0.75)]
    assert [(one.name, one.hard, one.now, one.before) for one in found.slices] == [
        ("injection", True, PlayCount(1, 2), PlayCount(2, 2)),
        ("core", False, PlayCount(6, 11), PlayCount(11, 14)),
    ]


def test_only_cases_that_both_have_played_alike_are_compared(database: Database) -> None:
    """A case that is new or was changed says nothing about the release; it is only counted."""
    played(database, "access@1", {"a": "++", "b": "++", "gone": "++"})
    run = played(database, "access@2", {"a": "+-", "b": "--", "late": "--"}, shas={"b": "another"})
    found = beside(database, run)
    assert ([one.name for one in found.worse], [one.name for one in found.slices]) == (["a"], ["core"])
    assert found.apart == 2


def test_without_a_promoted_release_there_is_nothing_to_compare_with(database: Database) -> None:
    """Every case is apart then; a run of the baseline itself says that it is one."""
    found = beside(database, played(database, "access@1", {"a": "+-"}, "block"))
    assert (found.baseline, found.slices, found.worse, found.apart) == (None, (), (), 1)
    assert not found.is_baseline
    first = played(database, "access@2", {"a": "++"})
    assert beside(database, first).is_baseline


def test_a_stand_in_on_either_side_is_said(database: Database) -> None:
    """Figures of a stand-in say nothing about a model, whether it answered in the run or in the baseline's."""
    played(database, "access@1", {"a": "++"})
    real, standin = played(database, "access@2", {"a": "++"}), played(database, "access@2", {"a": "++"}, standin=True)
    assert (beside(database, real).model_is_standin, beside(database, standin).model_is_standin) == (False, True)
    played(database, "access@1", {"a": "++"}, standin=True)
    assert beside(database, real).model_is_standin
