"""Everything that happened to one ticket, read from every table that holds a part of it. Reads only."""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, inspect, or_, select
from sqlalchemy.orm import Session

from bot.store import audit
from bot.store.audit import AuditRecord
from bot.store.schema import (
    Approval,
    ApprovalEvidence,
    AuditRow,
    Base,
    DirectoryWrite,
    Feedback,
    Handoff,
    HandoffMove,
    InboxEvent,
    LedgerRow,
    Message,
    Step,
    Ticket,
    Turn,
)
from bot.store.schema.handoff_context import HandoffContext
from bot.store.tickets import steps, threads


@dataclass(frozen=True, slots=True)
class TicketHistory:
    """Everything that happened to one ticket, each list in order."""

    ticket: Ticket
    heard: tuple[InboxEvent, ...]
    turns: tuple[Turn, ...]
    steps: tuple[Step, ...]
    messages: tuple[Message, ...]
    handoffs: tuple[Handoff, ...]
    moves: tuple[HandoffMove, ...]
    writes: tuple[DirectoryWrite, ...]
    "Changes that its turns made in the local directory."
    feedback: tuple[Feedback, ...]
    audit: tuple[AuditRecord, ...]
    calls: tuple[LedgerRow, ...]
    "Model calls, with what each cost."
    approvals: tuple[Approval, ...]
    audit_begins: int | None
    "`seq` of the first audit record that is left, if earlier ones were removed and may have been of this ticket."

    @property
    def cost_nusd(self) -> int:
        """Return the cost of all model calls, settled or charged, in nano-USD."""
        return sum(call.cost_nusd for call in self.calls)


def of_thread(session: Session, channel: str, thread_ts: str) -> TicketHistory | None:
    """Return the history of the ticket in a thread, or None if there is none."""
    ticket = threads.ticket_at(session, channel, thread_ts)
    return None if ticket is None else _of(session, ticket)


def of_ticket(session: Session, ticket_id: int) -> TicketHistory | None:
    """Return the history of a ticket, or None if there is no ticket of that number."""
    ticket = session.get(Ticket, ticket_id)
    return None if ticket is None else _of(session, ticket)


def of_message(session: Session, channel: str, ts: str) -> TicketHistory | None:
    """Return the history of the ticket that a message belongs to: a request, an answer or a card."""
    found: int | None = None
    for table in (InboxEvent, Message):
        query = select(func.max(table.ticket_id)).where(table.channel == channel, table.ts == ts)
        found = found or session.scalars(query).one()
    return of_thread(session, channel, ts) if found is None else of_ticket(session, found)


def newest(session: Session) -> int | None:
    """Return the number of the newest ticket."""
    return session.scalars(select(func.max(Ticket.id))).one()


def as_json(history: TicketHistory) -> dict[str, Any]:
    """Return a history as JSON: every column of every row, times in UTC, amounts in nano-USD."""
    told: dict[str, Any] = {"cost_nusd": history.cost_nusd}
    for field in fields(history):
        value = getattr(history, field.name)
        told[field.name] = [_columns(row) for row in value] if isinstance(value, tuple) else _told(value)
    return told


def _of(session: Session, ticket: Ticket) -> TicketHistory:
    turns = session.scalars(select(Turn).where(Turn.ticket_id == ticket.id).order_by(Turn.id)).all()
    ids = [turn.id for turn in turns]
    keys = [DirectoryWrite.key.startswith(f"turn:{turn_id}:") for turn_id in ids]
    handoffs = session.scalars(select(Handoff).where(Handoff.ticket_id == ticket.id).order_by(Handoff.id)).all()
    calls = select(LedgerRow).where(LedgerRow.ticket_id == ticket.id)
    moves = select(HandoffMove).where(HandoffMove.handoff_id.in_([one.id for one in handoffs]))
    return TicketHistory(
        ticket=ticket,
        heard=_all(session, select(InboxEvent).where(InboxEvent.ticket_id == ticket.id).order_by(InboxEvent.id)),
        turns=tuple(turns),
        steps=tuple(steps.of_ticket(session, ticket.id)),
        messages=_all(session, select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)),
        handoffs=tuple(handoffs),
        moves=_all(session, moves.order_by(HandoffMove.id)),
        writes=_all(session, select(DirectoryWrite).where(or_(False, *keys)).order_by(DirectoryWrite.at)),
        feedback=_all(session, select(Feedback).where(Feedback.turn_id.in_(ids)).order_by(Feedback.id)),
        audit=tuple(audit.of_ticket(session, ticket.id)),
        calls=_all(session, calls.order_by(LedgerRow.at, LedgerRow.rid)),
        approvals=_all(session, select(Approval).where(Approval.ticket_id == ticket.id).order_by(Approval.id)),
        audit_begins=_audit_begins(session, ticket),
    )


def _audit_begins(session: Session, ticket: Ticket) -> int | None:
    first = audit.first_left(session)
    row = None if first is None else session.get_one(AuditRow, first.audit_seq)
    return None if row is None or row.at <= ticket.created_at else row.seq


def _told(value: Base | int | None) -> Any:
    return _columns(value) if isinstance(value, Base) else value


def _all(session: Session, query: Any) -> tuple[Any, ...]:
    return tuple(session.scalars(query))


def _columns(row: Base | AuditRecord) -> dict[str, Any]:
    if isinstance(row, AuditRecord):
        values = asdict(row)
    else:
        values = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, HandoffContext | ApprovalEvidence):
        return value.to_json()
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
