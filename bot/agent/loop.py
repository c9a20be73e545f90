"""The loop: think, act and look again, until there is an answer or a person is needed.

It knows nothing of Slack, SQL or money: it is given the functions that think and act, the same ones in production and
in evaluation. It always ends in an outcome; the limits are beside the call.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.agent.limits import TurnLimits
from bot.agent.model import Completion, Prompt, ToolCall
from bot.agent.prompt import correction, echo, tool_result
from bot.agent.redaction import redact
from bot.cost_dimensions import NANO
from bot.principals import AccountStatus, Effect, Reason, Solved
from bot.store.schema import DirectoryAgreement
from bot.telemetry import attributes as named
from bot.telemetry import metrics, spans, turn_record
from bot.telemetry.attributes import HAND_OFF
from bot.telemetry.metrics import ToolStatus
from bot.telemetry.turn_record import Value
from bot.tools.control import HandOffArgs, ResolveArgs
from bot.tools.registry import Tool


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the agent says it did, and whether that closes the ticket."""

    done: str
    category: str
    closed: bool
    "Whether it counts as solved by the card's rule; otherwise the ticket stays open."


@dataclass(frozen=True, slots=True)
class Reply:
    """The turn ends with an answer to the requester."""

    text: str
    resolution: Resolution | None
    thanks: bool = False
    "It answers only thanks, so a closed ticket stays closed."


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """The turn ends with a handoff: a person takes the ticket."""

    reason: Reason
    summary: str
    until: datetime | None = None
    "When a budget that is used up resets, so that the agent may work again."
    directory: bool = False
    "Whether it is because the directory does not answer, which may be a surge."


@dataclass(frozen=True, slots=True)
class AwaitsApproval:
    """The turn does not end yet: it waits for a person to allow a call, and goes on from there."""

    approval_id: int


Outcome = Reply | NeedsPerson | AwaitsApproval

HUMAN_ONLY = frozenset({AccountStatus.DISABLED, AccountStatus.DEPARTED})
"States that only a person tells the requester."

STRAIGHT_BACK = (
    "Not handed off: a colleague had this for {} and has just given it back to you. Read their note, then answer, act "
    "as far as your tools allow, or hand off for another reason."
)
"What the model reads when it tries to hand off again for the same reason."


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a tool call: content for the model, or the end of the agent's part."""

    content: dict[str, Any]
    ok: bool
    ends: NeedsPerson | AwaitsApproval | None = None
    "Set when the policy or the tool demands a person, or a person's approval."
    unknown: bool = False
    "Whether the tool's effect took place is not known."
    replayed: bool = False
    "It is what an earlier attempt was told; nothing was called now."
    agreement: DirectoryAgreement | None = None
    "What the directory showed when it was read back after a write; None: nothing was written."


Think = Callable[[int, Prompt], Completion]
"(step, prompt) -> completion: one model call with all its tries, written down and paid for."
Act = Callable[[int, ToolCall, Tool], ToolResult]
"(step, call, tool) -> result: decided by the policy, audited, and done at most once."
ObjectTo = Callable[[str], str | None]
"(answer) -> what is wrong with it, for the model to read; None if it may be sent."
LookUp = Callable[[], AccountStatus | None]
"Returns the state of the requester's account in the directory now, or None unless exactly one account is bound."


