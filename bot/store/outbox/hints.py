"""Short messages that only one person sees, about a message of theirs: one for each, and a few an hour.

The limit keeps us from answering a flood of messages with a flood of our own.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.outbox import messages
from bot.store.schema import Message, MessageKind, MessageOp, now
from bot.store.tickets.tickets import Heard

HOUR = timedelta(hours=1)


def add(
    session: Session, heard: Heard, body: dict[str, Any], *, what: MessageKind, most: int, ticket_id: int | None = None
) -> bool:
    """Store a hint about a message; return False if its writer has had enough hints.

    Args:
        session: a transaction that has locked the person.
        heard: the message; nothing else of it is stored.
        body: the text and blocks of the hint.
        what: the kind of hint; each kind has its own limit.
        most: the most hints of this kind that one person gets within an hour.
        ticket_id: the ticket of their request, if they have one.
    """
    lane = f"{what}:{heard.team}:{heard.user}"
    earlier = select(Message.created_at).where(Message.lane == lane).order_by(Message.id.desc())
    oldest = session.scalars(earlier.offset(most - 1).limit(1)).one_or_none()
    if oldest is not None and oldest > now() - HOUR:
        return False
    added = messages.add(
        session,
        key=f"{what}:{heard.channel}:{heard.ts}",
        kind=what,
        op=MessageOp.EPHEMERAL,
        lane=lane,
        channel=heard.channel,
        user=heard.user,
        body=body,
        ticket_id=ticket_id,
    )
    return added is not None
