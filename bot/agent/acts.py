"""One tool call: it is delegated, decided, written down, carried out, and its result is written down.

The account and its sign-ins are read right before. The policy decides on them in the transaction that writes the
intent. That transaction locks the account, so of two calls that would write to it the second sees the first. The
directory is given the account as it was decided upon, and does nothing if it has changed since.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot import policy
from bot.agent import approving, door, intents, performing
from bot.agent.approving import SeenAccount
from bot.agent.door import Passage
from bot.agent.loop import AwaitsApproval, NeedsPerson, ToolResult
from bot.agent.model import ToolCall
from bot.agent.redaction import redact
from bot.agent.turn_work import TurnWork
from bot.delegation.tokens import TokenRefused
from bot.policy import Allowed, Denied, Facts, NeedsApproval, NotNeeded, PolicyRule
from bot.policy.compromise import READ_AT_MOST
from bot.principals import Account, Effect, PastWrite, Reason, SignIn, Subject
from bot.store import audit
from bot.store.accounts import account_writes
from bot.store.db import Session
from bot.store.schema import DirectoryAgreement, Step, StepKind, StepStatus, WriteState, now
from bot.store.tickets import steps, tickets, turns
from bot.tools.registry import Args, Tool, ToolUse

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Seen(SeenAccount):
    """The requester, their account and its sign-ins, read right before a call."""

    subject: Subject


@dataclass(frozen=True, slots=True)
class _Shown:
    """A call as it stands before its tool's door."""

    call: ToolCall
    tool: Tool
    arguments: Args
    token: str


@dataclass(frozen=True, slots=True)
class _Intended:
    """A call that is written down, and may or may not run."""

    decision: policy.Decision
    passage: Passage
    number: int
    "The number of its intent in the audit log."
    taken_over: bool
    "Whether an earlier attempt began the call."
    approval: int | None
    "The approval that the call waits for; None: it waits for none."
    since: datetime | None
    "When a write was allowed; None: nothing is written."


def act(work: TurnWork, step: int, call: ToolCall, tool: Tool) -> ToolResult:
    """Decide, audit and carry out one tool call, or replay it."""
    done = finished(work, step)
    if done is not None:
        return ToolResult(done["content"], done["ok"], _kept_end(done.get("ends")), replayed=True)
    subject = work.rebind() if tool.effect is Effect.WRITE else work.subject
    found = _Seen(*seen(work), subject)
    try:
        shown = _shown(work, step, call, tool)
    except ValueError as error:
        return ToolResult({"error": str(error)}, ok=False)
    intended = _delegated(work, step, shown, found)
    decision = intended.decision
    match decision:
        case Allowed() if tool.run is not None:
            given = _given(work, step, found)
            result = performing.perform(work, intended.passage, given, since=intended.since)
        case Denied():
            result = ToolResult(
                {"error": decision.why}, ok=False, ends=NeedsPerson(decision.reason, redact(decision.explanation))
            )
        case NeedsApproval() if intended.approval is not None:
            return ToolResult({}, ok=False, ends=AwaitsApproval(intended.approval))  # the step is not finished
        case NeedsApproval():
            result = ToolResult(
                {"error": decision.why}, ok=False, ends=NeedsPerson(Reason.APPROVAL_NEEDED, decision.why)
            )
        case NotNeeded():
            result = ToolResult({"error": decision.why}, ok=False)
        case Allowed():
            raise TypeError(f"{tool.name} is the loop's own")
    if intended.taken_over and not result.ok:
        result = replace(result, unknown=True)  # the earlier attempt may have done it, whatever this one was told
    _record(work, step, tool, intended.number, result)
    return result


def _shown(work: TurnWork, step: int, call: ToolCall, tool: Tool) -> _Shown:
    """Return a call with its token.

    Raises:
        ValueError: an argument is wrong.
    """
    arguments = tool.parse(call.arguments)
    return _Shown(call, tool, arguments, door.delegate(work, step, tool, arguments))


def _delegated(work: TurnWork, step: int, shown: _Shown, seen: _Seen) -> _Intended:
    """Write the intent of a call if its tool's door lets it in.

    Raises:
        TokenRefused: it does not; that is in the audit log, and nothing else was done.
    """
    try:
        return _write_intent(work, step, shown, seen)
    except TokenRefused as refused:
        intents.refuse(work, step, shown.tool, refused)
        raise


def _kept_end(ends: dict[str, Any] | None) -> NeedsPerson | None:
    """Return the end of the agent's part that an earlier attempt has written down, or None."""
    if ends is None:
        return None
    return NeedsPerson(Reason(ends["reason"]), ends["summary"], directory=bool(ends.get("directory")))


def _given(work: TurnWork, step: int, seen: _Seen) -> ToolUse:
    """Return what a tool acts on."""
    account, sign_ins = seen.account, seen.sign_ins
    return ToolUse(
        work.runtime.directory,
        account,
        key=_key(work, step),
        private=work.attempt.ticket.private,
        barred=account is None or barred(work, account, sign_ins) is not None,
        sign_ins=sign_ins,
    )


def _decide(session: Session, work: TurnWork, step: int, shown: _Shown, seen: _Seen) -> policy.Decision:
    """Decide on a call; of two writes to one account, in any tickets, the second is decided after the first."""
    ticket, agent, tool, at = work.attempt.ticket, work.runtime.agent, shown.tool, now()
    writes = tool.effect is Effect.WRITE
    before, begun = tuple[PastWrite, ...](), False
    if writes and seen.account is not None:
        account_writes.lock(session, seen.account.id)
        this, day = (work.attempt.turn_id, step), at - timedelta(days=1)
        before = account_writes.since(session, seen.account.id, day, besides=this)
        begun = account_writes.is_begun(session, turn_id=work.attempt.turn_id, step=step)
    return policy.decide(
        tool,
        subject=seen.subject,
        account=seen.account,
        grants=agent.grants(ticket.channel, private=ticket.private),
        rules=agent.card.accounts,
        facts=Facts(at, seen.sign_ins, before, begun),
        needs_account=tool.name in agent.card.needs_account,
        arguments=shown.arguments,
    )


