"""From a message to the ticket and turn it belongs to.

A message is accepted once, however often and under however many event ids Slack delivers it. Once
the ticket's turn has begun it is parked, and folded into the next turn; while a person has the ticket
it is theirs. The ticket row is locked throughout, so that messages, claims and endings take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from bot.principals import NoRequest
from bot.store import audit, db
from bot.store.schema import (
    Departed,
    InboxEvent,
    InboxKind,
    InboxState,
    Ticket,
    TicketState,
    Turn,
    TurnState,
    now,
)
from bot.store.tickets import quotes, shares, threads
from bot.store.tickets.quotes import Quoted


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message."""

    name: str
    link: str | None
    "Where it is in Slack, for those who may see the conversation that it was sent in."


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as Slack delivered it; a requester's is redacted before it is accepted."""

    event_id: str
    team: str
    channel: str
    ts: str
    thread_ts: str | None
    user: str
    text: str
    files: tuple[Attachment, ...]
    private: bool
    "Said in a direct message."
    quoted: tuple[Quoted, ...] = ()
    "What came with it and others wrote."
    spoken: str = ""
    "The part of the text that is the transcript of a clip: it comes with the file."


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a message.

    `turn_id` is the turn to queue; None when it was known already, is parked behind a running turn,
    or goes to the person who has the ticket (`handed_off`), or its turn is held back until others of the
    same person have ended. A thread is one requester's: of two who
    were first at the same moment the second is a `bystander`, and nothing of theirs is kept.
    """

    event: InboxEvent
    ticket_id: int
    turn_id: int | None
    handed_off: bool = False
    bystander: bool = False
    held_back: bool = False


def accept(
    session: Session, heard: Heard, *, agent: str, at_once: int | None = None, joins: int | None = None
) -> Accepted | None:
    """Keep a message, find or open its ticket, and say which turn to queue.

    Args:
        session: the open write transaction; with `at_once` it has locked the person (`bot.store.tickets.shares`).
        heard: the message.
        agent: whose ticket it is, when it opens one.
        at_once: the most turns of one person that may be under way; None: any number.
        joins: the ticket that it belongs to; None: the one of its thread.

    Returns:
        None when this message was accepted before, under this event id or another.
    """
    at_top = {threads.AT_TOP: True} if joins is not None and heard.thread_ts is None else {}
    event_id = db.insert_new(
        session,
        InboxEvent,
        event_id=heard.event_id,
        kind=InboxKind.MESSAGE,
        team=heard.team,
        channel=heard.channel,
        ts=heard.ts,
        user=heard.user,
        text=heard.text,
        files=stored(heard),
        detail={**at_top, **quotes.kept(heard.quoted)},
    )
    if event_id is None:
        return None
    ticket = _ticket(session, heard, agent=agent) if joins is None else lock(session, joins)
    event = session.get_one(InboxEvent, event_id)
    if ticket.requester != heard.user:
        session.delete(event)
        return Accepted(event, ticket.id, None, bystander=True)
    event.ticket_id = ticket.id
    if ticket.state is TicketState.RESOLVED:
        ticket.state = TicketState.OPEN
    if ticket.state is TicketState.HANDED_OFF:
        event.state = InboxState.RELAYED
        return Accepted(event, ticket.id, None, handed_off=True)
    turn = to_answer(session, ticket, event, at_once=at_once)
    held_back = turn is not None and turn.held_back
    return Accepted(event, ticket.id, None if turn is None or held_back else turn.id, held_back=held_back)


def to_answer(session: Session, ticket: Ticket, event: InboxEvent, *, at_once: int | None) -> Turn | None:
    """Give a message to the turn that answers it, opened where there is none; None when it waits for one to end.

    Args:
        session: the open write transaction, which has locked the ticket.
        ticket: of the agent's.
        event: the message.
        at_once: the most turns of one person that may be under way; None: any number.
    """
    turn = active(session, ticket.id)
    if turn is not None and has_begun(turn):
        event.turn_id, event.state = None, InboxState.PARKED
        return None
    if turn is None:
        full = at_once is not None and shares.under_way(session, ticket.team, ticket.requester) >= at_once
        turn = open_turn(session, ticket.id, held_back=full)
    event.turn_id, event.state = turn.id, InboxState.ACCEPTED
    return turn


def active(session: Session, ticket_id: int) -> Turn | None:
    """Return the ticket's turn that is not done, held so that no attempt begins before this message is in it."""
    query = select(Turn).where(Turn.ticket_id == ticket_id, Turn.state != TurnState.DONE)
    return session.scalars(query.with_for_update(key_share=True)).one_or_none()


