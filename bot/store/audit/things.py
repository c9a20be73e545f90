"""Finds what somebody wants to have explained: the ticket, turn, tool call or record that a name leads to. Reads only.

What a tool did leads to its call, what was said or paid in a turn to the turn, and everything else to its ticket.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.audit import records
from bot.store.schema import (
    Approval,
    AuditLink,
    AuditRow,
    DirectoryWrite,
    Handoff,
    InboxEvent,
    LedgerRow,
    Message,
    Step,
    StepKind,
    Ticket,
    Turn,
)


class NameKind(StrEnum):
    """As what a thing was named."""

    MESSAGE = "message"
    "A message in Slack."
    TICKET = "ticket"
    TURN = "turn"
    CALL = "call"
    "A step of a turn, by which the directory knows its change, too."
    APPROVAL = "approval"
    HANDOFF = "handoff"
    RECORD = "audit"
    "The number of an audit record."
    POSITION = "position"
    "The place of an audit record in the chain."
    NUMBER = "number"
    "A number of anything that has numbers."
    ID = "id"
    "The id of a model call in the ledger, or of a change in the directory."


@dataclass(frozen=True, slots=True)
class ThingName:
    """How somebody named a thing."""

    kind: NameKind
    number: int | None = None
    step: int | None = None
    channel: str | None = None
    ts: str | None = None
    thread_ts: str | None = None
    "The thread that a message is in, as its link says."
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """What can be explained."""

    name: str
    "By which it is found again, such as `turn:34:2`."
    ticket_id: int | None = None
    turn_id: int | None = None
    "None: the whole ticket is meant, or a record that belongs to no turn."
    step: int | None = None
    "The tool call of the turn; None: all of it is meant."
    record: int | None = None
    "The number of the audit record that was named."
    model_call: str | None = None
    "The id of the model call that was named."


_NUMBERED = (NameKind.TICKET, NameKind.TURN, NameKind.APPROVAL, NameKind.HANDOFF, NameKind.RECORD, NameKind.POSITION)


def find(session: Session, name: ThingName) -> list[Thing]:
    """Return everything that a name could mean, none of it twice."""
    match name.kind:
        case NameKind.MESSAGE:
            found = _of_message(session, name)
        case NameKind.NUMBER:
            each = (ThingName(kind, number=name.number) for kind in _NUMBERED)
            found = (thing for one in each for thing in find(session, one))
        case NameKind.ID:
            found = _of_id(session, str(name.text))
        case NameKind.CALL:
            found = _of_call(session, name.number, name.step)
        case _:
            found = _of_number(session, name)
    return list(dict.fromkeys(found))


def first_record(session: Session, name: ThingName) -> ThingName | None:
    """Return the name of the first audit record that is left, if a name may be of one that was sealed and removed."""
    first = records.first_left(session)
    if first is None or name.number is None:
        return None
    if name.kind is NameKind.POSITION and name.number < first.position:
        return ThingName(NameKind.POSITION, number=first.position)
    if name.kind in (NameKind.RECORD, NameKind.NUMBER) and name.number < first.audit_seq:
        return ThingName(NameKind.RECORD, number=first.audit_seq)
    return None


def _of_number(session: Session, name: ThingName) -> Iterator[Thing]:
    number = name.number
    match name.kind:
        case NameKind.TICKET if session.get(Ticket, number) is not None:
            yield Thing(f"ticket:{number}", number)
        case NameKind.TURN:
            yield from _of_turn(session, number)
        case NameKind.APPROVAL if (approval := session.get(Approval, number)) is not None:
            yield from _of_call(session, approval.turn_id, approval.step)
        case NameKind.HANDOFF if (handoff := session.get(Handoff, number)) is not None:
            yield Thing(f"ticket:{handoff.ticket_id}", handoff.ticket_id)
        case NameKind.RECORD if (row := session.get(AuditRow, number)) is not None:
            yield _of_record(session, row)
        case NameKind.POSITION if (link := session.get(AuditLink, number)) is not None:
            yield from _of_number(session, ThingName(NameKind.RECORD, number=link.audit_seq))
        case _:
            return


def _of_turn(session: Session, turn_id: int | None) -> Iterator[Thing]:
    turn = session.get(Turn, turn_id)
    if turn is not None:
        yield Thing(f"turn:{turn.id}", turn.ticket_id, turn.id)


def _of_call(session: Session, turn_id: int | None, step: int | None) -> Iterator[Thing]:
    one = select(Step.seq, Turn.ticket_id).join(Turn, Turn.id == Step.turn_id)
    for seq, ticket_id in session.execute(
        one.where(Step.turn_id == turn_id, Step.seq == step, Step.kind == StepKind.TOOL)
    ):
        yield Thing(f"turn:{turn_id}:{seq}", ticket_id, turn_id, seq)


def _of_record(session: Session, row: AuditRow) -> Thing:
    """Return the tool call of a record, or its turn, or the record itself with its ticket."""
    about: dict[str, Any] = row.record
    if row.intent_id is not None and (intent := session.get(AuditRow, row.intent_id)) is not None:
        about = intent.record
    if "approval" in about and (approval := session.get(Approval, about["approval"])) is not None:
        about = {"turn": approval.turn_id, "step": approval.step}
    for thing in _of_call(session, about.get("turn"), about.get("step")):
        return Thing(thing.name, thing.ticket_id, thing.turn_id, thing.step, record=row.seq)
    return Thing(f"audit:{row.seq}", row.ticket_id, about.get("turn"), record=row.seq)


def _of_message(session: Session, name: ThingName) -> Iterator[Thing]:
    for table in (InboxEvent, Message):
        here = select(table.turn_id, table.ticket_id).where(table.channel == name.channel, table.ts == name.ts)
        for turn_id, ticket_id in session.execute(here):
            if turn_id is not None:
                yield from _of_turn(session, turn_id)
            elif ticket_id is not None:
                yield Thing(f"ticket:{ticket_id}", ticket_id)
            else:
                continue
            return
    threads = [ts for ts in (name.ts, name.thread_ts) if ts is not None]
    there = select(Ticket.id).where(Ticket.channel == name.channel, Ticket.thread_ts.in_(threads))
    for ticket_id in session.scalars(there):
        yield Thing(f"ticket:{ticket_id}", ticket_id)


def _of_id(session: Session, text: str) -> Iterator[Thing]:
    call = session.get(LedgerRow, text)
    if call is not None:
        yield Thing(text, call.ticket_id, call.turn_id, model_call=text)
    write = session.get(DirectoryWrite, text)
    if write is not None and (known := write.key.split(":"))[0] == "turn":
        yield from _of_call(session, int(known[1]), int(known[2]))
