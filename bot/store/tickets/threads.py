"""Which ticket a message belongs to, by where in Slack it is said. A thread is one ticket, whoever writes in it.

The team of an event plays no part: a channel that is shared bears one id in every workspace, and what is said there
may come under any of their teams. In a direct conversation people do not begin threads: what they write at its top
level, one line below the other, is one conversation.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import Session

from bot.store.schema import (
    TO_REQUESTER,
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

TALK = timedelta(hours=24)
"How long after its last word a direct conversation goes on: until then somebody may answer a question."
"The kind of what was said in a ticket's thread to somebody else, or before the agent was called."
AT_TOP = "at_top"
"In the detail of a message: it goes on with a ticket from the top level of the channel, not from its thread."
AFTERWARDS = timedelta(hours=1)
"The same once it is resolved: what is written until then may be thanks, or that it did not help."
LOOKED_AT = 20
"Tickets of one direct conversation, the newest, among which is looked."


def ticket_at(session: Session, channel: str, thread_ts: str) -> Ticket | None:
    """Return the ticket of a thread: the one that it began, or the one that its root belongs to."""
    began = select(Ticket).where(Ticket.channel == channel, Ticket.thread_ts == thread_ts)
    found = session.scalars(began.order_by(Ticket.id).limit(1)).one_or_none()
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
    """Return the ticket that a line at the top level of a direct conversation belongs to; None when it opens one.

    What people have, they get, however long ago; else it is the last one that was talked of, while it is fresh. Where
    its own channel is closed, what is said in a ticket stands here, and so do the answers.

    Args:
        session: the open transaction.
        channel: the direct conversation.
        user: who writes.
        agents: only tickets of these agents count; None: of all.
    """
    of = true() if agents is None else Ticket.agent.in_(agents)
    told = select(Message.ticket_id).where(_said_directly(channel))
    with_people = select(Ticket).where(
        Ticket.id.in_(told), Ticket.requester == user, Ticket.state == TicketState.HANDED_OFF, of
    )
    elsewhere = session.scalars(with_people.order_by(Ticket.id.desc()).limit(1)).one_or_none()
    mine = select(Ticket).where(Ticket.channel == channel, Ticket.private, Ticket.requester == user, of)
    newest = session.scalars(mine.order_by(Ticket.id.desc()).limit(LOOKED_AT)).all()
    handed_off = [ticket for ticket in newest if ticket.state is TicketState.HANDED_OFF]
    if elsewhere is not None and not (handed_off and handed_off[0].id > elsewhere.id):
        return elsewhere
    if handed_off:
        return handed_off[0]
    talked_of = sorted(((_last_word(session, ticket), ticket.id, ticket) for ticket in newest), reverse=True)
    for at, _, ticket in talked_of[:1]:
        if now() - at < (AFTERWARDS if ticket.state is TicketState.RESOLVED else TALK):
            return ticket
    return None


def is_unread(session: Session, ticket: Ticket) -> bool:
    """Return whether a ticket was opened by a word in a thread that others had begun, which has not been read yet."""
    if ticket.private or ticket.state is not TicketState.OPEN:
        return False
    root = select(InboxEvent.id).where(InboxEvent.channel == ticket.channel, InboxEvent.ts == ticket.thread_ts)
    return session.scalars(root).one_or_none() is None and not has_ended_turn(session, ticket)


def has_ended_turn(session: Session, ticket: Ticket) -> bool:
    """Return whether a turn of a ticket has come to its own end, and was not only ended."""
    ended = select(Turn.id).where(
        Turn.ticket_id == ticket.id, Turn.outcome.in_((TurnOutcome.REPLY, TurnOutcome.HANDOFF, TurnOutcome.REFUSED))
    )
    return session.scalars(ended.limit(1)).one_or_none() is not None


def asked(session: Session, channel: str, user: str) -> Ticket | None:
    """Return the open request that a message at the top level of a channel belongs to; None when it opens one.

    What people have they get, however long ago. What the agent has is open while it is at work on it, and then for as
    long as they may still answer it; what waits for the directory, for longer: a link that was sent may not have come.
    """
    mine = select(Ticket).where(Ticket.channel == channel, ~Ticket.private, Ticket.requester == user)
    unresolved = mine.where(Ticket.state != TicketState.RESOLVED).order_by(Ticket.id.desc()).limit(LOOKED_AT)
    newest = session.scalars(unresolved).all()
    handed_off = [ticket for ticket in newest if ticket.state is TicketState.HANDED_OFF]
    if handed_off:
        return handed_off[0]
    return next((ticket for ticket in newest[:1] if _is_talked_of(session, ticket)), None)


def _is_talked_of(session: Session, ticket: Ticket) -> bool:
    last = session.scalars(select(Turn).where(Turn.ticket_id == ticket.id).order_by(Turn.id.desc()).limit(1)).first()
    if last is None or last.state is not TurnState.DONE:
        return True
    return now() - _last_word(session, ticket) < (AFTERWARDS if last.category is None else TALK)


def shown_above(session: Session, message: Message) -> dict[str, bool]:
    """Return what lets a message be seen at the top level too: in a direct conversation that goes on there."""
    if message.ts is not None or message.thread_ts is None or not message.channel.startswith("D"):
        return {}
    last = select(InboxEvent).where(InboxEvent.ticket_id == message.ticket_id, InboxEvent.kind == InboxKind.MESSAGE)
    word = session.scalars(last.order_by(InboxEvent.id.desc()).limit(1)).one_or_none()
    return {"reply_broadcast": True} if word is not None and word.detail.get(AT_TOP) else {}


def _said_directly(channel: str) -> ColumnElement[bool]:
    """Return what holds of messages to a requester that stand in their direct conversation."""
    return and_(Message.channel == channel, Message.kind.in_(TO_REQUESTER)) if channel.startswith("D") else false()


def _at(table: type[InboxEvent | Message], channel: str, ts: str) -> tuple[ColumnElement[bool], ...]:
    return table.channel == channel, table.ts == ts


def _last_word(session: Session, ticket: Ticket) -> datetime:
    """Return when something was last said in a ticket, by anyone."""
    heard = session.scalars(select(func.max(InboxEvent.received_at)).where(InboxEvent.ticket_id == ticket.id)).one()
    said = session.scalars(select(func.max(Message.created_at)).where(Message.ticket_id == ticket.id)).one()
    return max(at for at in (ticket.created_at, heard, said) if at is not None)
