"""Messages in a ticket's thread that are no request to the agent: said to somebody else, or before it was called.

They are background for the model and for people. One becomes a request if it turns out to be the requester's own.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import InboxEvent, InboxKind, InboxState, Ticket
from bot.store.tickets import quotes, ticket_messages, tickets
from bot.store.tickets.tickets import Heard

ASIDE = "aside"
"Key in the detail of an event: it was said to somebody else."


def keep(
    session: Session, ticket: Ticket, heard: Heard, *, detail: dict[str, Any] | None = None, **more: Any
) -> InboxEvent | None:
    """Store a message of a ticket's thread that is no request; return None if it is known."""
    values: dict[str, Any] = {
        "event_id": heard.event_id,
        "kind": InboxKind.OVERHEARD,
        "team": heard.team,
        "channel": heard.channel,
        "ts": heard.ts,
    }
    values |= {"user": heard.user, "text": heard.text, "files": tickets.stored(heard), "ticket_id": ticket.id}
    detail = {**(detail or {}), **quotes.kept(heard.quoted)}
    event_id = db.insert_new(session, InboxEvent, **values, detail=detail, **more)
    return None if event_id is None else session.get_one(InboxEvent, event_id)


def give(session: Session, ticket: Ticket, to: str) -> None:
    """Make a ticket the request of another person; what its requester said so far becomes background."""
    of = select(InboxEvent).where(InboxEvent.ticket_id == ticket.id, InboxEvent.kind == InboxKind.MESSAGE)
    for event in session.scalars(of.where(InboxEvent.user == ticket.requester)):
        event.kind, event.turn_id = InboxKind.OVERHEARD, None
        event.state = InboxState.ACCEPTED if event.state is InboxState.PARKED else event.state
    ticket.requester, ticket.account = to, None
    session.flush()


def turn_into_requests(session: Session, ticket: Ticket) -> Sequence[InboxEvent]:
    """Turn what a ticket's requester said in its thread before the agent was called into requests, and return it.

    What they said to somebody else there stays background, except the thread's root.
    """
    of = select(InboxEvent).where(InboxEvent.ticket_id == ticket.id, InboxEvent.kind == InboxKind.OVERHEARD)
    mine = of.where(InboxEvent.user == ticket.requester, InboxEvent.state != InboxState.WITHDRAWN).order_by(
        InboxEvent.ts
    )
    own = [one for one in session.scalars(mine) if one.ts == ticket.thread_ts or not one.detail.get(ASIDE)]
    for event in own:
        event.kind = InboxKind.MESSAGE
    session.flush()
    return own


def forget(session: Session, channel: str, ts: str) -> bool:
    """Drop a responder's message that a worker read in its thread before its event came.

    Returns:
        True if it is known as something else than overheard: then Slack delivers it a second time.
    """
    known = ticket_messages.heard_at(session, channel, ts)
    if known is not None and known.kind == InboxKind.OVERHEARD:
        session.delete(known)
        session.flush()
        return False
    return known is not None