def _write_intent(work: TurnWork, step: int, shown: _Shown, seen: _Seen) -> _Intended:
    """Use up the token and write the decision, the intent and the step before the effect.

    If an earlier attempt died here, its intent is taken over, and the new delegation is recorded beside it. A write
    that an earlier attempt is known to have made is not decided again: it has changed the account already.
    """
    tool = shown.tool
    done = tool.effect is Effect.WRITE and work.attempt.number > 1 and work.runtime.directory.was_done(_key(work, step))
    with work.runtime.database.write() as session:
        if tool.needs_approval:
            tickets.lock(session, work.attempt.ticket.id)  # before the turn, as everywhere
        turns.hold(session, work.attempt)
        passage = door.enter(session, work, step, tool, shown.arguments, token=shown.token)
        decision: policy.Decision
        if done and seen.account is not None:
            decision = Allowed(PolicyRule.DONE_BEFORE, seen.account.id, "done by an earlier attempt")
        else:
            decision = _decide(session, work, step, shown, seen)
        decision, passage = approving.settle(session, work, step, passage, seen.account, decision)
        since = None
        if tool.effect is Effect.WRITE and isinstance(decision, Allowed):
            of = decision.account
            since = account_writes.begin(session, work.attempt, step=step, account=of, tool=tool.name, at=now())
        work.standing.before_step(session)  # after the lock of the account, for which a call may wait
        # Only an earlier attempt can have begun it.
        started = steps.unfinished(session, work.attempt.turn_id, step) if work.attempt.number > 1 else None
        earlier = started.request.get("intent") if started is not None and started.kind is StepKind.TOOL else None
        intent = intents.write(session, work, step, passage, decision, earlier)
        steps.start_held(
            session,
            work.attempt,
            seq=step,
            kind=StepKind.TOOL,
            name=tool.name,
            request={"arguments": shown.call.arguments, "decision": type(decision).__name__, "intent": intent},
        )
        terms = approving.may_be_asked(work, tool.name) if isinstance(decision, NeedsApproval) else None
        approval = (
            None if terms is None else approving.ask(session, work, step, passage, seen, terms=terms, intent=intent)
        )
    return _Intended(decision, passage, intent, _may_have_run(started), approval, since)


def _may_have_run(started: Step | None) -> bool:
    """Return whether an earlier attempt may have carried a call out: it began it, and not only to wait for people."""
    return started is not None and started.request.get("decision") != NeedsApproval.__name__


def _record(work: TurnWork, step: int, tool: Tool, intent: int, result: ToolResult) -> None:
    end, ends = result.ends, None
    if isinstance(end, NeedsPerson):
        ends = {"reason": end.reason, "summary": end.summary, "directory": end.directory}
    content = json.dumps(result.content, sort_keys=True)
    status = StepStatus.OK if result.ok else StepStatus.REFUSED
    with work.runtime.database.write() as session:
        steps.finish(
            session,
            work.attempt,
            seq=step,
            status=status,
            response={"content": result.content, "ok": result.ok, "ends": ends},
        )
        agreement = None if tool.effect is not Effect.WRITE else _end_write(session, work, step, result)
        audit.append(
            session,
            "tool.finished" if result.ok else "tool.refused",
            actor=work.actor,
            subject=work.subject.user,
            ticket_id=work.attempt.ticket.id,
            intent_id=intent,
            tool=tool.name,
            result_sha256=hashlib.sha256(content.encode()).hexdigest(),
            **({} if agreement is None else {"agreement": agreement}),
        )


def _end_write(session: Session, work: TurnWork, step: int, result: ToolResult) -> DirectoryAgreement | None:
    """Store what became of a write; return whether the directory agreed, None if nothing was written."""
    state, agreement = (WriteState.DONE if result.ok else WriteState.REFUSED), result.agreement
    if result.unknown:
        state, agreement = WriteState.BEGUN, agreement or DirectoryAgreement.UNKNOWN
    known = account_writes.end(session, work.attempt, step=step, state=state, agreement=agreement, at=now())
    return agreement if known else None


def _key(work: TurnWork, step: int) -> str:
    return steps.write_key(work.attempt.turn_id, step)


def finished(work: TurnWork, step: int) -> dict[str, Any] | None:
    """Return the response that an earlier attempt got for a step, or None."""
    done = work.attempt.journal.get(step)
    return None if done is None else done.response


def seen(work: TurnWork) -> tuple[Account | None, tuple[SignIn, ...]]:
    """Return the requester's account as it is now, with its last sign-ins; None unless exactly one account is bound."""
    bound, directory = work.subject.account, work.runtime.directory
    if bound is None:
        return None, ()
    with work.runtime.database.look_together():
        account, sign_ins = directory.account(bound), directory.sign_ins(bound, at_most=READ_AT_MOST)
    if account is not None:
        work.seen[account] = None
    return account, sign_ins


def barred(work: TurnWork, account: Account, sign_ins: tuple[SignIn, ...]) -> Denied | None:
    """Return why every write to an account is left to a person now, or None."""
    return policy.barred(account, work.runtime.agent.card.accounts, Facts(now(), sign_ins))
