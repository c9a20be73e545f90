"""How requests began, in their requesters' own words, as Slack has them now."""

from collections.abc import Collection

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from bot.store.schema import InboxEvent, InboxKind, InboxState, Ticket

MESSAGES = 5
"The first ones of a ticket, among which is looked."
TELLING = 15
"Characters that say something: a greeting, or half a sentence, goes on with the message after it."


def of(session: Session, ticket_ids: Collection[int]) -> dict[int, str]:
    """Return how tickets began, by their ids; one of whose requester no written word is left is not among them."""
    order = (InboxEvent.received_at, InboxEvent.id)
    place = func.row_number().over(partition_by=InboxEvent.ticket_id, order_by=order).label("place")
    said = (
        select(InboxEvent.ticket_id, InboxEvent.text, place)
        .join(Ticket, and_(Ticket.id == InboxEvent.ticket_id, Ticket.requester == InboxEvent.user))
        .where(InboxEvent.ticket_id.in_(ticket_ids), InboxEvent.text != "")
        .where(InboxEvent.kind == InboxKind.MESSAGE, InboxEvent.state != InboxState.WITHDRAWN)
        .subquery()
    )
    found: dict[int, str] = {}
    query = select(said).where(said.c.place <= MESSAGES).order_by(said.c.ticket_id, said.c.place)
    for ticket_id, text, _ in session.execute(query):
        before = found.get(ticket_id, "")
        if len(before) < TELLING:
            found[ticket_id] = f"{before}\n{text}".strip()
    return found
