"""One attempt at a turn, from its messages to its outcome; production and evaluation both play it.

Every model call is journalled and paid for, every tool call decided, audited and journalled, before
it leaves. A later attempt replays what an earlier one finished. No transaction is open meanwhile.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import random
from typing import Any

import structlog

from bot import policy
from bot.agent.desk import Desk
from bot.agent.loop import Handoff, Outcome, Result, Run, run_loop
from bot.agent.model import WANTED, Completion, Prompt, ToolCall
from bot.agent.patience import BUSY, EVALUATION_SECONDS, MOST_WAITS, TURN_SECONDS, Patience
from bot.agent.prompt import conversation, said
from bot.agent.wishes import wish
from bot.budget.charge import Charge, Reservation
from bot.budget.metering import NoRoom, OverCap
from bot.errors import OutcomeUnknown, Refused, Transient
from bot.policy import Allowed, Denied, NeedsApproval
from bot.principals import Account, AccountStatus, Effect, Reason, Subject
from bot.store import audit, handoffs, steps, tickets, turns
from bot.store.db import Session
from bot.store.schema import InboxEvent, Step
from bot.store.turns import Attempt
from bot.tools.registry import Call, Tool

log = structlog.get_logger()

TRIES = 4
"Tries at one model call, or one tool call, before it counts as failed."
UNCHECKED = Handoff(Reason.ERROR, "Budgets could not be checked; nothing more was asked of the model.")
"How a turn ends while Redis or the accounts are away: no fault of the agent or of the model."
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"Seconds between tries, doubling."


@dataclass(frozen=True, slots=True)
class _Work:
    """One attempt at the desk."""

    desk: Desk
    attempt: Attempt
    subject: Subject
    journal: Mapping[int, Step]
    "What earlier attempts finished, by its place."
    costs: dict[int, int]
    "What the steps of the turn have cost, theirs and this attempt's, in nano-USD."
    still: Callable[[], Subject]
    "On whose behalf an account may be changed right now: they are looked up and bound once more."
    patience: Patience

    @property
    def actor(self) -> str:
        return f"agent:{self.desk.release}"


def play(desk: Desk, attempt: Attempt, subject: Subject, *, still: Callable[[], Subject]) -> Outcome:
    """Play an attempt to its outcome.

    Args:
        desk: the agent at work.
        attempt: which.
        subject: on whose behalf, as they were found at its beginning.
        still: finds that out once more, right before an account is changed.

    Raises:
        Fenced: another attempt has taken the turn over.
        Transient: the database is away, or there is no room under a budget now; the turn is worth another try.
    """
    with desk.database.read() as session:
        # What this turn answers comes last, though it may have been said before the last answer was.
        rows = tickets.said(session, attempt.ticket.id)
        rows.sort(key=lambda row: isinstance(row, InboxEvent) and row.turn_id == attempt.turn_id)
        heard = tickets.messages_of(session, attempt.turn_id)
        given_back_for = why_given_back(session, attempt, heard)
        journal = steps.finished(session, attempt.turn_id)
    costs = {seq: step.cost_nusd for seq, step in journal.items()}
    patience = Patience(TURN_SECONDS if desk.purpose == "turn" else EVALUATION_SECONDS, desk.sleep)
    work = _Work(desk, attempt, subject, journal, costs, still, patience)
    if (asked := wish(heard)) is not None:
        return asked
    run = Run(
        model=desk.model,
        system=desk.agent.prompt,
        tools=desk.agent.tools,
        limits=desk.agent.card.limits,
        think=lambda step, prompt: _think(work, step, prompt),
        act=lambda step, call, tool: _act(work, step, call, tool),
        look_up=lambda: _status(work),
        spent=lambda: sum(work.costs.values()),
        given_back_for=given_back_for,
    )
    try:
        return run_loop(run, conversation(map(said, rows), private=attempt.ticket.private))
    except OverCap as over:
        return Handoff(Reason.BUDGET, "The budget is used up; nothing more was asked of the model.", over.cap.resets_at)
    except NoRoom:
        if attempt.waits < MOST_WAITS:
            raise
        return BUSY
    except Refused as refusal:
        return Handoff(Reason(refusal.reason), str(refusal))


def why_given_back(session: Session, attempt: Attempt, heard: Sequence[InboxEvent]) -> Reason | None:
    """Return why the ticket was with the colleague whose note this turn answers, if it does."""
    last = handoffs.last(session, attempt.ticket.id)
    if last is None or last.state != "returned" or all(event.kind != "note" for event in heard):
        return None
    return Reason(last.reason)


def _think(work: _Work, step: int, prompt: Prompt) -> Completion:
    """Make one model call, or replay it."""
    done = _finished(work, step)
    if done is not None:
        return Completion.from_json(done)
    request = {"model": prompt.model, "messages": list(prompt.messages), "release": str(work.desk.release)}
    with work.desk.database.write() as session:
        steps.start(session, work.attempt, seq=step, kind="model", name=prompt.model, request=request)
    completion, cost = _call(work, step, prompt)
    usage = completion.usage
    with work.desk.database.write() as session:
        steps.finish(
            session,
            work.attempt,
            seq=step,
            status="ok",
            response=completion.to_json(),
            tokens=(usage.prompt_tokens, usage.output_tokens),
            cost_nusd=cost,
        )
    work.costs[step] = cost
    return completion


def _call(work: _Work, step: int, prompt: Prompt) -> tuple[Completion, int]:
    """Pay for and make one model call, with its tries; every try is a reservation of its own."""
    desk, ticket = work.desk, work.attempt.ticket
    charge = Charge(
        team=ticket.team,
        channel=ticket.channel,
        user=ticket.requester,
        agent=desk.agent.card.name,
        release=str(desk.release),
        ticket_id=ticket.id if desk.purpose == "turn" else None,
        turn_id=work.attempt.turn_id if desk.purpose == "turn" else None,
        step=step,
        purpose=desk.purpose,
    )
    count = cache(lambda: _count(desk, prompt))
    for number in range(TRIES):
        reservation: Reservation | None = None
        try:
            reservation = _reserve(work, charge, prompt, count)
            completion = desk.call_model(prompt)
        except OutcomeUnknown as error:  # it may be billed: the row stays `sent` and is charged when its lease ends
            _wait(work, number, error)
        except NoRoom:
            raise
        except Transient as error:
            _void(desk, reservation)
            _wait(work, number, error)
        except Refused:
            _void(desk, reservation)
            raise
        else:
            tool = completion.tool_calls[0].name if completion.tool_calls else None
            return completion, desk.meter.end(reservation, completion.usage, tool=tool)
    if reservation is None:
        raise Refused(UNCHECKED.summary, reason=UNCHECKED.reason)
    raise Refused(f"the model did not answer in {TRIES} tries", reason=Reason.MODEL_UNAVAILABLE)


def _reserve(work: _Work, charge: Charge, prompt: Prompt, count: Callable[[], int | None]) -> Reservation:
    """Get leave for one try at a model call; wait for it while calls under way leave no room."""
    while True:
        WANTED.get()()
        try:
            return work.desk.meter.begin(
                charge,
                model=prompt.model,
                prompt_bytes=prompt.size,
                max_tokens=prompt.max_tokens,
                cache="5m",
                count=count,
            )
        except NoRoom as full:
            work.patience.wait(full)


def _count(desk: Desk, prompt: Prompt) -> int | None:
    """Ask the vendor how long a prompt is; without an answer its bytes stand for its tokens."""
    try:
        return desk.count_tokens(prompt)
    except (Refused, Transient) as error:
        log.warning("prompt.uncounted", why=str(error))
        return None


def _void(desk: Desk, reservation: Reservation | None) -> None:
    if reservation is not None:
        desk.meter.void(reservation)


def _act(work: _Work, step: int, call: ToolCall, tool: Tool) -> Result:
    """Decide, audit and carry out one tool call, or replay it."""
    done = _finished(work, step)
    if done is not None:
        ends = done.get("ends")
        return Result(done["content"], done["ok"], Handoff(Reason(ends["reason"]), ends["summary"]) if ends else None)
    account = _account(work)
    grants = work.desk.agent.grants(work.attempt.ticket.channel)
    subject = work.still() if tool.effect is Effect.WRITE else work.subject
    decision = policy.decide(tool, subject=subject, account=account, grants=grants)
    intent = _intend(work, step, call, tool, decision)
    match decision:
        case Allowed():
            result = _perform(work, step, call, tool, decision.account)
        case Denied():
            result = Result({"error": decision.why}, ok=False, ends=Handoff(decision.reason, decision.why))
        case NeedsApproval():
            result = Result({"error": decision.why}, ok=False, ends=Handoff(Reason.APPROVAL_NEEDED, decision.why))
    _record(work, step, tool, intent, result)
    return result


def _perform(work: _Work, step: int, call: ToolCall, tool: Tool, account: str) -> Result:
    if tool.run is None:
        raise TypeError(f"{tool.name} is the loop's own")
    given = Call(work.desk.directory, account, key=f"turn:{work.attempt.turn_id}:{step}")
    for number in range(TRIES):
        WANTED.get()()
        try:
            return Result(tool.run(given, tool.parse(call.arguments)), ok=True)
        except Refused as refusal:
            return Result({"error": str(refusal)}, ok=False)
        except Transient as error:
            _wait(work, number, error)
    why = f"{tool.name} failed {TRIES} times: the directory does not answer."
    return Result({"error": why}, ok=False, ends=Handoff(Reason.REPEATED_FAILURE, why))


def _intend(work: _Work, step: int, call: ToolCall, tool: Tool, decision: policy.Decision) -> int:
    """Write the intent and the step before the effect; an attempt that died here left both to take over."""
    arguments = json.dumps(call.arguments, sort_keys=True)
    with work.desk.database.write() as session:
        turns.hold(session, work.attempt)
        started = steps.unfinished(session, work.attempt.turn_id, step)
        intent = started.request.get("intent") if started is not None and started.kind == "tool" else None
        intent = intent or audit.append(
            session,
            "tool.intended",
            actor=work.actor,
            subject=work.subject.user,
            ticket_id=work.attempt.ticket.id,
            tool=tool.name,
            scope=tool.scope,
            turn=work.attempt.turn_id,
            step=step,
            attempt=work.attempt.number,
            worker=work.attempt.worker,
            account=work.subject.account,
            arguments_sha256=hashlib.sha256(arguments.encode()).hexdigest(),
            decision=type(decision).__name__,
            why=decision.why,
            in_answer_to=[work.attempt.ticket.channel, work.attempt.ticket.thread_ts],
        )
        steps.start(
            session,
            work.attempt,
            seq=step,
            kind="tool",
            name=tool.name,
            request={"arguments": call.arguments, "decision": type(decision).__name__, "intent": intent},
        )
    return intent


def _record(work: _Work, step: int, tool: Tool, intent: int, result: Result) -> None:
    ends = None if result.ends is None else {"reason": result.ends.reason, "summary": result.ends.summary}
    content = json.dumps(result.content, sort_keys=True)
    status = "ok" if result.ok else "refused"
    with work.desk.database.write() as session:
        steps.finish(
            session,
            work.attempt,
            seq=step,
            status=status,
            response={"content": result.content, "ok": result.ok, "ends": ends},
        )
        audit.append(
            session,
            "tool.finished" if result.ok else "tool.refused",
            actor=work.actor,
            subject=work.subject.user,
            ticket_id=work.attempt.ticket.id,
            intent_id=intent,
            tool=tool.name,
            result_sha256=hashlib.sha256(content.encode()).hexdigest(),
        )


def _finished(work: _Work, step: int) -> dict[str, Any] | None:
    done = work.journal.get(step)
    return None if done is None else done.response


def _account(work: _Work) -> Account | None:
    return None if work.subject.account is None else work.desk.directory.account(work.subject.account)


def _status(work: _Work) -> AccountStatus | None:
    account = _account(work)
    return None if account is None else account.status


def _wait(work: _Work, number: int, error: Transient) -> None:
    """Pause before another try, as long as the other side asked, within bounds."""
    pause = max(error.retry_after or 0.0, FIRST_PAUSE * 2**number * (0.5 + random()))
    log.warning("call.failed", turn=work.attempt.turn_id, attempt=number + 1, error=type(error).__name__)
    if number + 1 < TRIES:
        work.desk.sleep(min(pause, LONGEST_PAUSE))
