"""Finds what was done and is not on record, and what is on record and was not done: acts joined with the audit log.

Each look is one statement over the whole of two tables; what it returns are the rows that have no partner. A row that
is younger than `GRACE` may wait for its partner still and is no gap.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Integer, Select, String, and_, cast, exists, func, literal, select
from sqlalchemy.orm import Session, aliased

from bot.store.schema import (
    AccountWrite,
    Approval,
    ApprovalMove,
    AuditRow,
    DirectoryWrite,
    Handoff,
    HandoffMove,
    LedgerRow,
    LedgerState,
    Message,
    MessageKind,
    Step,
    StepKind,
    StepStatus,
    Turn,
    TurnOutcome,
    TurnState,
    WriteState,
)

GRACE: Final = timedelta(minutes=2)
"How long an act may be without what follows it: upkeep closes intents, settles calls and sends messages meanwhile."
INTENDED, FINISHED = "tool.intended", "tool.finished"


class GapKind(StrEnum):
    """What is missing."""

    means: str

    def __new__(cls, value: str, means: str) -> Self:
        """Make a kind with what it means."""
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.means = means
        return kind

    WRITE_UNINTENDED = "write_without_intent", "An account was written to, and no intent says that it was allowed."
    CHANGE_UNBOOKED = "change_without_write", "The directory was changed for a turn, and no write is booked for it."
    INTENT_OPEN = "intent_without_outcome", "A call was intended, its turn is over, and nothing says what became of it."
    OUTCOME_UNINTENDED = "outcome_without_intent", "An outcome is on record, and the intent that it closes is not."
    OUTCOME_WITHOUT_EFFECT = "outcome_without_effect", "A write is on record as done, and no write is booked for it."
    CALL_UNPAID = "call_without_ledger_row", "The model answered a step of a turn, and the ledger has no call of it."
    CALL_UNSETTLED = "call_without_cost", "A model call has no cost long after its lease has ended."
    APPROVAL_UNRECORDED = "approval_without_record", "Something happened to an approval, and no record says so."
    APPROVAL_UNDONE = "record_without_approval", "A record tells of an approval what its history does not."
    HANDOFF_UNRECORDED = "handoff_without_record", "A handoff was moved, such as by a claim, and no record says so."
    HANDOFF_UNDONE = "record_without_handoff", "A record tells of a handoff what its history does not."
    ANSWER_UNSAID = "answer_without_message", "A turn ended with an answer, and there is no message with it."
    MESSAGE_UNEXPLAINED = (
        "message_without_turn",
        "Slack shows an answer to a turn that does not exist, is not over, or ended in another way.",
    )
    HANDOFF_UNSHOWN = "handoff_without_card", "A handoff was opened, and there is no card of it."


@dataclass(frozen=True, slots=True)
class Gap:
    """One row without its partner."""

    kind: GapKind
    what: str
    "The row: its table and its key."
    at: datetime
    "When it was written."
    ticket_id: int | None


Rows = Select[Any, Any, Any]
"A statement that returns rows with their key, their time and their ticket."
Look = Callable[[datetime], Rows]
"Returns the statement that finds the gaps of a kind among rows from before a time: key, time and ticket of each."


def find(
    session: Session, *, at: datetime, since: datetime | None = None, seen: Callable[[GapKind], None] = lambda _: None
) -> list[Gap]:
    """Return every gap, kind by kind, the oldest first.

    Args:
        session: reads all at one moment.
        at: now; rows of the last `GRACE` are left out.
        since: only rows that were written then or later.
        seen: is told of each kind once it has been looked for.
    """
    found: list[Gap] = []
    for kind, (table, look) in LOOKS.items():
        found += _rows(session, kind, table, look(at - GRACE), since)
        seen(kind)
    return found


def _rows(session: Session, kind: GapKind, table: str, query: Rows, since: datetime | None) -> Iterator[Gap]:
    key, written, _ = query.selected_columns
    bounded = query if since is None else query.where(written >= since)
    for row in session.execute(bounded.order_by(written, key)):
        yield Gap(kind, f"{table} {row[0]}", row[1], row[2])


def _number(row: Any, name: str) -> ColumnElement[int]:
    """Return a number of a record."""
    number: ColumnElement[int] = row.record[name].as_integer()
    return number


def _unintended_writes(before: datetime) -> Rows:
    intended = exists().where(
        AuditRow.ticket_id == AccountWrite.ticket_id,
        AuditRow.event == INTENDED,
        _number(AuditRow, "turn") == AccountWrite.turn_id,
        _number(AuditRow, "step") == AccountWrite.step,
    )
    query = select(AccountWrite.id, AccountWrite.at, AccountWrite.ticket_id)
    return query.where(AccountWrite.at < before, ~intended)


def _unbooked_changes(before: datetime) -> Rows:
    """Of changes that are a call's only one, or one of several, such as of each second factor that a reset removes."""
    call, key = _key_of(AccountWrite.turn_id, AccountWrite.step), DirectoryWrite.key
    up_to_last_colon = func.rtrim(key, func.replace(key, ":", ""))
    booked, booked_with_others = exists().where(call == key), exists().where(call + ":" == up_to_last_colon)
    query = select(key, DirectoryWrite.at, cast(literal(None), Integer))
    return query.where(DirectoryWrite.at < before, key.like("turn:%"), ~booked, ~booked_with_others)


