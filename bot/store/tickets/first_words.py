"""How requests began, in their requesters' own words, with later edits applied."""

from collections.abc import Collection

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from bot.store.schema import InboxEvent, InboxKind, InboxState, Ticket

MESSAGES = 5
"Number of a ticket's first messages that are read."
ENOUGH_CHARACTERS = 15
"A shorter beginning, such as a greeting, is followed by the next message."


def of(session: Session, ticket_ids: Collection[int]) -> dict[int, str]:
    """Return how tickets began, by ticket id; a ticket without a message of its requester is left out."""
    order = (InboxEvent.received_at, InboxEvent.id)
    place = func.row_number().over(partition_by=InboxEvent.ticket_id, order_by=order).label("place")
    messages = (
        select(InboxEvent.ticket_id, InboxEvent.text, place)
        .join(Ticket, and_(Ticket.id == InboxEvent.ticket_id, Ticket.requester == InboxEvent.user))
        .where(InboxEvent.ticket_id.in_(ticket_ids), InboxEvent.text != "")
        .where(InboxEvent.kind == InboxKind.MESSAGE, InboxEvent.state != InboxState.WITHDRAWN)
        .subquery()
    )
    found: dict[int, str] = {}
    query = select(messages).where(messages.c.place <= MESSAGES).order_by(messages.c.ticket_id, messages.c.place)
    for ticket_id, text, _ in session.execute(query):
        before = found.get(ticket_id, "")
        if len(before) < ENOUGH_CHARACTERS:
            found[ticket_id] = f"{before}\n{text}".strip()
    return found
