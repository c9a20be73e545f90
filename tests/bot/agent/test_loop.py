"""The loop alone, with hands of its own: `bot.agent.loop`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from bot.agent import card
from bot.agent.limits import TurnLimits
from bot.agent.loop import NeedsPerson, Outcome, Reply, Resolution, Run, ToolResult, run_loop
from bot.agent.model import Completion, Prompt, ToolCall
from bot.agent.prompt import MESSAGE_CHARACTERS
from bot.agent.stream import MALFORMED
from bot.principals import AccountStatus, Reason, Solved
from bot.sandbox.standin.rules import check
from bot.telemetry import turn_record
from bot.tools.registry import Tool
from tests.support.metric_values import counted
from tests.support.paths import CONFIG
from tests.support.scripted_models import Block, Script, completion, results

AGENT = card.load(CONFIG / "agents/access")
LOOK: Block = ("look_up_my_account", {})
RECENT: Block = ("recent_sign_ins", {})
UNLOCK: Block = ("unlock_my_account", {})
RESET: Block = ("send_password_reset", {})
RESOLVE = ("resolve", {"done": "Unlocked it.", "category": "locked"})
HAND_OFF = ("hand_off", {"reason": "requested", "summary": "Maya wants a person."})


@dataclass
class Played:
    """What a run of the loop did."""

    outcome: Outcome
    prompts: list[Prompt]
    acted: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    @property
    def given(self) -> list[dict[str, Any]]:
        """What the tools gave, as the model saw it in the last prompt."""
        return results(self.prompts[-1])


def play(
    *answers: tuple[Block, ...] | Completion,
    act: Callable[[ToolCall, Tool], ToolResult] = lambda _call, _tool: ToolResult({"done": True}, ok=True),
    status: AccountStatus | None = AccountStatus.ACTIVE,
    limits: TurnLimits = TurnLimits(),  # noqa: B008 - frozen
    clock: Callable[[], float] = lambda: 0.0,
    spent: Callable[[], int] = lambda: 0,
    given_back_for: Reason | None = None,
    object_to: Callable[[str], str | None] = lambda _answer: None,
    solved: Solved = Solved.ACCOUNT_ACTIVE,
) -> Played:
    script, acted, steps = Script(list(answers)), list[str](), list[int]()

    def hand(step: int, call: ToolCall, tool: Tool) -> ToolResult:
        acted.append(call.name)
        steps.append(step)
        return act(call, tool)

    def head(step: int, prompt: Prompt) -> Any:
        steps.append(step)
        return script(prompt)

    fixed = ("m", AGENT.prompt, AGENT.tools, limits)
    run = Run(*fixed, head, hand, lambda: status, spent, clock, given_back_for, object_to, solved)
    asked = [{"role": "user", "content": [{"type": "text", "text": "locked out"}]}]
    outcome = run_loop(run, asked)
    for prompt in script.prompts:
        body = {"model": "m", "max_tokens": 1, "tools": list(prompt.tools), "messages": list(prompt.messages)}
        assert check(body) is None
    return Played(outcome, script.prompts, acted, steps)


def test_an_answer_is_a_reply() -> None:
    """Text without a tool call is said, without the space around it."""
    assert play(("  You can sign in.\n",)).outcome == Reply("You can sign in.", None)


def test_tools_are_called_and_answered() -> None:
    """Each result goes back under its call's id, and every model and tool call has a number of its own."""
    played = play((LOOK, RECENT), ("Text beside a call is not said.", UNLOCK), ("Done.",))
    assert played.outcome == Reply("Done.", None)
    assert played.acted == ["look_up_my_account", "recent_sign_ins", "unlock_my_account"]
    assert played.steps == [0, 1, 2, 3, 4, 5]
    assert [result["is_error"] for result in played.given] == [False, False, False]


def test_hand_off_ends_the_agents_part() -> None:
    """Its reason and summary are the outcome; what the model wanted after it is not done."""
    played = play((LOOK, HAND_OFF, UNLOCK))
    assert played.outcome == NeedsPerson(Reason.REQUESTED, "Maya wants a person.")
    assert played.acted == ["look_up_my_account"]


