"""From a message to the ticket and turn that it belongs to.

A message is accepted once, however often and under however many event ids Slack delivers it. If the ticket's turn has
begun, the message is parked and goes to the next turn; while people have the ticket, it is for them. The ticket row is
locked throughout, so that messages, claims and endings come one after another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, delete, exists, select
from sqlalchemy.orm import Session, aliased

from bot.principals import NoRequest
from bot.store import audit
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
from bot.store.sql import new_rows, prebuilt
from bot.store.tickets import quotes, shares, threads
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.shares import NewTurn

_LOCK = (
    select(Ticket).where(Ticket.id == bindparam("ticket")).with_for_update().execution_options(populate_existing=True)
)
_LOCKED = "locked tickets"
"The key in a session's info under which the tickets are kept that `lock` has locked: a session is one transaction."
_HOLD = select(Ticket.id).where(Ticket.id == bindparam("ticket")).with_for_update()
_ACTIVE = (
    select(Turn)
    .where(Turn.ticket_id == bindparam("ticket"), Turn.state != TurnState.DONE)
    .with_for_update(key_share=True)
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message."""

    name: str
    link: str | None
    "Address of the file in Slack, for people who may see its conversation."


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
    "It is a direct message."
    quoted: tuple[Quoted, ...] = ()
    "Texts of others that came with it."
    spoken: str = ""
    "The part of the text that is the transcript of a clip."
    retried: bool = False
    "Slack had tried to deliver it before."


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a message.

    `turn_id` is the turn to queue. It is None if the message is parked behind a running turn, is for the people with
    the ticket (`handed_off`), or belongs to a turn that is held back until others of the same person end. A thread has
    one requester: of two who write first at the same moment the second is a `bystander`, and their message is dropped.
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
    """Store a message, find or open its ticket, and return which turn to queue.

    Args:
        session: the open write transaction; with `at_once` it has locked the person (`bot.store.tickets.shares`).
        heard: the message.
        agent: the agent of a ticket that it opens.
        at_once: the most turns of one person that may be under way; None: any number.
        joins: id of the ticket that it belongs to; None: the ticket of its thread.

    Returns:
        None if this message was accepted before, under this event id or another.
    """
    place = {"channel": heard.channel, "thread_ts": heard.thread_ts or heard.ts}
    if joins is None:
        opened = threads.open_ticket(
            session, **place, team=heard.team, requester=heard.user, private=heard.private, agent=agent
        )
        if opened is not None:
            return _first(session, opened, heard, at_once=at_once)
    event = _event(session, heard, at_top=joins is not None and heard.thread_ts is None)
    if event is None:
        return None
    ticket = lock(session, threads.begun(session, **place) if joins is None else joins)
    if ticket.requester != heard.user:
        session.delete(event)
        return Accepted(event, ticket.id, None, bystander=True)
    if ticket.state is TicketState.RESOLVED:
        ticket.state = TicketState.OPEN
    if ticket.state is TicketState.HANDED_OFF:
        event.ticket_id, event.state = ticket.id, InboxState.RELAYED
        return Accepted(event, ticket.id, None, handed_off=True)
    turn = to_answer(session, ticket, event, at_once=at_once)
    event.ticket_id = ticket.id  # now, so that one statement stores ticket and turn
    held_back = turn is not None and turn.held_back
    return Accepted(event, ticket.id, None if turn is None or held_back else turn.id, held_back=held_back)


def to_answer(session: Session, ticket: Ticket, event: InboxEvent, *, at_once: int | None) -> Turn | NewTurn | None:
    """Assign a message to the turn that answers it, opening one if needed; None: it waits for the running turn to end.

    Args:
        session: the open write transaction, which has locked the ticket.
        ticket: a ticket that the agent has.
        event: the message.
        at_once: the most turns of one person that may be under way; None: any number.
    """
    known = active(session, ticket.id)
    if known is not None and has_begun(known):
        event.turn_id, event.state = None, InboxState.PARKED
        return None
    turn = known or shares.open_turn(session, ticket.id, ticket.team, ticket.requester, at_once=at_once)
    event.turn_id, event.state = turn.id, InboxState.ACCEPTED
    return turn


