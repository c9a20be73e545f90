r"""Messages to Slack, and how far each has got.

    stored --take--> sending --posted--> posted --revise--> (posted, owed an update)
       ^                |  \--give_up--> failed
       |                \--put_back-- (Slack did not take it: try later)
       \--withdraw--> withdrawn (a person owns the ticket: the agent says nothing more)

A message that is revised to `GONE` is withdrawn too, and deleted in Slack if it was posted; revised to words again, it
is sent again. A row exists before Slack is called, and one sender at a time takes it (`bot.store.outbox.deliveries`),
so nothing is lost or posted twice.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Handoff, InboxEvent, Message, MessageKind, MessageState, now

GONE: dict[str, Any] = {"text": "", "deleted": True}
"The body of a message that is to be deleted."
AFTERWARDS = "afterwards"
"Key in a body: the body that is stored once Slack has the message, or will never take it."
UNNAMED = "unnamed"
"Key in a body: its text for the model, without the names of people who are mentioned; absent where none is named."
TURN = func.coalesce(Message.turn_id, select(Handoff.turn_id).where(Handoff.id == Message.handoff_id).scalar_subquery())
"The turn that a message answers, or whose handoff it tells of."
OWED = or_(
    Message.state.in_((MessageState.STORED, MessageState.SENDING)),
    and_(Message.state == MessageState.POSTED, Message.revision > Message.shown_revision),
)
"What is true of a message that Slack does not show yet, or not as it is now."


def add(
    session: Session, *, key: str, kind: MessageKind, lane: str, channel: str, body: dict[str, Any], **more: Any
) -> int | None:
    """Store a message once for its key; return its id, or None if the key is known."""
    return db.insert_new(session, Message, key=key, kind=kind, lane=lane, channel=channel, body=body, **more)


def revise(session: Session, key: str, body: dict[str, Any]) -> None:
    """Change what a message shows: a posted one is updated, one that was taken back is sent again.

    Its due time does not change: a sender may have it, and no second sender must take it before the lease expires.
    """
    found = by_key(session, key)
    if found is None or found.body == body:
        return
    changes: dict[str, Any] = {"body": body, "revision": Message.revision + 1}
    if found.body.get("deleted"):
        changes["state"] = case((Message.state == MessageState.WITHDRAWN, MessageState.STORED), else_=Message.state)
    session.execute(update(Message).where(Message.key == key).values(changes))


def count_lately(session: Session, kind: MessageKind, channel: str, *, since: datetime) -> int:
    """Return the number of a channel's messages of a kind since a time."""
    query = select(func.count()).select_from(Message)
    found = query.where(Message.kind == kind, Message.channel == channel, Message.created_at > since)
    return session.scalars(found).one()


def make_due(session: Session, key: str) -> bool:
    """Make a stored message due now; return False if it does not wait."""
    waits = update(Message).where(Message.key == key, Message.state == MessageState.STORED, Message.due_at > now())
    return session.scalar(waits.values(due_at=now()).returning(Message.id)) is not None


def withdraw_unsaid(session: Session, ticket_id: int) -> None:
    """Withdraw the agent's unsent messages of a ticket, so that they do not delay the person who has it now."""
    session.execute(
        update(Message)
        .where(Message.ticket_id == ticket_id, Message.bot_voice, Message.state == MessageState.STORED)
        .values(state=MessageState.WITHDRAWN)
    )


def withdraw_owed(session: Session, of: ColumnElement[bool]) -> None:
    """Send nothing more of some messages: what Slack does not have is withdrawn, what it has stays there as it is.

    One that a sender has is left alone until the sender's lease expires.
    """
    unsent = or_(
        Message.state == MessageState.STORED, and_(Message.state == MessageState.SENDING, Message.due_at <= now())
    )
    taken = {"attempts": Message.attempts + 1}  # a sender that is late has it no longer
    session.execute(update(Message).where(of, unsent).values(state=MessageState.WITHDRAWN, **taken))
    shown = update(Message).where(of, Message.state == MessageState.POSTED)
    session.execute(shown.values(shown_revision=Message.revision, **taken))


def take_back(session: Session, key: str) -> bool:
    """Take a message back, also from Slack if it is posted; return False if there is no message of this key."""
    found = by_key(session, key)
    if found is None:
        return False
    if not found.body.get("deleted"):
        revise(session, key, GONE)
    return True


def take_back_kinds(session: Session, handoff_id: int, kinds: Collection[MessageKind]) -> None:
    """Take back all messages of these kinds about a handoff."""
    query = select(Message.key).where(Message.handoff_id == handoff_id, Message.kind.in_(kinds))
    for key in session.scalars(query).all():
        take_back(session, key)


def take_back_others(session: Session, ticket_id: int, prefix: str, keys: Collection[str]) -> None:
    """Take back every message of a ticket whose key begins with a prefix, except these."""
    # The index of keys cannot find a prefix: in most locales of PostgreSQL a prefix is no range.
    begins = Message.key.startswith(prefix, autoescape=True)
    found = session.scalars(select(Message.key).where(Message.ticket_id == ticket_id, begins))
    for key in [key for key in found if key not in keys]:
        take_back(session, key)


def read(session: Session, message_id: int) -> Message:
    """Return an existing message."""
    return session.get_one(Message, message_id)


def as_said(session: Session, named: Iterable[tuple[str, int]]) -> list[InboxEvent | Message]:
    """Return events and messages by table and id, as they are now; deleted rows are left out."""
    found: Iterator[InboxEvent | Message | None] = (
        session.get(InboxEvent, row_id) if table == InboxEvent.__name__ else session.get(Message, row_id)
        for table, row_id in named
    )
    return [row for row in found if row is not None]


def by_key(session: Session, key: str) -> Message | None:
    """Return a message by its key, or None."""
    return session.scalars(select(Message).where(Message.key == key)).one_or_none()


def by_ts(session: Session, channel: str, ts: str) -> Message | None:
    """Return the message that is, or was, in a channel at a timestamp; None: there is none."""
    there = select(Message).where(Message.channel == channel, Message.ts == ts)
    return session.scalars(there.order_by(Message.id).limit(1)).one_or_none()