def test_a_tools_end_is_the_end() -> None:
    """When policy or a tool says that a person must take over, nothing more is done."""
    end = NeedsPerson(Reason.OUT_OF_POLICY, "An administrator's account.")
    played = play((UNLOCK, RESET), act=lambda _call, _tool: ToolResult({}, ok=False, ends=end))
    assert played.outcome == end
    assert played.acted == ["unlock_my_account"]


def test_a_refused_tool_is_an_error_to_the_model() -> None:
    """It reads why and may answer."""
    played = play(
        (UNLOCK,), ("It is not locked.",), act=lambda _call, _tool: ToolResult({"error": "not locked"}, ok=False)
    )
    assert played.given == [{"error": "not locked", "is_error": True}]
    assert isinstance(played.outcome, Reply)


def test_the_step_limit_ends_in_a_handoff() -> None:
    """Model and tool calls together are counted."""
    looks: list[tuple[Block, ...]] = [(LOOK,), (RECENT,), (UNLOCK,), (RESET,)]
    played = play(*looks, limits=TurnLimits(steps=5))
    assert played.outcome == NeedsPerson(Reason.NO_PROGRESS, "The agent stopped at its step limit without an answer.")
    assert max(played.steps) == 5
    assert len(played.prompts) == 3


def test_the_token_limit_ends_in_a_handoff() -> None:
    """Input and output of all calls are added up."""
    played = play((LOOK,), *[(("no_such_tool", {}),)] * 60, limits=TurnLimits().model_copy(update={"tokens": 100}))
    assert played.outcome == NeedsPerson(Reason.NO_PROGRESS, "The agent stopped at its token limit without an answer.")
    assert len(played.prompts) == 100 // 20


def test_the_time_limit_ends_in_a_handoff() -> None:
    """The clock is read before every call."""
    ticks = count(0, 20)
    played = play((LOOK,), (RECENT,), (UNLOCK,), limits=TurnLimits(seconds=50), clock=lambda: float(next(ticks)))
    assert played.outcome == NeedsPerson(Reason.NO_PROGRESS, "The agent stopped at its time limit without an answer.")
    assert len(played.prompts) == 2


def test_the_cost_limit_ends_in_a_handoff() -> None:
    """What the turn has cost by now is read before every call, in nano-USD against the card's US dollars."""
    costs = count(0, 100_000_000)
    played = play((LOOK,), (RECENT,), (UNLOCK,), (RESET,), spent=lambda: next(costs))
    assert played.outcome == NeedsPerson(Reason.NO_PROGRESS, "The agent stopped at its cost limit without an answer.")
    assert len(played.prompts) == 3


def test_the_same_call_twice_is_a_repeated_failure() -> None:
    """Nothing has changed in between, so the agent would go on for ever; the second is not made."""
    played = play((LOOK,), (RECENT,), (LOOK,))
    assert isinstance(played.outcome, NeedsPerson)
    assert played.outcome.reason is Reason.REPEATED_FAILURE
    assert played.acted == ["look_up_my_account", "recent_sign_ins"]


def test_a_look_after_a_write_is_no_repetition() -> None:
    """The account may have changed, so looking again is right; writing again is not."""
    played = play((LOOK,), (UNLOCK,), (LOOK,), ("Unlocked.",))
    assert isinstance(played.outcome, Reply)
    again = play((LOOK,), (UNLOCK,), (LOOK,), (UNLOCK,))
    assert isinstance(again.outcome, NeedsPerson)
    assert again.acted.count("unlock_my_account") == 1


