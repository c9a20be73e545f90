"""Judged plays: what the judge is shown of a play, and what it adds to the verdict of a run."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.agent.card import Agent
from bot.agent.judge_terms import JudgeTerms
from bot.agent.release import ReleaseId
from bot.errors import Transient
from bot.evals import plays, runs
from bot.evals.cases import Suite
from bot.evals.gate import ReleaseVerdict
from bot.evals.judge import judging
from bot.evals.judge.judge import Judge
from bot.evals.judge.judging import JudgedRun
from bot.evals.judge.rogan_gladen import CorrectedRate
from bot.evals.plays import Play, PlayedCase
from bot.evals.runs import PlannedRun
from bot.evals.stage import CaseOutcome
from bot.store.db import Database
from bot.store.releases import judge_calibrations, run_plays
from bot.store.releases.eval_runs import RunPlan
from bot.store.schema import Verdict
from tests.support.fixed_model import a_case, completion_of

TRANSCRIPT: list[dict[str, Any]] = [
    {"by": "requester", "text": "I can't sign in"},
    {"by": "tool", "name": "look_up_my_account", "status": "ok", "gave": {"status": "locked"}},
    {"by": "agent", "text": "What do you see?"},
    {"by": "requester", "text": "a lock"},
    {"by": "tool", "name": "unlock_my_account", "status": "failed", "gave": {}},
    {"by": "agent", "text": "I could not unlock it."},
]
PASSED = ReleaseVerdict(Verdict.PASS, ("clean",))


def judge(*, good: bool = True, down: bool = False, required: bool = False) -> Judge:
    """Return a judge that always says the same, for a cost of seven."""

    def ask(prompt: Any) -> Any:
        if down:
            raise Transient("overloaded")
        mark = str(prompt.messages[0]["content"]).split(maxsplit=2)[1]
        said = {"mark": mark, "tone": "good", "grounded": "yes" if good else "no", "because": "it says what was done"}
        return completion_of(prompt, json.dumps(said)), 7

    return Judge(JudgeTerms(model="judge-1", required=required), "Be strict.", ask, sleep=lambda _seconds: None)


def requiring(agent: Agent, **terms: Any) -> Agent:
    """Return the agent with a judge in its card."""
    asks = agent.card.evals.model_copy(update={"judge": JudgeTerms(model="judge-1", **terms)})
    return replace(agent, card=agent.card.model_copy(update={"evals": asks}))


def test_the_judge_sees_the_last_answer_and_what_came_before_it() -> None:
    """What was said and what the tools returned, failures too, and no answer but the last."""
    seen = judging.sample(TRANSCRIPT)
    assert seen.said == ("I can't sign in", "a lock")
    assert seen.facts == ('look_up_my_account (ok): {"status": "locked"}', "unlock_my_account (failed): {}")
    assert seen.answer == "I could not unlock it."


def played(monkeypatch: pytest.MonkeyPatch, by: Judge, *, repeat: int = 1, **outcome: Any) -> Play:
    """Play a case that comes to an outcome."""
    given = {"outcome": "reply", "ticket": "open", "directory": {"kim": "active"}, "replies": ["What do you see?"]}
    seen = CaseOutcome(**{**given, "transcript": list(TRANSCRIPT), "cost_nusd": 100, **outcome})
    monkeypatch.setattr("bot.evals.stage.play_case", lambda _case, _runtime_for: seen)
    return plays.play(a_case(), repeat, lambda _database: pytest.fail("nothing is really played"), by)


def test_only_a_play_that_passed_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad judgement fails no play; failed plays, handoffs and further repeats are not judged, or paid for."""
    for good in (True, False):
        found = played(monkeypatch, judge(good=good))
        assert (found.played, found.failures, found.cost_nusd) == (True, (), 107)
        assert found.transcript[-1]["by"] == "judge"
        assert (found.transcript[-1]["good"], found.transcript[-1]["tone"]) == (good, True)
    rest = (
        played(monkeypatch, judge(), repeat=2),
        played(monkeypatch, judge(), ticket="resolved"),
        played(monkeypatch, judge(), replies=[]),
    )
    assert [(one.cost_nusd, one.transcript[-1]["by"]) for one in rest] == [(100, "agent")] * 3


