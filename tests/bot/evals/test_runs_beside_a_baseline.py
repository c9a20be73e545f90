"""A run is judged beside the plays of the promoted release: `bot.evals.runs` with `bot.store.releases.baselines`."""

from collections.abc import Collection, Sequence

from bot.agent import card
from bot.agent.release import ReleaseId
from bot.evals import runs
from bot.evals.cases import Case, Suite
from bot.evals.plays import Play, PlayedCase
from bot.evals.runs import PlannedRun
from bot.store.db import Database
from bot.store.releases import baselines, run_plays
from bot.store.releases.eval_runs import RunPlan
from bot.store.schema import EvalRun
from tests.support.fixed_model import a_case
from tests.support.paths import CONFIG

AGENT = card.load(CONFIG / "agents" / "access")
CASES = tuple(a_case(f"case-{number:03}") for number in range(100))


def played(
    database: Database, release: str, *, failing: Collection[int] = (), cases: Sequence[Case] = CASES
) -> EvalRun:
    """Play each case once with a release of which some cases fail, and return its run."""
    frozen = ReleaseId("access", release * 64, {"model": "stand-in-1"}, "0" * 64)
    plan = RunPlan(fixed_repeats=1, width=len(cases))
    planned = PlannedRun(AGENT, frozen, Suite(tuple(cases), "5" * 64), tuple(cases), plan, "operator")
    run_id = runs.begin(database, planned)
    for number, case in enumerate(cases):
        wrong = ("expected a reply, saw a handoff",) if number in failing else ()
        runs.keep(
            database, run_id, Play(PlayedCase.of(case), 1, wrong, (), 5, 300, (), played=True), agent=AGENT, cases=cases
        )
    with database.read() as session:
        found = run_plays.get(session, run_id)
    assert found is not None
    return found


def test_a_drop_against_the_promoted_release_blocks(sqlite: Database) -> None:
    """Twelve of 100 cases break: the absolute criteria would pass that, the comparison does not; unchanged passes."""
    first = played(sqlite, "a")
    assert (first.verdict, first.why[-1]) == ("pass", "absolute criteria: no release was promoted before")
    worse = played(sqlite, "b", failing=range(12))
    assert worse.verdict == "block"
    assert str(worse.why[0]).startswith("-12.0 points against the baseline")
    same = played(sqlite, "c")
    assert same.verdict == "pass"
    assert str(same.why[-1]).startswith("+0.0 points against the baseline")
    with sqlite.read() as session:
        promoted = baselines.current(session, "access")
    assert promoted is not None
    assert promoted.release == first.release


def test_an_edited_case_is_compared_with_nothing(database: Database) -> None:
    """With 21 of 100 cases edited the comparison is left; plays of other releases and unfinished runs never count."""
    played(database, "a")
    played(database, "b", failing=range(12))
    edited = tuple(
        a_case(case.id, requester="lee@northwind.example") if number < 21 else case for number, case in enumerate(CASES)
    )
    found = played(database, "c", cases=edited)
    assert found.why[-1] == "absolute criteria: the baseline has played 79 of the 100 cases as they are now"
    shas = {case.id: PlayedCase.of(case).sha for case in edited}
    with database.read() as session:
        counted = baselines.plays(session, "access", shas)
        assert baselines.plays(session, "nobody", shas) is None
    assert counted == {case.id: (1, 1) for case in CASES[21:]}
