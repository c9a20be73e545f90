"""Which ticket a message belongs to, by its place in Slack. A thread is one ticket, no matter who writes in it.

The team of an event is ignored: a shared channel has the same id in every workspace, and its events may come from any
of them. In a direct conversation people do not start threads: what they write at its top level is one conversation.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, exists, false, func, or_, select, true
from sqlalchemy.orm import Session

from bot.store.schema import (
    TO_REQUESTER,
    FollowerState,
    InboxEvent,
    InboxKind,
    Message,
    Ticket,
    TicketState,
    Turn,
    TurnOutcome,
    TurnState,
    now,
)
from bot.store.sql import prebuilt

UNRESOLVED_FOR = timedelta(hours=24)
"A message belongs to an unresolved ticket this long after its last message: it may answer a question."
RESOLVED_FOR = timedelta(hours=1)
"A message belongs to a resolved ticket this long after its last message: it may be thanks, or a complaint."
AT_TOP = "at_top"
"Key in the detail of a message: it was written at the top level of the channel, not in its ticket's thread."
RETRIED = "retried"
"Key in the detail of a message: Slack delivered it when it had failed to before."
NEWEST = 20
"Number of a person's newest tickets that are considered."

_BEGAN_HERE = (Ticket.channel == bindparam("channel"), Ticket.thread_ts == bindparam("thread_ts"))
_BEGAN = select(Ticket).where(*_BEGAN_HERE).order_by(Ticket.id).limit(1)
_BEGUN = _BEGAN.with_only_columns(Ticket.id)
_HAS_NOT_BEGUN = ~exists().where(*_BEGAN_HERE)
_UNRESOLVED_HERE = (
    *(Ticket.channel == bindparam("channel"), ~Ticket.private, Ticket.requester == bindparam("user")),
    Ticket.state != TicketState.RESOLVED,
)
_UNRESOLVED = select(Ticket).where(*_UNRESOLVED_HERE).order_by(Ticket.id.desc()).limit(NEWEST)
_MET = select(
    exists().where(InboxEvent.channel == bindparam("channel"), InboxEvent.ts == bindparam("ts")),
    exists().where(*_UNRESOLVED_HERE),
)


@dataclass(frozen=True, slots=True)
class Met:
    """What a message of a person meets."""

    itself: bool
    "It was heard before."
    unresolved: bool
    "The person has an unresolved ticket in its channel, which may be their open request (`open_request`)."


def met(session: Session, channel: str, ts: str, user: str) -> Met:
    """Return what a message meets; its writer is locked, or others of theirs may come in between."""
    return Met(*prebuilt.rows(session, _MET, channel=channel, ts=ts, user=user).one())


def open_ticket(
    session: Session, *, team: str, channel: str, thread_ts: str, requester: str, private: bool, agent: str
) -> int | None:
    """Open the ticket of a thread and return its id; None: the thread has one."""
    thread: dict[str, object] = {"team": team, "channel": channel, "thread_ts": thread_ts, "private": private}
    given = {**thread, "requester": requester, "agent": agent, "state": TicketState.OPEN, "created_at": now()}
    insertion = prebuilt.insertion_if(session.get_bind().dialect.name, Ticket, tuple(given), _HAS_NOT_BEGUN)
    opened: int | None = prebuilt.rows(session, insertion, **given).scalar_one_or_none()
    return opened


def begun(session: Session, *, channel: str, thread_ts: str) -> int:
    """Return the id of the ticket that began with a thread."""
    return prebuilt.rows(session, _BEGUN, channel=channel, thread_ts=thread_ts).scalar_one()


def ticket_at(session: Session, channel: str, thread_ts: str) -> Ticket | None:
    """Return the ticket of a thread: the one that began with it, or the one that its root belongs to."""
    found = session.scalars(_BEGAN, {"channel": channel, "thread_ts": thread_ts}).one_or_none()
    if found is not None:
        return found
    here = Ticket.channel == channel
    roots = (
        select(Ticket)
        .join(InboxEvent, InboxEvent.ticket_id == Ticket.id)
        .where(here, *_at(InboxEvent, channel, thread_ts)),
        select(Ticket)
        .join(Message, Message.ticket_id == Ticket.id)
        .where(or_(here, _said_directly(channel)), *_at(Message, channel, thread_ts)),
    )
    for root in roots:
        found = session.scalars(root.order_by(Ticket.id).limit(1)).one_or_none()
        if found is not None:
            return found
    return None


def direct(session: Session, channel: str, user: str, *, agents: Collection[str] | None = None) -> Ticket | None:
    """Return the ticket that a message at the top level of a direct conversation belongs to; None: it opens a new one.

    A ticket that people have comes first, however old it is; then the one with the last message, if that is recent. A
    ticket of another channel counts if its messages were sent here because that channel could not take them.

    Args:
        session: the open transaction.
        channel: the direct conversation.
        user: who writes.
        agents: only tickets of these agents count; None: of all.
    """
    by_agent = true() if agents is None else Ticket.agent.in_(agents)
    sent_here = select(Message.ticket_id).where(_said_directly(channel))
    with_people = select(Ticket).where(
        Ticket.id.in_(sent_here), Ticket.requester == user, Ticket.state == TicketState.HANDED_OFF, by_agent
    )
    of_other_channel = session.scalars(with_people.order_by(Ticket.id.desc()).limit(1)).one_or_none()
    mine = select(Ticket).where(Ticket.channel == channel, Ticket.private, Ticket.requester == user, by_agent)
    newest = session.scalars(mine.order_by(Ticket.id.desc()).limit(NEWEST)).all()
    handed_off = [ticket for ticket in newest if ticket.state is TicketState.HANDED_OFF]
    if of_other_channel is not None and not (handed_off and handed_off[0].id > of_other_channel.id):
        return of_other_channel
    if handed_off:
        return handed_off[0]
    by_last_message = sorted(((last_message_at(session, ticket), ticket.id, ticket) for ticket in newest), reverse=True)
    for at, _, ticket in by_last_message[:1]:
        if now() - at < (RESOLVED_FOR if ticket.state is TicketState.RESOLVED else UNRESOLVED_FOR):
            return ticket
    return None


def is_unread(session: Session, ticket: Ticket) -> bool:
    """Return whether a ticket was opened in a thread that others had started and that has not been read yet."""
    if ticket.private or ticket.state is not TicketState.OPEN:
        return False
    root = select(InboxEvent.id).where(InboxEvent.channel == ticket.channel, InboxEvent.ts == ticket.thread_ts)
    return session.scalars(root).one_or_none() is None and not has_ended_turn(session, ticket)


def has_ended_turn(session: Session, ticket: Ticket) -> bool:
    """Return whether a turn of a ticket has ended with an outcome, and was not only withdrawn."""
    ended = select(Turn.id).where(
        Turn.ticket_id == ticket.id,
        Turn.outcome.in_((TurnOutcome.REPLY, TurnOutcome.HANDOFF, TurnOutcome.REFUSED, TurnOutcome.LINKED)),
    )
    return session.scalars(ended.limit(1)).one_or_none() is not None


def open_request(session: Session, channel: str, user: str) -> Ticket | None:
    """Return the open request that a message at the top level of a channel belongs to; None: it opens a new one.

    A ticket that people have counts however old it is. A ticket of the agent counts while a turn is under way, and
    after that for an hour; for a day if it waits for the directory, because a link that was sent may not have come; and
    as long as it waits for a surge.
    """
    newest = session.scalars(_UNRESOLVED, {"channel": channel, "user": user}).all()
    handed_off = [ticket for ticket in newest if ticket.state is TicketState.HANDED_OFF]
    if handed_off:
        return handed_off[0]
    return next((ticket for ticket in newest[:1] if _goes_on(session, ticket)), None)


def _goes_on(session: Session, ticket: Ticket) -> bool:
    last = session.scalars(select(Turn).where(Turn.ticket_id == ticket.id).order_by(Turn.id.desc()).limit(1)).first()
    if last is None or last.state is not TurnState.DONE or ticket.following is FollowerState.WAITING:
        return True
    return now() - last_message_at(session, ticket) < (RESOLVED_FOR if last.category is None else UNRESOLVED_FOR)


def shown_above(session: Session, message: Message) -> dict[str, bool]:
    """Return the argument that shows a message at the top level too, if the requester last wrote there directly."""
    if message.ts is not None or message.thread_ts is None or not message.channel.startswith("D"):
        return {}
    last = select(InboxEvent).where(InboxEvent.ticket_id == message.ticket_id, InboxEvent.kind == InboxKind.MESSAGE)
    word = session.scalars(last.order_by(InboxEvent.id.desc()).limit(1)).one_or_none()
    return {"reply_broadcast": True} if word is not None and word.detail.get(AT_TOP) else {}


def _said_directly(channel: str) -> ColumnElement[bool]:
    """Return the condition of messages to a requester in their direct conversation."""
    return and_(Message.channel == channel, Message.kind.in_(TO_REQUESTER)) if channel.startswith("D") else false()


def _at(table: type[InboxEvent | Message], channel: str, ts: str) -> tuple[ColumnElement[bool], ...]:
    return table.channel == channel, table.ts == ts


def last_message_at(session: Session, ticket: Ticket) -> datetime:
    """Return when the last message of a ticket was written, by anybody."""
    heard = session.scalars(select(func.max(InboxEvent.received_at)).where(InboxEvent.ticket_id == ticket.id)).one()
    said = session.scalars(select(func.max(Message.created_at)).where(Message.ticket_id == ticket.id)).one()
    return max(at for at in (ticket.created_at, heard, said) if at is not None)