def test_a_refused_write_changes_nothing() -> None:
    """Looking again after a write that was refused is a repetition."""
    refused = ToolResult({"error": "not locked"}, ok=False)
    played = play(
        (LOOK,),
        (UNLOCK,),
        (LOOK,),
        act=lambda c, _t: refused if c.name == "unlock_my_account" else ToolResult({}, ok=True),
    )
    assert isinstance(played.outcome, NeedsPerson)
    assert played.outcome.reason is Reason.REPEATED_FAILURE


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("delete_every_account", {"confirm": True}), "there is no tool delete_every_account; you have look_up"),
        (("unlock_my_account", {"user": "U0SAM"}), "wrong arguments for unlock_my_account: user: Extra inputs"),
        (("unlock_my_account", {MALFORMED: '{"us'}), "wrong arguments for unlock_my_account"),
        (("hand_off", {"reason": "requested"}), "wrong arguments for hand_off: summary: Field required"),
        (("hand_off", {"reason": "because", "summary": "x"}), "wrong arguments for hand_off: reason: Input should be"),
        (("hand_off", {"reason": "budget", "summary": "x"}), "wrong arguments for hand_off: reason: Input should be"),
        (("resolve", {"done": "", "category": "locked"}), "wrong arguments for resolve: done: String should have"),
        (("resolve", {"done": 3, "category": None}), "wrong arguments for resolve: done"),
    ],
)
def test_a_wrong_call_is_answered_as_an_error(call: Block, said: str) -> None:
    """The model is told what is wrong and may do better; nothing is done."""
    played = play((call,), ("Sorry, I only help with signing in.",))
    assert played.given[0]["is_error"]
    assert played.given[0]["error"].startswith(said)
    assert played.acted == []
    assert isinstance(played.outcome, Reply)


def test_an_empty_answer_is_corrected_once() -> None:
    """The second empty one becomes a handoff."""
    assert play((), ("There.",)).outcome == Reply("There.", None)
    played = play((), ("   ",))
    assert played.outcome == NeedsPerson(Reason.LOW_CONFIDENCE, "The agent twice gave no answer that could be sent.")
    assert "That was empty" in str(played.prompts[1].messages)


CUT = ["max_tokens", "model_context_window_exceeded", "pause_turn", ""]


@pytest.mark.parametrize("stop", CUT)
def test_an_answer_that_was_cut_off_is_never_sent(stop: str) -> None:
    """It is asked for again, shorter; cut off twice, a person takes over."""
    half = completion("I have unlocked your acc", stop=stop)
    played = play(half, ("I have unlocked your account.",))
    assert played.outcome == Reply("I have unlocked your account.", None)
    assert "cut off" in str(played.prompts[-1].messages[-1])
    assert play(half, half).outcome == NeedsPerson(
        Reason.LOW_CONFIDENCE, "The agent twice gave no answer that could be sent."
    )


def test_what_was_complete_before_the_cut_is_done() -> None:
    """A whole tool call is carried out, though the text beside it was cut off; its answer comes next."""
    played = play(completion("Let me lo", LOOK, stop="max_tokens"), ("Hi.",))
    assert (played.outcome, played.acted) == (Reply("Hi.", None), ["look_up_my_account"])


def test_a_model_that_declines_is_not_asked_again() -> None:
    """A refusal would be refused again, and what came before it is half an answer: a person takes over."""
    played = play(completion("I can", stop="refusal"), ("Hi.",))
    assert played.outcome == NeedsPerson(Reason.LOW_CONFIDENCE, "The model declined to answer.")
    assert len(played.prompts) == 1
    back = play(completion(stop="refusal"), given_back_for=Reason.LOW_CONFIDENCE).outcome
    assert isinstance(back, NeedsPerson)
    assert back.reason is Reason.NO_PROGRESS


def test_a_long_result_is_cut_once_and_stays_as_it_was() -> None:
    """Every later call pays for it again, so it is short from the beginning; changing it later would cost the cache."""
    played = play((LOOK,), (RECENT,), ("Hi.",), act=lambda _call, _tool: ToolResult({"log": "x" * 50_000}, ok=True))
    second, third = played.prompts[1].messages, played.prompts[2].messages
    [result] = second[-1]["content"]
    assert len(result["content"]) < MESSAGE_CHARACTERS + 100
    assert "characters left out" in result["content"]
    assert third[: len(second)] == second


def test_an_answer_that_may_not_be_said_is_corrected_once() -> None:
    """The model reads what is wrong with it; held back twice, a person gets the ticket and reads it too."""
    bad: Callable[[str], str | None] = lambda answer: "That names Lagos." if "Lagos" in answer else None  # noqa: E731
    played = play(("You were in Lagos.",), ("You can sign in.",), object_to=bad)
    assert played.outcome == Reply("You can sign in.", None)
    assert play(("You were in Lagos.",), (HAND_OFF,), object_to=bad).outcome == NeedsPerson(
        Reason.REQUESTED, "Maya wants a person."
    )
    assert "<system-note>That names Lagos.</system-note>" in str(played.prompts[1].messages)
    twice = play(("You were in Lagos.",), ("In Lagos you were.",), object_to=bad).outcome
    assert twice == NeedsPerson(
        Reason.LOW_CONFIDENCE, 'The agent\'s answer was held back twice. The agent was told: "That names Lagos."'
    )
    mixed = play((), ("You were in Lagos.",), object_to=bad).outcome
    assert isinstance(mixed, NeedsPerson), "an empty answer was the one correction"


