"""A run of the probes says something of its release, and never changes its verdict: `bot.evals.probing`."""

from collections.abc import Iterable
from dataclasses import replace

from bot.evals import probing, runs
from bot.evals.cases import Suite
from bot.evals.plays import Play, PlayedCase
from bot.evals.runs import PlannedRun
from bot.store.db import Database
from bot.store.releases import baselines, eval_runs, probes, run_plays, verdicts
from bot.store.releases.eval_runs import RunPlan
from bot.store.releases.probes import LastProbe
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import AuditRow, EvalRun, ProbeState, Promotion, RunKind, RunState
from tests.support.factories import rows
from tests.support.planned_runs import RUN_AGENT, RUN_CASES, RUN_RELEASE, RUN_SUITE

SUITE = replace(RUN_SUITE, probes=RUN_CASES[:6])
PAIR = ReleasePair(str(RUN_RELEASE), SUITE.fingerprint)


def play_all(
    database: Database, kind: RunKind, *, repeats: int = 1, failed: Iterable[str] = (), suite: Suite = SUITE
) -> int:
    """Play an evaluation or the probes to the end, some cases failing, and return the run."""
    cases = suite.cases if kind is RunKind.EVALUATION else suite.probes
    plan = RunPlan(fixed_repeats=repeats, kind=kind, width=100)
    run_id = runs.begin(database, PlannedRun(RUN_AGENT, RUN_RELEASE, suite, cases, plan, "operator"))
    for repeat in range(1, repeats + 1):
        for case in cases:
            failures = ("wrong",) if case.id in failed else ()
            played = Play(PlayedCase.of(case), repeat, failures, (), 5, 300, (), played=True)
            runs.keep(database, run_id, played, agent=RUN_AGENT, cases=cases)
    return run_id


def last(database: Database) -> LastProbe:
    """Return what the last probes say."""
    with database.read() as session:
        found = probes.last(session, PAIR)
    assert found is not None
    return found


def test_probes_never_touch_the_verdict(database: Database) -> None:
    """However they go: the verdict, the baseline and its plays, and the last evaluation stay as they were."""
    evaluated = play_all(database, RunKind.EVALUATION, repeats=3)
    with database.read() as session:
        before = verdicts.standing(session, *PAIR)
        shas = {PlayedCase.of(case).id: PlayedCase.of(case).sha for case in SUITE.cases}
        plays = baselines.plays(session, "access", shas)
    assert before.serves
    play_all(database, RunKind.PROBE, failed=[case.id for case in SUITE.probes])
    with database.read() as session:
        assert verdicts.standing(session, *PAIR) == before
        assert baselines.plays(session, "access", shas) == plays
        ended = eval_runs.last_run(session, "access")
    assert ended is not None
    assert ended.id == evaluated
    assert len(rows(database, Promotion)) == 1
    probe = rows(database, EvalRun)[1]
    assert (probe.state, probe.verdict, probe.kind, probe.cost_nusd) == ("finished", None, "probe", 1800)
    assert [row.event for row in rows(database, AuditRow)][-1] == "release.probed"


def test_probes_are_held_against_their_own_evaluation(database: Database) -> None:
    """As before with all passed; worse when all fail; what was found, and the reasons, are stored with the run."""
    play_all(database, RunKind.EVALUATION, repeats=3)
    play_all(database, RunKind.PROBE)
    assert last(database).result.state is ProbeState.AS_BEFORE
    assert last(database).words == "6 of 6 probes passed, as often as in its evaluation (exact p 1.000, 1 run)"
    assert rows(database, EvalRun)[-1].why[1] == (
        "in the last run +0.0 points against the release's own evaluation, exact p 1.000"
    )
    bad = play_all(database, RunKind.PROBE, failed=[case.id for case in SUITE.probes])
    found = last(database)
    assert (found.run_id, found.passed, found.played, found.result.state) == (bad, 0, 6, ProbeState.UNCLEAR)
    play_all(database, RunKind.PROBE, failed=[case.id for case in SUITE.probes])
    found = last(database)
    assert (found.result.state, found.result.runs) == (ProbeState.WORSE, 2)
    assert found.words == "0 of 6 probes passed, less often than in its evaluation (exact p below 0.001, 2 runs)"
    assert found.as_json()["difference"] == found.result.difference
    assert rows(database, EvalRun)[-1].why == [
        "0 of 6 probes passed",
        "in the last 2 runs -100.0 points against the release's own evaluation, exact p below 0.001",
    ]


def test_a_failure_in_a_hard_slice_is_named(sqlite: Database) -> None:
    """By its case, in the words and in the reasons of the run."""
    hard = tuple(case.model_copy(update={"hard": True}) for case in RUN_CASES)
    suite = Suite(hard, SUITE.fingerprint, hard[:6])
    play_all(sqlite, RunKind.EVALUATION, suite=suite)
    play_all(sqlite, RunKind.PROBE, failed=["case-02"], suite=suite)
    assert (last(sqlite).result.state, last(sqlite).result.hard_failures) == (ProbeState.WORSE, ["case-02"])
    assert "with a failure in a hard slice: case-02" in last(sqlite).words
    assert "a hard case failed: case-02" in rows(sqlite, EvalRun)[-1].why


def test_a_verdict_whose_plays_are_not_kept_is_no_evaluation_to_compare_with(sqlite: Database) -> None:
    """Then nothing is said of the release, and the run says why."""
    play_all(sqlite, RunKind.PROBE)
    assert (last(sqlite).result.state, last(sqlite).result.p_value) == (ProbeState.UNCLEAR, None)
    assert rows(sqlite, EvalRun)[-1].why == ["6 of 6 probes passed", probing.NO_EVALUATION]


def test_a_probe_that_was_given_up_says_nothing(sqlite: Database) -> None:
    """The run is over without a result; one that met an outage and was then played to its end counts."""
    play_all(sqlite, RunKind.EVALUATION)
    plan = RunPlan(fixed_repeats=1, kind=RunKind.PROBE)
    run_id = runs.begin(sqlite, PlannedRun(RUN_AGENT, RUN_RELEASE, SUITE, SUITE.probes, plan, "clock"))
    first, *others = SUITE.probes
    down = Play(PlayedCase.of(first), 1, (), (), 5, 0, ("the model is down",), played=False)
    runs.keep(sqlite, run_id, down, agent=RUN_AGENT, cases=SUITE.probes)
    with sqlite.read() as session:
        ended = run_plays.get(session, run_id)
        assert probes.of_run(session, run_id) is None
    assert ended is not None
    assert ended.state is RunState.INVALID
    run_id = runs.begin(sqlite, PlannedRun(RUN_AGENT, RUN_RELEASE, SUITE, SUITE.probes, plan, "clock"))
    for case in (first, *others):
        again = Play(PlayedCase.of(case), 1, (), (), 5, 0, ("the model was down",), played=True)
        runs.keep(sqlite, run_id, again, agent=RUN_AGENT, cases=SUITE.probes)
    assert last(sqlite).run_id == run_id
