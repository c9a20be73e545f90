"""All that is stored of one ended turn, for whoever checks it again: what was said, done, allowed and claimed.

Reads only. The rows of the ticket are read whole, as a ticket has few.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.orm import Session

from bot.store import audit
from bot.store.audit import AuditRecord
from bot.store.figures import finished_turns
from bot.store.figures.finished_turns import FinishedTurn
from bot.store.handoffs import claims
from bot.store.schema import (
    AccountWrite,
    Approval,
    ApprovalState,
    Handoff,
    HandoffContext,
    HandoffMove,
    InboxEvent,
    InboxKind,
    Message,
    MessageKind,
    MessageState,
    Step,
    StepKind,
    StepStatus,
    Ticket,
    Turn,
    TurnOutcome,
    WriteState,
)
from bot.store.sql import prebuilt
from bot.store.tickets import steps

INTENDED = frozenset({"tool.intended", "tool.taken_over"})
FINISHED = frozenset({"tool.finished", "tool.refused", "tool.unseen"})

_TURN: BindParameter[int] = bindparam("turn")
_TICKET: BindParameter[int] = bindparam("ticket")
_ENDED = (
    select(Turn.outcome, Ticket.id, Ticket.requester).join(Ticket, Ticket.id == Turn.ticket_id).where(Turn.id == _TURN)
)
_WRITES = (
    select(AccountWrite.step, AccountWrite.tool, AccountWrite.state)
    .where(AccountWrite.turn_id == _TURN)
    .order_by(AccountWrite.step)
)
_USED = select(Approval.step, Approval.decided_by).where(
    Approval.turn_id == _TURN, Approval.state == ApprovalState.USED
)
_HANDED_OFF = (
    select(Handoff.summary, Handoff.context)
    .where(Handoff.ticket_id == _TICKET, Handoff.turn_id == _TURN)
    .order_by(Handoff.id)
    .limit(1)
)
_HEARD = (
    select(InboxEvent.text)
    .where(
        InboxEvent.ticket_id == _TICKET,
        InboxEvent.kind.in_((InboxKind.MESSAGE, InboxKind.NOTE)),
        InboxEvent.received_at <= bindparam("until"),
    )
    .order_by(InboxEvent.id)
)
_ANSWERS = (
    select(Message.body, Message.state, Message.ts, Message.posted_at)
    .where(Message.ticket_id == _TICKET, Message.turn_id == _TURN, Message.kind == MessageKind.REPLY)
    .order_by(Message.id)
)
_CLAIMS = (
    select(HandoffMove.move, HandoffMove.at)
    .join(Handoff, Handoff.id == HandoffMove.handoff_id)
    .where(Handoff.ticket_id == _TICKET, HandoffMove.move.in_({*claims.BEGIN, *claims.END}))
    .order_by(HandoffMove.id)
)


@dataclass(frozen=True, slots=True)
class SaidAnswer:
    """One answer of the agent to a turn, as it was stored for Slack."""

    text: str
    "Escaped for Slack; empty if it was taken back."
    state: MessageState
    at: datetime | None
    "When Slack had it, by its clock or by ours, whichever was earlier; None: Slack does not have it."


@dataclass(frozen=True, slots=True)
class ToolStep:
    """One tool call of the turn."""

    step: int
    tool: str
    status: StepStatus
    gave: Mapping[str, Any]
    "What it returned, redacted."


@dataclass(frozen=True, slots=True)
class IntentRow:
    """What the audit log has of a call before its effect."""

    number: int
    "The number that its outcome names."
    step: int
    tool: str
    decision: str
    subject: str | None
    "Slack user id of the human on whose behalf it was."
    has_outcome: bool


@dataclass(frozen=True, slots=True)
class TurnEvidence:
    """What is stored of an ended turn."""

    turn: FinishedTurn
    outcome: TurnOutcome
    requester: str
    heard: tuple[str, ...]
    "What requesters and colleagues wrote in the ticket until then, redacted, in order."
    answers: tuple[SaidAnswer, ...]
    calls: tuple[ToolStep, ...]
    done: frozenset[str]
    "Tools that had succeeded in the ticket by the end of the turn."
    writes: tuple[tuple[int, str, WriteState], ...]
    "Each write to an account: its step, its tool, and what is known of it."
    intents: tuple[IntentRow, ...]
    approved_by: Mapping[int, str | None]
    "By step, who approved a call that an approval was used for."
    claims: tuple[tuple[datetime, datetime | None], ...]
    "Each span in which a person had the ticket; None: until now."
    handoff: tuple[str, HandoffContext] | None
    "The summary and the context of the handoff that it ended in."


def read(session: Session, turn_id: int) -> TurnEvidence | None:
    """Return what is stored of a turn; None: it has not ended, or has no outcome."""
    found = prebuilt.rows(session, _ENDED, turn=turn_id).one_or_none()
    turn = next(iter(finished_turns.of(session, [turn_id])), None)
    if found is None or turn is None or found.outcome is None:
        return None
    taken = [step for step in steps.of_ticket(session, found.id) if step.kind is StepKind.TOOL]
    handoff = prebuilt.rows(session, _HANDED_OFF, ticket=found.id, turn=turn_id).one_or_none()
    return TurnEvidence(
        turn=turn,
        outcome=found.outcome,
        requester=found.requester,
        heard=_heard(session, found.id, turn),
        answers=tuple(_answers(session, found.id, turn_id)),
        calls=tuple(_call(step) for step in taken if step.turn_id == turn_id),
        done=frozenset(step.name for step in taken if step.turn_id <= turn_id and step.status is StepStatus.OK),
        writes=tuple((step, tool, state) for step, tool, state in prebuilt.rows(session, _WRITES, turn=turn_id)),
        intents=tuple(_intents(audit.of_ticket(session, found.id), turn_id)),
        approved_by={one.step: one.decided_by for one in prebuilt.rows(session, _USED, turn=turn_id)},
        claims=tuple(_claims(session, found.id)),
        handoff=None if handoff is None else (handoff.summary, handoff.context),
    )


def _heard(session: Session, ticket_id: int, turn: FinishedTurn) -> tuple[str, ...]:
    return tuple(prebuilt.rows(session, _HEARD, ticket=ticket_id, until=turn.finished_at).scalars())


def _answers(session: Session, ticket_id: int, turn_id: int) -> Iterator[SaidAnswer]:
    for body, state, ts, posted_at in prebuilt.rows(session, _ANSWERS, ticket=ticket_id, turn=turn_id):
        yield SaidAnswer(str(body.get("text", "")), state, _said_at(ts, posted_at))


def _said_at(ts: str | None, posted_at: datetime | None) -> datetime | None:
    """Return when Slack had a message: our note of it may be late, as when it was looked up after a crash."""
    if ts is None or posted_at is None:
        return None
    return min(posted_at, datetime.fromtimestamp(float(ts), tz=posted_at.tzinfo))


def _call(step: Step) -> ToolStep:
    given = (step.response or {}).get("content")
    return ToolStep(step.seq, step.name, step.status, given if isinstance(given, dict) else {})


def _intents(rows: Sequence[AuditRecord], turn_id: int) -> Iterator[IntentRow]:
    ended = {row.intent_id for row in rows if row.event in FINISHED}
    for row in rows:
        if row.event in INTENDED and row.record.get("turn") == turn_id:
            number = row.record.get("intent") or row.seq
            said = (int(row.record["step"]), str(row.record["tool"]), str(row.record["decision"]))
            yield IntentRow(number, *said, row.subject, number in ended)


def _claims(session: Session, ticket_id: int) -> Iterator[tuple[datetime, datetime | None]]:
    since: datetime | None = None
    for move, at in prebuilt.rows(session, _CLAIMS, ticket=ticket_id):
        if since is not None and move in claims.END:
            yield since, at
            since = None
        if move in claims.BEGIN:
            since = at
    if since is not None:
        yield since, None