@dataclass(slots=True)
class TurnProgress:
    """What a run has done so far, for its limits and for the person who may take over."""

    step: int = 0
    tokens: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    "How often each call was made: the same read twice with nothing changed in between is a loop."
    resolution: Resolution | None = None
    turned_down: bool = False
    "Whether a handoff for the reason for which a colleague gave the ticket back has been refused once."


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the loop: its fixed values, and the functions through which it acts."""

    model: str
    system: str
    tools: Sequence[Tool]
    limits: TurnLimits
    think: Think
    act: Act
    look_up: LookUp
    spent: Callable[[], int] = lambda: 0
    "Returns what the turn has cost so far, in nano-USD."
    clock: Callable[[], float] = time.monotonic
    given_back_for: Reason | None = None
    "Why the ticket was with a colleague who has just given it back; None otherwise."
    object_to: ObjectTo = lambda _answer: None
    solved: Solved = Solved.ACCOUNT_ACTIVE
    "What must be true before a resolved ticket closes."


def run_loop(run: Run, messages: list[dict[str, Any]]) -> Outcome:
    """Play one turn to its outcome.

    Args:
        run: the agent, its limits and its functions.
        messages: the conversation; the model's messages and the tools' results are appended.
    """
    by_name = {tool.name: tool for tool in run.tools}
    schemas = tuple(tool.schema() for tool in run.tools)
    started, progress, corrected = run.clock(), TurnProgress(), False
    while True:
        reached = _limit(run, progress, run.clock() - started)
        if reached is not None:
            return NeedsPerson(Reason.NO_PROGRESS, f"The agent stopped at its {reached} limit without an answer.")
        prompt = Prompt(run.model, run.system, schemas, tuple(messages), run.limits.answer_tokens)
        completion = run.think(progress.step, prompt)
        progress.step += 1
        progress.tokens += completion.usage.prompt_tokens + completion.usage.output_tokens
        if not completion.tool_calls:
            wrong = _wrong(run, completion)
            if wrong is None:
                return Reply(completion.text.strip(), progress.resolution)
            if corrected or completion.stop_reason == "refusal":
                return _no_answer(run, completion, wrong)
            corrected = True
            messages += [*echo(completion), correction(wrong)]
            continue
        results: list[dict[str, Any]] = []
        for call in completion.tool_calls:
            result = _not_straight_back(run, _perform(run, by_name, call, progress), progress)
            if result.ends is not None:
                return result.ends
            results.append(tool_result(call.id, result.content, ok=result.ok))
        messages += [*echo(completion), {"role": "user", "content": results}]


def _perform(run: Run, by_name: dict[str, Tool], call: ToolCall, progress: TurnProgress) -> ToolResult:
    """Carry out one tool call, and count it."""
    name = call.name if call.name in by_name else metrics.UNKNOWN_TOOL
    turn_record.tool_called(name)
    with spans.tool_call(name) as span:
        try:
            result = _carry_out(run, by_name, call, progress)
        except Exception:
            metrics.TOOL_CALLS.labels(name, ToolStatus.FAILED).inc()
            raise
        awaits = isinstance(result.ends, AwaitsApproval)
        if result.replayed or awaits or (result.ends is not None and name == HAND_OFF):
            # An earlier attempt has made it, a later one will; or the handoff itself makes it, once it is opened.
            span.drop()
        status = _status(result)
        span.set({named.STATUS: status} | _approval(result))
    if not result.replayed and not awaits:
        metrics.TOOL_CALLS.labels(name, status).inc()
    return result


def _approval(result: ToolResult) -> dict[str, Value]:
    needed = isinstance(result.ends, NeedsPerson) and result.ends.reason is Reason.APPROVAL_NEEDED
    return {named.APPROVAL_STATE: named.NEEDED} if needed else {}


def _status(result: ToolResult) -> ToolStatus:
    if result.ok:
        return ToolStatus.OK
    return ToolStatus.FAILED if result.unknown else ToolStatus.REFUSED


def _carry_out(run: Run, by_name: dict[str, Tool], call: ToolCall, progress: TurnProgress) -> ToolResult:
    tool = by_name.get(call.name)
    if tool is None:
        return ToolResult({"error": f"there is no tool {call.name}; you have {', '.join(by_name)}"}, ok=False)
    try:
        arguments = tool.parse(call.arguments)
    except ValueError as error:
        return ToolResult({"error": str(error)}, ok=False)
    match arguments:
        case HandOffArgs():
            return ToolResult({}, ok=True, ends=NeedsPerson(Reason(arguments.reason), redact(arguments.summary)))
        case ResolveArgs():
            return _resolve(run, arguments, progress)
    same = f"{call.name} {json.dumps(call.arguments, sort_keys=True)}"
    progress.calls[same] += 1
    if progress.calls[same] > 1:
        metrics.LOOPS.inc()
        summary = f"The agent called {call.name} a second time although nothing had changed in between."
        return ToolResult({}, ok=False, ends=NeedsPerson(Reason.REPEATED_FAILURE, summary))
    result = run.act(progress.step, call, tool)
    progress.step += 1
    if result.ok and tool.effect is Effect.WRITE:
        progress.calls = Counter({key: n for key, n in progress.calls.items() if key == same})
    return result


def _not_straight_back(run: Run, result: ToolResult, progress: TurnProgress) -> ToolResult:
    """Refuse, once, to hand a ticket off for the reason for which a colleague has just given it back."""
    if not isinstance(result.ends, NeedsPerson) or result.ends.reason is not run.given_back_for:
        return result
    if progress.turned_down:
        return replace(result, ends=_no_progress(result.ends))
    progress.turned_down = True
    why = result.content.get("error", result.ends.summary)  # the evidence of a decision is for people alone
    return ToolResult({"error": f"{why} {STRAIGHT_BACK.format(result.ends.reason)}"}, ok=False)


def _wrong(run: Run, completion: Completion) -> str | None:
    """Return why an answer is not sent, for the model to read, or None."""
    if not completion.whole:
        return "That was cut off at the length limit and was not sent. Answer again, in one or two sentences."
    if not completion.text.strip():
        return "That was empty. Answer in one or two sentences, or call hand_off."
    return run.object_to(completion.text)


def _no_answer(run: Run, completion: Completion, wrong: str) -> NeedsPerson:
    if completion.stop_reason == "refusal":
        why = "The model declined to answer."
    elif completion.whole and completion.text.strip():
        why = f'The agent\'s answer was held back twice. The agent was told: "{wrong}"'
    else:
        why = "The agent twice gave no answer that could be sent."
    end = NeedsPerson(Reason.LOW_CONFIDENCE, why)
    return _no_progress(end) if end.reason is run.given_back_for else end


def _no_progress(end: NeedsPerson) -> NeedsPerson:
    return NeedsPerson(
        Reason.NO_PROGRESS, f"Given back by a colleague, but the agent could not go on: {end.summary}", end.until
    )


def _resolve(run: Run, arguments: ResolveArgs, progress: TurnProgress) -> ToolResult:
    """Record the agent's resolution, and tell the agent whether it closes the ticket.

    The account is read only where the card asks the directory.
    """
    status = run.look_up() if run.solved is Solved.ACCOUNT_ACTIVE else None
    closed = run.solved.holds(status)
    progress.resolution = Resolution(arguments.done, arguments.category, closed)
    note = (
        "tell them in one or two sentences" if closed else "not yet: it closes when the directory says they can sign in"
    )
    shown = None if status in HUMAN_ONLY else status
    content = {"status": shown} if run.solved is Solved.ACCOUNT_ACTIVE else {}
    return ToolResult({"closed": closed, **content, "note": note}, ok=True)


def _limit(run: Run, progress: TurnProgress, seconds: float) -> str | None:
    limits = run.limits
    if progress.step >= limits.steps:
        return "step"
    if progress.tokens >= limits.tokens:
        return "token"
    if run.spent() >= limits.cost_usd * NANO:
        return "cost"
    return "time" if seconds >= limits.seconds else None