def test_a_summary_goes_to_people_redacted() -> None:
    """What the model writes into a handoff stands in the queue channel."""
    said = ("hand_off", {"reason": "requested", "summary": "Their password is Sommer2026! and they want a person."})
    outcome = play((said,)).outcome
    assert isinstance(outcome, NeedsPerson)
    assert "Sommer2026" not in outcome.summary


@pytest.mark.parametrize("status", ["disabled", "departed"])
def test_resolve_does_not_tell_what_a_person_tells(status: str) -> None:
    """The state of a closed account is not for the model to repeat."""
    assert play((RESOLVE,), ("Done.",), status=AccountStatus(status)).given[0]["status"] is None


@pytest.mark.parametrize("status", [*AccountStatus, None])
def test_resolve_closes_only_when_the_directory_agrees(status: AccountStatus | None) -> None:
    """Whatever the model states, the ticket stays open until the account is active."""
    played = play((RESOLVE,), ("Done.",), status=status)
    closed = status is AccountStatus.ACTIVE
    assert played.outcome == Reply("Done.", Resolution("Unlocked it.", "locked", closed))
    assert played.given[0]["closed"] is closed


@pytest.mark.parametrize("status", [None, AccountStatus.LOCKED])
def test_an_agents_word_closes_where_nothing_else_can_tell(status: AccountStatus | None) -> None:
    """The directory is not asked, and the model is told nothing of an account."""
    played = play((RESOLVE,), ("Done.",), status=status, solved=Solved.AGENTS_WORD)
    assert played.outcome == Reply("Done.", Resolution("Unlocked it.", "locked", closed=True))
    assert played.given == [{"closed": True, "note": "tell them in one or two sentences", "is_error": False}]


def test_a_reason_just_given_back_for_is_refused_once() -> None:
    """The model reads that a colleague has just given this back, and may go on; it does."""
    played = play((HAND_OFF,), (UNLOCK,), ("Unlocked.",), given_back_for=Reason.REQUESTED)
    assert played.outcome == Reply("Unlocked.", None)
    assert played.given[0]["is_error"]
    assert "Maya wants a person." in played.given[0]["error"]
    assert "a colleague had this for requested and has just given it back" in played.given[0]["error"]


def test_what_comes_after_a_refused_handoff_is_done() -> None:
    """Each call of one answer gets its result, as the API wants it."""
    played = play((HAND_OFF, LOOK), ("Fine.",), given_back_for=Reason.REQUESTED)
    assert played.acted == ["look_up_my_account"]
    assert [one["is_error"] for one in played.given] == [True, False]


def test_the_same_reason_twice_is_no_progress() -> None:
    """A person gets it after all, under another reason, with what the agent said; nothing goes round in circles."""
    played = play((HAND_OFF,), (HAND_OFF,), given_back_for=Reason.REQUESTED)
    assert played.outcome == NeedsPerson(
        Reason.NO_PROGRESS, "Given back by a colleague, but the agent could not go on: Maya wants a person."
    )
    assert len(played.prompts) == 2


def test_twice_in_one_answer_is_twice() -> None:
    """Two calls side by side are no way around it."""
    played = play((HAND_OFF, HAND_OFF), given_back_for=Reason.REQUESTED)
    assert isinstance(played.outcome, NeedsPerson)
    assert played.outcome.reason is Reason.NO_PROGRESS


def test_another_reason_is_a_handoff_as_ever() -> None:
    """Only the reason for which it was with a colleague is refused."""
    assert play((HAND_OFF,), given_back_for=Reason.OUT_OF_POLICY).outcome == NeedsPerson(
        Reason.REQUESTED, "Maya wants a person."
    )


