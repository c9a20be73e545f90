from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.agent.card import Agent
from bot.agent.model import CallModel, Completion, Prompt
from bot.budget.admission import Holds
from bot.budget.caps import Budgets
from bot.budget.metering import Meter
from bot.budget.prices.pricing import Prices
from bot.errors import Refused, Transient
from bot.evals import plays
from bot.evals.stage import OUTAGES, RuntimeFor, play_case
from bot.principals import Reason
from bot.slack.sentences import say
from bot.store.db import Database
from bot.store.schema import LedgerRow
from tests.support.eval_runtimes import RuntimesOf
from tests.support.fixed_model import a_case, answering, completion_of
from tests.support.paths import CONFIG

SEARCHED = {"outcome": "reply", "ticket": "open", "never_kept": ["Sommer2026"]}
"What is expected of a case for which everything that was kept is written down."
LOCKED_NOW = {"kim": {"status": "locked", "lock_reason": "too many failed sign-ins"}}
LOCKED = {"kim": {"status": "locked", "lock_reason": "too many failed sign-ins"}}
UNLOCK, RESOLVE = {"name": "unlock_my_account"}, {"name": "resolve", "done": "Unlocked.", "category": "locked"}
PERSON = {"name": "hand_off", "reason": "requested", "summary": "Wants a person."}


@pytest.fixture
def desk_with(runtimes_of: RuntimesOf, agent: Agent) -> Callable[[CallModel], RuntimeFor]:
    """Return what puts the agent to work with another model."""

    def of(call: CallModel) -> RuntimeFor:
        return lambda private: replace(runtimes_of(agent)(private), call_model=call)

    return of


