from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from bot.agent.card import Agent
from bot.agent.model import CallModel, Completion, Prompt
from bot.agent.release import ReleaseId
from bot.agent.runtime import AgentRuntime
from bot.budget.caps import Budgets
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Unpriced
from bot.errors import Refused, Transient
from bot.evals.cases import Case, Suite
from bot.evals.runner import RunProgress, RunReport, run_suite
from bot.evals.runs import NothingToPlay
from bot.store.db import Database
from bot.store.releases import eval_runs, verdicts
from bot.store.schema import EvalResult, EvalRun
from tests.support.eval_runtimes import RuntimesOf
from tests.support.fixed_model import a_case, completion_of
from tests.support.release_rows import SUITE, judged

RELEASE = ReleaseId("access", "1f3c9a20" * 8, {"model": "stand-in-1"}, "0" * 64)
Run = Callable[..., RunReport]


class Model:
    """Says hello, except to those whose words say otherwise; counts how often it was asked what."""

    def __init__(self, outages: int = 0) -> None:
        """Take how often `outage` is met before it is over."""
        self.asked: list[str] = []
        self._outages = outages
        self._lock = Lock()

    def __call__(self, prompt: Prompt) -> Completion:
        """Answer one prompt."""
        words = prompt.messages[-1]["content"][-1]["text"].split("\n")[1]
        with self._lock:
            self.asked.append(words)
            if words == "outage" and self._outages:
                self._outages -= 1
                raise Refused("away", reason="model_unavailable")
        if words == "wrong":
            return completion_of(prompt, {"name": "hand_off", "reason": "low_confidence", "summary": "No idea."})
        return completion_of(prompt, "Hello.")


@pytest.fixture
def run(runtimes_of: RuntimesOf, agent: Agent, main: Database) -> Run:
    """Return what plays cases with a model of the test's own."""

    def play(
        cases: list[Case], model: CallModel, progress: Callable[[RunProgress], None] = lambda _: None, repeats: int = 1
    ) -> RunReport:
        def runtime_for(private: Database) -> AgentRuntime:
            return replace(runtimes_of(agent)(private), call_model=model)

        return run_suite(
            agent=agent,
            release_id=RELEASE,
            runtime_for=runtime_for,
            suite=Suite(tuple(cases), SUITE),
            main=main,
            started_by="operator",
            progress=progress,
            repeats=repeats,
        )

    return play


def many(number: int, *others: Case) -> list[Case]:
    """Return so many cases that go well, and some others."""
    return [*(a_case(f"good-{n}") for n in range(number)), *others]


def verdict(main: Database) -> str | None:
    with main.read() as session:
        return verdicts.standing(session, str(RELEASE), SUITE).verdict


def has_passed(main: Database) -> None:
    """Let the release have passed before."""
    with main.write() as session:
        judged(session, str(RELEASE))


def test_a_good_release_gets_its_verdict(run: Run, main: Database) -> None:
    """All cases pass: the run is finished, the release may serve, and every result is kept."""
    report = run(many(14), Model())
    assert (report.state, report.verdict, verdict(main)) == ("finished", "pass", "pass")
    with main.read() as session:
        kept = session.scalars(select(EvalResult)).all()
        [row] = session.scalars(select(EvalRun)).all()
    assert len(kept) == row.cases == 14
    assert all(result.passed and result.transcript and result.duration_ms for result in kept)
    assert row.cost_nusd == report.cost_nusd == sum(result.cost_nusd for result in kept) > 0
    assert (row.suite, row.started_by, row.finished_at is None) == (SUITE, "operator", False)


def test_a_hard_failure_blocks_and_is_not_played_again(run: Run, main: Database) -> None:
    """A failed case has one try; its sentences and transcript are kept."""
    model = Model()
    report = run(many(40, a_case("bad", says=["wrong"], hard=True)), model)
    assert (report.state, report.verdict, verdict(main)) == ("finished", "block", "block")
    assert model.asked.count("wrong") == 1
    with main.read() as session:
        [row] = session.scalars(select(EvalResult).where(EvalResult.passed.is_(False))).all()
    assert row.failures[0] == "expected a reply, saw a handoff for low_confidence"
    assert row.transcript[-1]["by"] == "handoff"


def test_an_outage_is_played_again(run: Run, main: Database) -> None:
    """A case that met an outage is played again, to its end; one in sixty does not spoil the run."""
    model = Model(outages=2)
    report = run(many(60, a_case("unlucky", says=["outage"])), model)
    assert model.asked.count("outage") == 3
    assert (report.state, report.verdict) == ("finished", "pass")
    [unlucky] = [play for play in report.plays if play.outages]
    assert (len(unlucky.outages), unlucky.played) == (2, True)


def test_too_many_outages_make_a_run_invalid(run: Run, main: Database) -> None:
    """More than 2 % of plays with an outage: the run says nothing, and an earlier verdict stands."""
    run(many(14), Model())
    report = run(many(10, a_case("unlucky", says=["outage"])), Model(outages=1))
    assert (report.state, report.verdict, verdict(main)) == ("invalid", "not_run", "pass")
    assert "1 of 11 plays met an outage" in report.why[0]