def _open_intents(before: datetime) -> Rows:
    outcome = aliased(AuditRow)
    over = and_(Turn.state == TurnState.DONE, Turn.finished_at < before)
    query = select(AuditRow.seq, AuditRow.at, AuditRow.ticket_id).join(Turn, Turn.id == _number(AuditRow, "turn"))
    return query.where(AuditRow.event == INTENDED, over, ~exists().where(outcome.intent_id == AuditRow.seq))


def _unintended_outcomes(before: datetime) -> Rows:
    intent = aliased(AuditRow)
    query = select(AuditRow.seq, AuditRow.at, AuditRow.ticket_id)
    known = exists().where(intent.seq == AuditRow.intent_id)
    return query.where(AuditRow.at < before, AuditRow.intent_id.is_not(None), ~known)


def _outcomes_without_effect(before: datetime) -> Rows:
    """Of writes that the directory showed when it was read back: their outcome tells what it showed."""
    intent = aliased(AuditRow)
    booked = exists().where(
        AccountWrite.turn_id == _number(intent, "turn"),
        AccountWrite.step == _number(intent, "step"),
        AccountWrite.state != WriteState.REFUSED,
    )
    query = select(AuditRow.seq, AuditRow.at, AuditRow.ticket_id).join(intent, intent.seq == AuditRow.intent_id)
    wrote = AuditRow.record["agreement"].as_string().is_not(None)
    return query.where(AuditRow.at < before, AuditRow.event == FINISHED, wrote, ~booked)


def _unpaid_calls(before: datetime) -> Rows:
    paid = exists().where(LedgerRow.turn_id == Step.turn_id, LedgerRow.step == Step.seq)
    query = select(Step.id, Step.started_at, Turn.ticket_id).join(Turn, Turn.id == Step.turn_id)
    answered = and_(Step.kind == StepKind.MODEL, Step.status == StepStatus.OK)
    return query.where(Step.started_at < before, answered, ~paid)


def _unsettled_calls(before: datetime) -> Rows:
    query = select(LedgerRow.rid, LedgerRow.at, LedgerRow.ticket_id)
    return query.where(LedgerRow.state == LedgerState.SENT, LedgerRow.lease_until < before)


def _unrecorded_approvals(before: datetime) -> Rows:
    said = and_(
        AuditRow.ticket_id == Approval.ticket_id,
        AuditRow.event == literal("approval.") + cast(ApprovalMove.what, String),
        _number(AuditRow, "approval") == ApprovalMove.approval_id,
    )
    query = select(ApprovalMove.id, ApprovalMove.at, Approval.ticket_id)
    of = query.join(Approval, Approval.id == ApprovalMove.approval_id)
    return of.where(ApprovalMove.at < before, ~exists().where(said))


def _undone_approvals(before: datetime) -> Rows:
    done = exists().where(
        AuditRow.event == literal("approval.") + cast(ApprovalMove.what, String),
        ApprovalMove.approval_id == _number(AuditRow, "approval"),
    )
    query = select(AuditRow.seq, AuditRow.at, AuditRow.ticket_id)
    told = and_(AuditRow.event.like("approval.%"), AuditRow.event != "approval.refused")
    return query.where(AuditRow.at < before, told, ~done)


