r"""What is to be said in Slack, and whether it has been.

    stored --take--> sending --posted--> posted --revise--> (posted, owed an update)
       ^                |  \--give_up--> failed
       |                \--put_back-- (Slack did not take it: try later)
       \--withdraw--> withdrawn (a person owns the ticket: the agent says nothing more)

What is revised to `GONE` is withdrawn too, from Slack where it was out; revised to words again, it is said again.

A row exists before Slack hears of it and is taken by one sender at a time (`bot.store.outbox.deliveries`), so nothing
is lost or said twice.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import InboxEvent, Message, MessageKind, MessageState, now

GONE: dict[str, Any] = {"text": "", "deleted": True}
"The body of a message that is to be deleted."
AFTERWARDS = "afterwards"
"In a body: what is kept of it once Slack has it, or will never take it."


def add(
    session: Session, *, key: str, kind: MessageKind, lane: str, channel: str, body: dict[str, Any], **more: Any
) -> int | None:
    """Store a message once for its key; return its id, or None when the key is known."""
    return db.insert_new(session, Message, key=key, kind=kind, lane=lane, channel=channel, body=body, **more)


def revise(session: Session, key: str, body: dict[str, Any]) -> None:
    """Change what a message shows; one that is out already is owed an update, one that was taken back is said again.

    When it is due stays as it is: a sender may have it in hand, and a second one must not take it for lost.
    """
    found = by_key(session, key)
    if found is None or found.body == body:
        return
    changes: dict[str, Any] = {"body": body, "revision": Message.revision + 1}
    if found.body.get("deleted"):
        changes["state"] = case((Message.state == MessageState.WITHDRAWN, MessageState.STORED), else_=Message.state)
    session.execute(update(Message).where(Message.key == key).values(changes))


def count_lately(session: Session, kind: MessageKind, channel: str, *, since: datetime) -> int:
    """Return how many messages of a kind there are for a channel since a moment."""
    query = select(func.count()).select_from(Message)
    found = query.where(Message.kind == kind, Message.channel == channel, Message.created_at > since)
    return session.scalars(found).one()


def make_due(session: Session, key: str) -> bool:
    """Let a message that waits for its moment be said now; say if there is one."""
    waits = update(Message).where(Message.key == key, Message.state == MessageState.STORED, Message.due_at > now())
    return session.scalar(waits.values(due_at=now()).returning(Message.id)) is not None


def withdraw_unsaid(session: Session, ticket_id: int) -> None:
    """Withdraw what the bot has not said yet in a ticket: it must not hold up the person who has it now."""
    session.execute(
        update(Message)
        .where(Message.ticket_id == ticket_id, Message.bot_voice, Message.state == MessageState.STORED)
        .values(state=MessageState.WITHDRAWN)
    )


def take_back(session: Session, key: str) -> bool:
    """Take a message back, from Slack too where it is out; say if there is one of this key."""
    found = by_key(session, key)
    if found is None:
        return False
    if not found.body.get("deleted"):
        revise(session, key, GONE)
    return True


def take_back_kinds(session: Session, handoff_id: int, kinds: Collection[MessageKind]) -> None:
    """Take back all messages of some kinds about a handoff."""
    query = select(Message.key).where(Message.handoff_id == handoff_id, Message.kind.in_(kinds))
    for key in session.scalars(query).all():
        take_back(session, key)


def take_back_others(session: Session, ticket_id: int, prefix: str, keys: Collection[str]) -> None:
    """Take back every message of a ticket whose key begins so, but for these."""
    # No index of keys leads to a prefix: in the locales of PostgreSQL, and in any case of letters, it is no range.
    begins = Message.key.startswith(prefix, autoescape=True)
    said = session.scalars(select(Message.key).where(Message.ticket_id == ticket_id, begins))
    for key in [key for key in said if key not in keys]:
        take_back(session, key)


def read(session: Session, message_id: int) -> Message:
    """Return a message that is there."""
    return session.get_one(Message, message_id)


def as_said(session: Session, named: Iterable[tuple[str, int]]) -> list[InboxEvent | Message]:
    """Return what was heard and said, as it is now, by table and id; what is gone is left out."""
    found: Iterator[InboxEvent | Message | None] = (
        session.get(InboxEvent, row_id) if table == InboxEvent.__name__ else session.get(Message, row_id)
        for table, row_id in named
    )
    return [row for row in found if row is not None]


def by_key(session: Session, key: str) -> Message | None:
    """Return a message by what it is."""
    return session.scalars(select(Message).where(Message.key == key)).one_or_none()


def by_ts(session: Session, channel: str, ts: str) -> Message | None:
    """Return the message that stands, or stood, at a place in Slack."""
    there = select(Message).where(Message.channel == channel, Message.ts == ts)
    return session.scalars(there.order_by(Message.id).limit(1)).one_or_none()
