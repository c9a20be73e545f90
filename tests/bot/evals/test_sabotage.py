"""The gate's own proof: the shipped agent passes its suite, and every sabotaged one is blocked.

A sabotaged agent is played where it hurts. The rest counts as passed, which is the best that it could be: more
failures never turn a block into a pass, so what blocks it then blocks it whatever the rest would be.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import pytest

from bot.agent import card, redaction
from bot.agent.card import Agent
from bot.agent.model import CallModel, Completion, Prompt
from bot.agent.release import fingerprint
from bot.agent.runtime import AgentRuntime
from bot.directory.local import LocalDirectory
from bot.evals import cases, gate, report
from bot.evals.gate import Score
from bot.evals.runner import RunReport, run_suite
from bot.principals import Account, AccountStatus, SignIn
from bot.store.db import Database
from tests.support.eval_runtimes import MODEL, RuntimesOf, without_tools
from tests.support.fixed_model import completion_of
from tests.support.paths import CONFIG

Spoil = Callable[[AgentRuntime], AgentRuntime]


class StaleDirectory(LocalDirectory):
    """A directory whose reads are of yesterday, when everything was well; its writes are real."""

    def find_by_email(self, email: str) -> tuple[Account, ...]:
        """Return the accounts as they were."""
        return tuple(replace(account, status=AccountStatus.ACTIVE) for account in super().find_by_email(email))

    def account(self, account_id: str) -> Account | None:
        """Return an account as it was."""
        account = super().account(account_id)
        return account and replace(account, status=AccountStatus.ACTIVE, lock_reason=None)

    def sign_ins(self, account_id: str, *, at_most: int) -> tuple[SignIn, ...]:
        """Return nothing of today."""
        return ()

    def today(self, account_id: str) -> Account:
        """Return an account as it really is."""
        found = super().account(account_id)
        assert found is not None
        return found

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Unlock for real."""
        return super().unlock(account_id, key=key, seen=self.today(seen.id))

    def send_password_reset(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Send for real."""
        return super().send_password_reset(account_id, key=key, seen=self.today(seen.id))


def stale(runtime: AgentRuntime) -> AgentRuntime:
    """Let tools see yesterday's directory."""
    return replace(runtime, directory=StaleDirectory(runtime.database))


def looping(runtime: AgentRuntime) -> AgentRuntime:
    """Let the model forget what it has just looked up."""

    def call(prompt: Prompt) -> Completion:
        return completion_of(prompt, {"name": "look_up_my_account"})

    return replace(runtime, call_model=call)


def obedient(runtime: AgentRuntime) -> AgentRuntime:
    """Let the model do what any text tells it."""
    real: CallModel = runtime.call_model

    def call(prompt: Prompt) -> Completion:
        ordered = "unlock" in str(prompt.messages[0]).lower() and len(prompt.messages) == 1
        return completion_of(prompt, {"name": "unlock_my_account"}) if ordered else real(prompt)

    return replace(runtime, call_model=call)


def same(runtime: AgentRuntime) -> AgentRuntime:
    """Leave the desk as it is."""
    return runtime


SUITE = cases.load(card.load(CONFIG / "agents" / "access"))
SLICES = {case.slice for case in SUITE.cases}


class Run(Protocol):
    """Plays slices of the shipped suite against an agent."""

    def __call__(self, agent: Agent, spoil: Spoil, slices: set[str] = SLICES) -> RunReport:
        """Return how it went."""


@pytest.fixture
def run(runtimes_of: RuntimesOf, main: Database) -> Run:
    """Return what plays the shipped suite against an agent."""

    def play(agent: Agent, spoil: Spoil, slices: set[str] = SLICES) -> RunReport:
        runtime_for = runtimes_of(agent)
        return run_suite(
            agent=agent,
            release_id=fingerprint(agent, model=MODEL, endpoint="http://stand-in"),
            runtime_for=lambda private: spoil(runtime_for(private)),
            suite=replace(SUITE, cases=tuple(case for case in SUITE.cases if case.slice in slices)),
            main=main,
            started_by="operator",
            progress=lambda _step: None,
            workers=1,  # threads would only wait for each other: all of it is computing
        )

    return play


def blocked(result: RunReport, agent: Agent) -> bool:
    """Tell whether the gate blocks it, also if all that was not played had passed."""
    played = {score.slice for score in result.scores}
    rest = [Score(case.id, case.slice, case.hard, passed=True) for case in SUITE.cases if case.slice not in played]
    verdict = gate.decide([*result.scores, *rest], pass_at_least=agent.card.evals.pass_at_least)
    return (result.state, result.verdict, verdict.word) == ("finished", "block", "block")


def test_the_real_agent_passes(run: Run, agent: Agent) -> None:
    """The agent that is shipped, with the stand-in for its model, passes every case."""
    result = run(agent, same)
    assert result.verdict == "pass", report.as_text(result)
    assert not [play.case.id for play in result.plays if play.failures]


@pytest.mark.parametrize(
    ("dropped", "spoil", "slices"),
    [
        pytest.param(("hand_off",), same, {"always_human", "other_person"}, id="handoff-off"),
        pytest.param(("unlock_my_account",), same, {"locked", "suspended", "personal_data"}, id="unlock-missing"),
        pytest.param(("look_up_my_account",), same, {"locked", "password", "suspended"}, id="lookup-missing"),
        pytest.param((), stale, {"locked", "password", "personal_data"}, id="stale-tool-data"),
        pytest.param((), looping, {"out_of_scope", "locked"}, id="loop"),
        pytest.param((), obedient, {"other_person", "always_human"}, id="obedient"),
    ],
)
def test_a_sabotaged_agent_is_blocked(
    run: Run, agent: Agent, dropped: tuple[str, ...], spoil: Spoil, slices: set[str]
) -> None:
    """Each sabotage is caught by name: each slice that it hurts has failures, and they are enough to block it."""
    result = run(without_tools(agent, *dropped), spoil, slices)
    assert blocked(result, agent), report.as_text(result)
    assert {play.case.slice for play in result.plays if play.failures} == slices


def test_an_agent_without_redaction_is_blocked(run: Run, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """With redaction off every pasted secret is found in the database, and that is enough to block it."""
    monkeypatch.setattr(redaction, "redact", lambda text: text)
    result = run(agent, same, {"personal_data"})
    assert blocked(result, agent), report.as_text(result)
    failed = {play.case.id: play.failures for play in result.plays}
    assert failed
    assert all(failures for failures in failed.values()), failed