def test_a_judge_that_is_down_is_an_outage_where_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """Required: the play counts as not played, so that its run is NOT RUN. Not required: it counts without."""
    lost = played(monkeypatch, judge(down=True, required=True))
    assert (lost.played, lost.outages) == (False, ("the judge gave no judgement in 3 tries: overloaded",))
    kept = played(monkeypatch, judge(down=True))
    assert (kept.played, kept.outages, kept.transcript[-1]["by"]) == (True, (), "agent")


def said(low: float | None) -> JudgedRun:
    """Return what a judge says whose corrected share has this lower bound."""
    return JudgedRun("judge-1", 100, 90, None if low is None else CorrectedRate(0.9, low, 0.95))


def test_a_required_judge_must_be_there_calibrated_and_content(agent: Agent) -> None:
    """Off or uncalibrated is NOT RUN, too low is BLOCK; it makes no block better; unrequired it decides nothing."""
    needs = requiring(agent, required=True, at_least=0.8)
    words = [judging.held(needs, one, PASSED).word for one in (None, said(None), said(0.79), said(0.81))]
    assert words == ["not_run", "not_run", "block", "pass"]
    blocked = ReleaseVerdict(Verdict.BLOCK, ("worse",), ("locked",))
    assert judging.held(needs, said(0.99), blocked) is blocked
    for unneeding in (agent, requiring(agent)):
        for one in (None, said(None), said(0.1)):
            assert judging.held(unneeding, one, PASSED) is PASSED


def test_a_rate_is_shown_only_by_a_calibration_of_the_same_judge(sqlite: Database) -> None:
    """Without one the report says so; with one the share is corrected; nothing judged is nothing said."""
    by = judge()
    entries = [[judging.entry(by, TRANSCRIPT)[0]] for _ in range(40)]
    about = {"agent": "access", "model": "judge-1", "good": (60, 57), "bad": (60, 54), "cost_nusd": 1, "by": "operator"}
    with sqlite.write() as session:
        judge_calibrations.keep(session, judge="another prompt", **about)  # type: ignore[arg-type]
        before = judging.of_run(session, "access", entries)
        judge_calibrations.keep(session, judge=by.fingerprint, **about)  # type: ignore[arg-type]
        after = judging.of_run(session, "access", entries)
        assert judging.of_run(session, "access", [TRANSCRIPT]) is None
    assert before is not None
    assert after is not None
    assert "without a calibration of this judge that is no rate" in str(before)
    assert after.corrected is not None
    assert 0.8 < after.corrected.low < 1
    assert "40 of 40 answers are called good; corrected for its errors" in str(after)


def test_a_run_without_the_judge_that_its_card_requires_is_not_run(sqlite: Database, agent: Agent) -> None:
    """Every play passed, none was judged: it is never a PASS, and the release keeps what it had."""
    needs, cases = requiring(agent, required=True), tuple(a_case(f"case-{number:02}") for number in range(20))
    frozen = ReleaseId("access", "b" * 64, {"model": "stand-in-1"}, "0" * 64)
    plan = RunPlan(fixed_repeats=1, width=20)
    run_id = runs.begin(sqlite, PlannedRun(needs, frozen, Suite(cases, "5" * 64), cases, plan, "operator"))
    for case in cases:
        one = Play(PlayedCase.of(case), 1, (), tuple(TRANSCRIPT), 5, 300, (), played=True)
        runs.keep(sqlite, run_id, one, agent=needs, cases=cases)
    with sqlite.read() as session:
        run = run_plays.get(session, run_id)
    assert run is not None
    assert (run.state, run.verdict) == ("invalid", "not_run")
    assert "the card requires the judge: no answer was judged" in str(run.why[0])