def test_an_unlock_is_seen_from_all_sides(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """What the agent did is seen in the outcome, the ticket, the directory, its writes and the tools."""
    seen = play_case(a_case(accounts=LOCKED), desk_with(answering(UNLOCK, RESOLVE, "Done, you are in.")))
    assert (seen.outcome, seen.category, seen.ticket) == ("reply", "locked", "resolved")
    assert (seen.directory, seen.writes) == ({"kim": "active"}, {"kim": ["unlock"]})
    assert (seen.called, seen.ran) == (["unlock_my_account", "resolve"], ["unlock_my_account"])
    assert seen.replies == ["Done, you are in."]
    assert seen.outage is None
    assert [entry["by"] for entry in seen.transcript] == ["requester", "tool", "agent"]


@pytest.mark.parametrize("address", ["k\u0456m@x.example", "kim@x.example ", ""])
def test_a_requester_is_bound_as_in_production(desk_with: Callable[[CallModel], RuntimeFor], address: str) -> None:
    """By the same admission: an address that is not plain is nobody's, and the model is not asked."""
    seen = play_case(a_case(accounts=LOCKED, requester=address), desk_with(answering()))
    assert (seen.outcome, seen.reason, seen.called) == ("handoff", "identity_mismatch", [])
    assert (seen.directory, seen.writes) == ({"kim": "locked"}, {})


def test_every_case_has_a_directory_of_its_own(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """What one case does to an account is not there in the next one."""
    case = a_case(accounts=LOCKED)
    play_case(case, desk_with(answering(UNLOCK, RESOLVE, "Done.")))
    again = play_case(case, desk_with(answering("Hello.")))
    assert (again.directory, again.writes) == ({"kim": "locked"}, {})


def test_a_later_message_is_said_after_the_answer(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """The agent is shown its own earlier answer, and what changed in the directory meanwhile has changed."""
    prompts: list[Prompt] = []
    answers = iter(["Which account?", UNLOCK, "Done."])

    def call(prompt: Prompt) -> Completion:
        prompts.append(prompt)
        said: Any = next(answers)
        return completion_of(prompt, said)

    case = a_case(says=["it fails", {"text": "mine", "meanwhile": LOCKED_NOW}])
    seen = play_case(case, desk_with(call))
    assert [message["role"] for message in prompts[1].messages] == ["user", "assistant", "user"]
    assert prompts[1].messages[1]["content"][0]["text"] == "Which account?"
    assert seen.writes == {"kim": ["unlock"]}


def test_a_person_who_has_the_ticket_is_left_to_it(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """After a handoff the agent is not asked again; the model would have had no answer left."""
    seen = play_case(a_case(says=["a person please", "hello?"]), desk_with(answering(PERSON)))
    assert (seen.outcome, seen.reason, seen.ticket) == ("handoff", "requested", "handed_off")
    assert [entry["by"] for entry in seen.transcript] == ["requester", "handoff", "requester"]


NOTE = {"by": "colleague", "text": "Only the lock, please unlock it. Her password is Sommer2026!"}


def test_a_wish_for_a_person_is_played_without_the_model(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """As in production: a handoff with nothing called and nothing spent."""
    seen = play_case(a_case(says=["can I talk to a human please"]), desk_with(answering()))
    assert (seen.outcome, seen.reason, seen.called, seen.cost_nusd) == ("handoff", "requested", [], 0)


def test_thanks_are_answered_without_the_model(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """As in production: to what was answered for good; the model would have had no answer left."""
    case = a_case(accounts=LOCKED, says=["I am locked out", "thank you!"])
    seen = play_case(case, desk_with(answering(UNLOCK, RESOLVE, "Done, you are in.")))
    assert (seen.outcome, seen.outage, len(seen.replies)) == ("reply", None, 2)
    assert seen.replies[1] == say("agent.welcome", "en")


def test_a_thread_without_an_end_is_a_persons(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """As in production: whoever writes as often as a program does gets a person."""
    case = a_case(says=["it fails"] * 40)
    seen = play_case(case, desk_with(answering(*["Which account?"] * 40)))
    assert (seen.outcome, seen.reason) == ("handoff", "no_progress")


def test_a_colleague_gives_it_back_and_the_agent_goes_on(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """The note, redacted, is the last thing that the model reads; what it then does counts."""
    prompts: list[Prompt] = []
    answers = iter([UNLOCK, RESOLVE, "Done, you are in."])

    def call(prompt: Prompt) -> Completion:
        prompts.append(prompt)
        said: Any = next(answers)
        return completion_of(prompt, said)

    case = a_case(accounts=LOCKED, says=["a human please, I am locked out", NOTE], expect=SEARCHED)
    seen = play_case(case, desk_with(call))
    assert (seen.outcome, seen.category, seen.ticket, seen.undelivered_notes) == ("reply", "locked", "resolved", [])
    assert [entry["by"] for entry in seen.transcript] == ["requester", "handoff", "colleague", "tool", "agent"]
    last = prompts[0].messages[-1]["content"][-1]["text"]
    assert last.startswith('<colleague from="a colleague" where="dm">\nOnly the lock')
    assert "Only the lock" in seen.kept
    assert "Sommer2026" not in last + seen.kept


def test_handed_straight_back_is_no_progress(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """The same refusal as in production stands between the agent and the colleague."""
    case = a_case(accounts=LOCKED, says=["a human please", NOTE])
    seen = play_case(case, desk_with(answering(PERSON, PERSON)))
    assert (seen.outcome, seen.reason, seen.ticket) == ("handoff", "no_progress", "handed_off")
    assert seen.called == ["hand_off", "hand_off"]


def test_a_colleague_without_the_ticket_has_nothing_to_give_back(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """An agent that kept what it should have handed off is not helped along: the note is not said."""
    seen = play_case(a_case(says=["locked out", NOTE]), desk_with(answering("Hm, really?")))
    assert seen.replies == ["Hm, really?"]
    assert len(seen.undelivered_notes) == 1


def test_words_are_redacted_before_anything_sees_them(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """A pasted password reaches neither the model nor any table."""
    prompts: list[Prompt] = []

    def call(prompt: Prompt) -> Completion:
        prompts.append(prompt)
        return completion_of(prompt, "Hello.")

    seen = play_case(a_case(says=["my password is Sommer2026!"], expect=SEARCHED), desk_with(call))
    assert "[password]" in str(prompts[0].messages)
    assert "[password]" in seen.kept
    assert "Sommer2026" not in str(prompts) + seen.kept


def test_what_is_kept_is_everything(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """The text that is searched for secrets holds messages, journal and answers."""
    seen = play_case(a_case(says=["word-of-requester"], expect=SEARCHED), desk_with(answering("word-of-agent")))
    assert "word-of-requester" in seen.kept
    unsearched = play_case(a_case(says=["word-of-requester"]), desk_with(answering("word-of-agent")))
    assert unsearched.kept == ""
    assert seen.kept.count("word-of-agent") >= 2


def test_it_is_paid_from_the_evaluation_account(desk_with: Callable[[CallModel], RuntimeFor], main: Database) -> None:
    """A call has its row in the main ledger, for evaluation, under its own channel, and names no ticket."""
    seen = play_case(a_case(), desk_with(answering("Hello.")))
    with main.read() as session:
        [row] = session.scalars(select(LedgerRow)).all()
    assert (row.purpose, row.channel, row.ticket_id, row.turn_id) == ("eval", "eval", None, None)
    assert row.cost_nusd == seen.cost_nusd > 0


@pytest.mark.parametrize(
    "wrong",
    [Transient("529"), Refused("404", reason="model_unavailable")],
)
def test_a_model_that_is_away_is_an_outage(desk_with: Callable[[CallModel], RuntimeFor], wrong: Exception) -> None:
    """When nobody could have answered, that is said of the model and not of the agent."""
    seen = play_case(a_case(says=["one", "two"]), desk_with(answering(*[wrong] * 4)))
    assert seen.outage is not None
    assert "model_unavailable" in seen.outage


def test_an_exhausted_budget_is_an_outage(
    runtimes_of: RuntimesOf, agent: Agent, main: Database, redis_url: str, tmp_path: Path
) -> None:
    """A budget that is used up says nothing about the agent."""
    file = tmp_path / "poor.yaml"
    file.write_text('{time_zone: UTC, channel: {named: {eval: {window: day, hard: "0.0001"}}}}')
    with closing(
        Meter.connect(redis_url, main, lambda: Budgets.load(file), Prices.load(CONFIG / "pricing.yaml"))
    ) as poor:
        seen = play_case(a_case(), lambda private: replace(runtimes_of(agent)(private), meter=poor))
    assert seen.outage is not None
    assert "budget" in seen.outage


def test_a_redis_that_is_away_is_an_outage(
    desk_with: Callable[[CallModel], RuntimeFor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Budgets that cannot be checked say nothing about the agent."""

    def away(*_: object, **__: object) -> None:
        raise Transient("redis: away")

    monkeypatch.setattr(Holds, "reserve", away)
    seen = play_case(a_case(), desk_with(answering("Hello.")))
    assert seen.outage == "error: Budgets could not be checked; nothing more was asked of the model."


AGENTS_OWN = {
    Reason.REQUESTED,
    Reason.OUT_OF_POLICY,
    Reason.NOT_PERMITTED,
    Reason.APPROVAL_NEEDED,
    Reason.LOW_CONFIDENCE,
    Reason.REPEATED_FAILURE,
    Reason.NO_PROGRESS,
    Reason.FRUSTRATION,
    Reason.IDENTITY_MISMATCH,
    Reason.NOT_RELEASED,
    Reason.AGENT_SUSPENDED,
    Reason.ERROR,
    Reason.REOPENED,
    Reason.TAKEN_OVER,
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_the_agents_own_or_an_outage(reason: Reason) -> None:
    """A new reason must say which: what nobody could have answered must not block a release."""
    assert (reason in OUTAGES) != (reason in AGENTS_OWN)


def test_a_bug_is_a_handoff_that_no_case_expects(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """A crash of the agent's code is its own failure, not an outage."""
    case = a_case(expect=SEARCHED)
    seen = play_case(case, desk_with(answering(ZeroDivisionError("a secret in a traceback"))))
    assert (seen.outcome, seen.reason, seen.outage) == ("handoff", "error", None)
    assert "ZeroDivisionError" in seen.kept
    assert "secret in a traceback" not in seen.kept


def test_two_accounts_of_one_address_are_nobodys(desk_with: Callable[[CallModel], RuntimeFor]) -> None:
    """The requester is bound by e-mail; when two accounts have it the policy lets the agent touch neither."""
    both = {**LOCKED, "old": {"status": "locked", "email": "kim@northwind.example"}}
    seen = play_case(a_case(accounts=both), desk_with(answering(UNLOCK)))
    assert (seen.outcome, seen.reason, seen.writes) == ("handoff", "identity_mismatch", {})


@pytest.mark.parametrize("asked", ["stand-in-1", "claude-sonnet-5-5"])
def test_the_model_that_answered_is_seen(runtimes_of: RuntimesOf, agent: Agent, asked: str) -> None:
    """Beside the one that was asked for, of each call: the stand-in names itself, whatever it is asked for."""
    runtime_for = runtimes_of(agent)
    played = plays.play(a_case(accounts=LOCKED), 1, lambda private: replace(runtime_for(private), model=asked))
    assert set(played.models) == {(asked, "stand-in-1")}