def test_a_case_that_was_never_played_is_no_evidence(run: Run, main: Database) -> None:
    """One case that stays unplayed makes the run invalid, however many others there are."""
    report = run(many(60, a_case("gone", says=["outage"])), Model(outages=3))
    assert (report.state, report.verdict, verdict(main)) == ("invalid", "not_run", None)
    assert report.why == ("never played to the end: gone",)
    with main.read() as session:
        assert [row.case_id for row in eval_runs.results(session, report.run_id)] == [f"good-{n}" for n in order(60)]


def test_an_outage_of_everything_is_no_verdict(run: Run, main: Database) -> None:
    """A model that is down for every case ends the run at the first: nothing is known of the release."""
    has_passed(main)
    report = run([a_case(f"gone-{n}", says=["outage"], hard=True) for n in range(5)], Model(outages=99))
    assert (report.state, report.verdict, verdict(main)) == ("invalid", "not_run", "pass")
    assert report.why == ("never played to the end: gone-0", "4 of 5 plays were never started")


def test_nothing_to_play_is_refused(run: Run, main: Database) -> None:
    """An empty selection opens no run, and an earlier verdict stands."""
    has_passed(main)
    with pytest.raises(NothingToPlay, match="there is no case to play"):
        run([], Model())
    with main.read() as session:
        assert [row.verdict for row in session.scalars(select(EvalRun))] == ["pass"]
    assert verdict(main) == "pass"


def order(number: int) -> list[str]:
    """Return so many numbers in the order of their letters."""
    return sorted(map(str, range(number)))


@pytest.mark.parametrize(
    "trouble",
    [Transient("redis: away"), ValueError("NOPERM"), SQLAlchemyError("read-only"), Unpriced("no price")],
    ids=lambda trouble: type(trouble).__name__,
)
@pytest.mark.parametrize("at", ["reserve", "settle"])
def test_a_budget_that_cannot_be_asked_is_no_verdict(
    run: Run, main: Database, monkeypatch: pytest.MonkeyPatch, trouble: Exception, at: str
) -> None:
    """From the third call on, before it or after: whatever breaks there, the agent did not; the rest is not begun."""
    has_passed(main)
    calls = count(1)
    begin, end = Meter.begin, Meter.end

    def reserve(meter: Meter, *given: Any, **more: Any) -> Any:
        if at == "reserve" and next(calls) > 2:
            raise trouble
        return begin(meter, *given, **more)

    def settle(meter: Meter, *given: Any, **more: Any) -> Any:
        if at == "settle" and next(calls) > 2:
            raise trouble
        return end(meter, *given, **more)

    monkeypatch.setattr(Meter, "begin", reserve)
    monkeypatch.setattr(Meter, "end", settle)
    model = Model()
    report = run(many(20), model)
    assert (report.state, report.verdict, verdict(main)) == ("invalid", "not_run", "pass")
    assert "plays were never started" in report.why[-1]
    assert len(report.plays) < 20


def test_a_cap_that_is_used_up_in_the_middle_is_no_verdict(
    run: Run, main: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was played until then blocks nothing, and it is told when there is room again."""
    has_passed(main)
    (tmp_path / "poor.yaml").write_text('{time_zone: UTC, channel: {named: {eval: {window: day, hard: "0.0001"}}}}')
    poor = Budgets.load(tmp_path / "poor.yaml")

    def use_up(step: RunProgress) -> None:
        if step.done == 5:
            monkeypatch.setattr(Meter, "budgets", poor)

    report = run(many(20), Model(), use_up)
    assert (report.state, report.verdict, verdict(main)) == ("invalid", "not_run", "pass")
    assert any(play.played for play in report.plays)
    [gone, *_] = [play for play in report.plays if not play.played]
    assert gone.outages[0].startswith("budget: The budget is used up")
    assert "It is free again at " in gone.outages[0]


def test_every_repeat_is_played(run: Run, main: Database) -> None:
    """Repeats are played and kept one by one."""
    report = run(many(2), Model(), repeats=3)
    assert [(play.case.id, play.repeat) for play in report.plays] == [
        (f"good-{case}", repeat) for case in range(2) for repeat in (1, 2, 3)
    ]
    with main.read() as session:
        assert len(session.scalars(select(EvalResult)).all()) == 6


def test_progress_is_shown_after_every_case(run: Run) -> None:
    """Whoever waits sees each case counted once."""
    told: list[RunProgress] = []
    run(many(5, a_case("bad", says=["wrong"])), Model(), told.append)
    assert [step.done for step in told] == [1, 2, 3, 4, 5, 6]
    assert (told[-1].total, told[-1].passed, told[-1].failed) == (6, 5, 1)


def test_an_interrupted_run_has_no_verdict(run: Run, main: Database) -> None:
    """Ctrl-C begins no further case, and leaves a run that can go on and a release without a verdict."""
    model = Model()

    def interrupt(_step: RunProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(many(40), model, interrupt)
    assert len(model.asked) < 40
    with main.read() as session:
        [row] = session.scalars(select(EvalRun)).all()
    assert (row.state, row.verdict, verdict(main)) == ("running", None, None)