def test_the_policys_word_is_refused_once_too() -> None:
    """A denial for the same reason is an error to the model first, and no progress the second time."""
    denied = ToolResult(
        {"error": "not yours"}, ok=False, ends=NeedsPerson(Reason.OUT_OF_POLICY, "An administrator's account.")
    )
    first = play((UNLOCK,), ("I may not.",), act=lambda _c, _t: denied, given_back_for=Reason.OUT_OF_POLICY)
    assert first.outcome == Reply("I may not.", None)
    assert first.given[0]["error"].startswith("not yours Not handed off:")
    assert "An administrator's account." not in str(first.prompts[-1].messages), "evidence is for people"
    second = play((UNLOCK,), (RESET,), act=lambda _c, _t: denied, given_back_for=Reason.OUT_OF_POLICY)
    assert isinstance(second.outcome, NeedsPerson)
    assert second.outcome.reason is Reason.NO_PROGRESS
    assert second.outcome.summary.endswith("could not go on: An administrator's account.")


def test_a_loop_after_a_repeated_failure_is_no_progress() -> None:
    """The loop's own words for the reason given back for are held to the same."""
    played = play((LOOK,), (LOOK,), (LOOK,), given_back_for=Reason.REPEATED_FAILURE)
    assert isinstance(played.outcome, NeedsPerson)
    assert played.outcome.reason is Reason.NO_PROGRESS
    assert played.acted == ["look_up_my_account"]


def test_no_answer_after_low_confidence_is_no_progress() -> None:
    """The correction was the one refusal."""
    played = play((), (), given_back_for=Reason.LOW_CONFIDENCE)
    assert isinstance(played.outcome, NeedsPerson)
    assert played.outcome.reason is Reason.NO_PROGRESS
    assert "twice gave no answer" in played.outcome.summary


def test_a_limit_ends_it_whatever_it_was_given_back_for() -> None:
    """There is nothing left to go on with."""
    played = play((LOOK,), (RECENT,), limits=TurnLimits(steps=2), given_back_for=Reason.NO_PROGRESS)
    assert played.outcome == NeedsPerson(Reason.NO_PROGRESS, "The agent stopped at its step limit without an answer.")


@pytest.mark.parametrize(
    ("block", "result", "series"),
    [
        (LOOK, ToolResult({}, ok=True), "tool=look_up_my_account"),
        (UNLOCK, ToolResult({"error": "no"}, ok=False), "tool=unlock_my_account"),
        (UNLOCK, ToolResult({"error": "?"}, ok=False, unknown=True), "tool=unlock_my_account"),
        (("rm_rf", {}), None, "tool=unknown"),
        (("hand_off", {"reason": "because"}), None, "tool=hand_off"),
        (RESOLVE, None, "tool=resolve"),
    ],
)
def test_a_tool_call_is_counted_by_its_end(block: Block, result: ToolResult | None, series: str) -> None:
    """By the names of our own tools only: what else the model makes up is one label."""
    with counted() as since:
        play((block,), ("Done.",), act=lambda _call, _tool: result or ToolResult({}, ok=True))
        status = "ok" if result is None or result.ok else "failed" if result.unknown else "refused"
        if block[0] in ("rm_rf", "hand_off"):
            status = "refused"
        assert since() == {f"agent_tool_calls_total{{status={status},{series}}}": 1}


def test_a_call_that_is_replayed_is_not_counted_again() -> None:
    """The attempt that made it has counted it; the turn's record has it, whichever attempt made it."""
    with counted() as since, turn_record.kept() as record:
        play((LOOK,), ("Done.",), act=lambda _call, _tool: ToolResult({}, ok=True, replayed=True))
        assert since() == {}
        assert record.tools == ["look_up_my_account"]


def test_a_call_that_breaks_is_counted_as_failed() -> None:
    """The error goes on to whoever plays the turn."""

    def broken(_call: ToolCall, _tool: Tool) -> ToolResult:
        raise ZeroDivisionError

    with counted() as since:
        with pytest.raises(ZeroDivisionError):
            play((LOOK,), act=broken)
        assert since() == {"agent_tool_calls_total{status=failed,tool=look_up_my_account}": 1}


def test_a_loop_is_counted() -> None:
    """The same call a second time with nothing changed in between."""
    with counted() as since:
        play((LOOK,), (LOOK,))
        assert since()["agent_loop_detected_total"] == 1