def _unrecorded_moves(before: datetime) -> Rows:
    """A handoff may be claimed more than once: each move has a record of its own."""
    earlier = aliased(HandoffMove)
    recorded = (
        select(func.count(AuditRow.seq))
        .where(
            AuditRow.ticket_id == Handoff.ticket_id,
            AuditRow.event == literal("handoff.") + cast(HandoffMove.move, String),
            _number(AuditRow, "handoff") == HandoffMove.handoff_id,
        )
        .correlate(Handoff, HandoffMove)
        .scalar_subquery()
    )
    like = and_(earlier.handoff_id == HandoffMove.handoff_id, earlier.move == HandoffMove.move)
    nth = select(func.count(earlier.id)).where(like, earlier.id <= HandoffMove.id).scalar_subquery()
    query = select(HandoffMove.id, HandoffMove.at, Handoff.ticket_id)
    return query.join(Handoff, Handoff.id == HandoffMove.handoff_id).where(HandoffMove.at < before, nth > recorded)


def _undone_moves(before: datetime) -> Rows:
    done = exists().where(
        AuditRow.event == literal("handoff.") + cast(HandoffMove.move, String),
        HandoffMove.handoff_id == _number(AuditRow, "handoff"),
    )
    told = and_(AuditRow.event.like("handoff.%"), AuditRow.event != "handoff.refused")
    query = select(AuditRow.seq, AuditRow.at, AuditRow.ticket_id)
    return query.where(AuditRow.at < before, told, ~done)


def _unsaid_answers(before: datetime) -> Rows:
    said = exists().where(
        Message.ticket_id == Turn.ticket_id, Message.turn_id == Turn.id, Message.kind == MessageKind.REPLY
    )
    query = select(Turn.id, Turn.finished_at, Turn.ticket_id)
    return query.where(Turn.finished_at < before, Turn.outcome == TurnOutcome.REPLY, ~said)


def _unexplained_messages(before: datetime) -> Rows:
    answered = exists().where(Turn.id == Message.turn_id, Turn.outcome == TurnOutcome.REPLY)
    query = select(Message.key, Message.created_at, Message.ticket_id)
    shown = and_(Message.kind == MessageKind.REPLY, Message.ts.is_not(None))
    return query.where(Message.created_at < before, shown, ~answered)


def _unshown_handoffs(before: datetime) -> Rows:
    card = exists().where(
        Message.ticket_id == Handoff.ticket_id, Message.handoff_id == Handoff.id, Message.kind == MessageKind.CARD
    )
    query = select(Handoff.id, Handoff.opened_at, Handoff.ticket_id)
    return query.where(Handoff.opened_at < before, ~card)


def _key_of(turn: Any, step: Any) -> ColumnElement[str]:
    """Return the key under which the directory keeps a turn's write: `steps.write_key` in SQL."""
    return literal("turn:") + cast(turn, String) + literal(":") + cast(step, String)


LOOKS: Final[dict[GapKind, tuple[str, Look]]] = {
    GapKind.WRITE_UNINTENDED: ("account_writes", _unintended_writes),
    GapKind.CHANGE_UNBOOKED: ("directory_writes", _unbooked_changes),
    GapKind.INTENT_OPEN: ("audit", _open_intents),
    GapKind.OUTCOME_UNINTENDED: ("audit", _unintended_outcomes),
    GapKind.OUTCOME_WITHOUT_EFFECT: ("audit", _outcomes_without_effect),
    GapKind.CALL_UNPAID: ("steps", _unpaid_calls),
    GapKind.CALL_UNSETTLED: ("ledger", _unsettled_calls),
    GapKind.APPROVAL_UNRECORDED: ("approval_moves", _unrecorded_approvals),
    GapKind.APPROVAL_UNDONE: ("audit", _undone_approvals),
    GapKind.HANDOFF_UNRECORDED: ("handoff_moves", _unrecorded_moves),
    GapKind.HANDOFF_UNDONE: ("audit", _undone_moves),
    GapKind.ANSWER_UNSAID: ("turns", _unsaid_answers),
    GapKind.MESSAGE_UNEXPLAINED: ("messages", _unexplained_messages),
    GapKind.HANDOFF_UNSHOWN: ("handoffs", _unshown_handoffs),
}
"By kind: the table whose rows have no partner, and how they are found."
