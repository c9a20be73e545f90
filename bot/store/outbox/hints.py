"""Short words to one person alone about a message of theirs: one a message, and a few an hour.

A flood is not answered by one of ours.
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
    """Store what somebody is told about a message; say if it is to be said.

    Args:
        session: a transaction that has locked the person.
        heard: the message, of which nothing else is kept.
        body: the words.
        what: what kind of words, of which each has its own share.
        most: how many of them one person is told within an hour.
        ticket_id: of their request, if they have one.
    """
    lane = f"{what}:{heard.team}:{heard.user}"
    told = select(Message.created_at).where(Message.lane == lane).order_by(Message.id.desc())
    oldest = session.scalars(told.offset(most - 1).limit(1)).one_or_none()
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