def has_begun(turn: Turn) -> bool:
    """Say if an attempt may have read its messages: what it finished is replayed, so none may join later."""
    return turn.attempt > 0


def find(session: Session, ticket_id: int) -> Ticket | None:
    """Return a ticket."""
    return session.get(Ticket, ticket_id)


def read(session: Session, ticket_id: int) -> Ticket:
    """Return a ticket that is there."""
    return session.get_one(Ticket, ticket_id)


def read_again(session: Session, ticket: Ticket) -> None:
    """Bring a ticket up to what its row says now: others may have changed it before it was locked."""
    session.refresh(ticket)


def has_words_left(session: Session, ticket_id: int) -> bool:
    """Say if a word of the requester still stands."""
    query = select(InboxEvent.id).where(
        InboxEvent.ticket_id == ticket_id,
        InboxEvent.kind == InboxKind.MESSAGE,
        InboxEvent.state != InboxState.WITHDRAWN,
    )
    return session.scalars(query.limit(1)).one_or_none() is not None


def answered(session: Session, *, days: int = 7) -> Sequence[Ticket]:
    """Return tickets whose last turn stated that it helped, and which the directory has not yet confirmed.

    Nothing is looked up for who has left the workspace meanwhile.
    """
    since = now() - timedelta(days=days)
    later = aliased(Turn)
    query = (
        select(Ticket)
        .join(Turn, Turn.ticket_id == Ticket.id)
        .where(Ticket.state == TicketState.OPEN, Ticket.account.is_not(None), Ticket.created_at > since)
        .where(Turn.state == TurnState.DONE, Turn.category.is_not(None))
        .where(~exists().where(later.ticket_id == Ticket.id, later.id > Turn.id))
        .where(~exists().where(Departed.user == Ticket.requester))
    )
    return session.scalars(query.order_by(Ticket.id).limit(1000)).all()


def close(session: Session, ticket_id: int, *, by: str) -> None:
    """Close an answered ticket: the directory agrees now."""
    ticket = lock(session, ticket_id)
    if ticket.state is not TicketState.OPEN:
        return
    ticket.state, ticket.resolved_at = TicketState.RESOLVED, now()
    audit.append(
        session,
        "ticket.resolved",
        actor=by,
        subject=ticket.requester,
        ticket_id=ticket.id,
        category=ticket.category,
    )


def withdraw(ticket: Ticket) -> None:
    """Close a ticket of the agent's of which its requester has taken back every word."""
    ticket.state, ticket.category = TicketState.RESOLVED, ticket.category or NoRequest.WITHDRAWN


def lock(session: Session, ticket_id: int) -> Ticket:
    """Hold the ticket for this transaction: messages, claims and endings of one ticket take turns."""
    return session.get_one(Ticket, ticket_id, with_for_update=True, populate_existing=True)


def stored(heard: Heard) -> list[dict[str, str | None]]:
    """Return the attachments of a message as its row keeps them."""
    return [{"name": file.name, "link": file.link} for file in heard.files]


def open_turn(session: Session, ticket_id: int, *, held_back: bool = False) -> Turn:
    """Add a waiting turn to a ticket that has none under way."""
    turn = Turn(ticket_id=ticket_id, held_back=held_back, queued_at=None if held_back else now())
    session.add(turn)
    session.flush()
    return turn


def _ticket(session: Session, heard: Heard, *, agent: str) -> Ticket:
    """Return the ticket of the thread that a message is in or begins, locked; it is opened where there is none."""
    thread_ts = heard.thread_ts or heard.ts
    begun = select(Ticket.id).where(Ticket.channel == heard.channel, Ticket.thread_ts == thread_ts)
    found = session.scalars(begun.order_by(Ticket.id).limit(1)).one_or_none()
    if found is None:
        db.insert_new(
            session,
            Ticket,
            team=heard.team,
            channel=heard.channel,
            thread_ts=thread_ts,
            private=heard.private,
            requester=heard.user,
            agent=agent,
            state=TicketState.OPEN,
            created_at=now(),
        )
        found = session.scalars(begun.order_by(Ticket.id).limit(1)).one()
    return lock(session, found)