def active(session: Session, ticket_id: int) -> Turn | None:
    """Return the ticket's turn that is not done, locked, so that no attempt begins before this message is added."""
    return session.scalars(_ACTIVE, {"ticket": ticket_id}).one_or_none()


def has_begun(turn: Turn) -> bool:
    """Return whether an attempt has read the turn's messages: its steps are replayed, so no message may join later."""
    return turn.attempt > 0


def find(session: Session, ticket_id: int) -> Ticket | None:
    """Return a ticket, or None."""
    return session.get(Ticket, ticket_id)


def read(session: Session, ticket_id: int) -> Ticket:
    """Return an existing ticket."""
    return session.get_one(Ticket, ticket_id)


def read_again(session: Session, ticket: Ticket) -> None:
    """Reload a ticket: others may have changed it before it was locked."""
    session.refresh(ticket)


def has_words_left(session: Session, ticket_id: int) -> bool:
    """Return whether the requester has a message that is not deleted."""
    query = select(InboxEvent.id).where(
        InboxEvent.ticket_id == ticket_id,
        InboxEvent.kind == InboxKind.MESSAGE,
        InboxEvent.state != InboxState.WITHDRAWN,
    )
    return session.scalars(query.limit(1)).one_or_none() is not None


def awaiting_confirmation(session: Session, *, days: int = 7) -> Sequence[Ticket]:
    """Return tickets that the agent resolved in their last turn and the directory has not confirmed yet.

    Tickets of people who have left the workspace are left out.
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
    """Close a ticket that the directory has confirmed."""
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
    """Close a ticket of the agent whose requester deleted every message."""
    ticket.state, ticket.category = TicketState.RESOLVED, ticket.category or NoRequest.WITHDRAWN


def lock(session: Session, ticket_id: int) -> Ticket:
    """Lock a ticket for this transaction, so that its messages, claims and endings come one after another."""
    ticket = session.scalars(_LOCK, {"ticket": ticket_id}).one()
    session.info.setdefault(_LOCKED, set()).add(ticket_id)
    if ticket.words_erased_at is not None:
        ticket.words_erased_at = None  # whoever locks it may add words, which retention has to look for again
    return ticket


def hold(session: Session, ticket_id: int) -> None:
    """Lock a ticket without reading it, unless `lock` has locked it in this transaction."""
    if ticket_id not in session.info.get(_LOCKED, ()):
        prebuilt.rows(session, _HOLD, ticket=ticket_id).one()


def stored(heard: Heard) -> list[dict[str, str | None]]:
    """Return the attachments of a message as its row stores them."""
    return [{"name": file.name, "link": file.link} for file in heard.files]


def open_turn(session: Session, ticket_id: int) -> Turn:
    """Add a waiting turn to a ticket that has none under way, however many its requester has."""
    turn = Turn(ticket_id=ticket_id, held_back=False, queued_at=now())
    session.add(turn)
    session.flush()
    return turn


def _first(session: Session, ticket_id: int, heard: Heard, *, at_once: int | None) -> Accepted | None:
    """Store the first message of a new ticket, with its turn; other transactions cannot see these yet: no lock."""
    turn = shares.open_turn(session, ticket_id, heard.team, heard.user, at_once=at_once)
    event = _event(session, heard, ticket_id=ticket_id, turn_id=turn.id)
    if event is None:
        session.execute(delete(Turn).where(Turn.id == turn.id))
        session.execute(delete(Ticket).where(Ticket.id == ticket_id))
        return None
    return Accepted(event, ticket_id, None if turn.held_back else turn.id, held_back=turn.held_back)


def _event(session: Session, heard: Heard, *, at_top: bool = False, **place: int) -> InboxEvent | None:
    """Store a message; None if it was stored before, under this event id or another."""
    known = {threads.AT_TOP: at_top, threads.RETRIED: heard.retried}
    return new_rows.insert(
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
        detail={**{key: True for key, holds in known.items() if holds}, **quotes.kept(heard.quoted)},
        state=InboxState.ACCEPTED,
        received_at=now(),
        **place,
    )
