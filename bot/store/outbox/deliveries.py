"""Saying what was written down: a message in the hands of one sender at a time.

A `sending` row past its time is looked up in Slack before it is said again. A sender that was given up
changes nothing from then on, save that what Slack has is posted; what it says too late, it takes back. The
states are drawn in `bot.store.outbox.messages`.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, exists, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from bot import durations
from bot.store import db
from bot.store.outbox.messages import AFTERWARDS, GONE
from bot.store.schema import Message, MessageKind, MessageOp, MessageState, Ticket, now
from bot.store.tickets import threads

_earlier = aliased(Message)
_BLOCKED = exists().where(
    _earlier.lane == Message.lane,
    _earlier.id < Message.id,
    _earlier.state.in_((MessageState.STORED, MessageState.SENDING)),
)
_DUE = or_(
    and_(Message.state.in_((MessageState.STORED, MessageState.SENDING)), ~_BLOCKED),
    and_(Message.state == MessageState.POSTED, Message.op == MessageOp.POST, Message.revision > Message.shown_revision),
)
"Made once: it is asked for in every turn and every second, and takes longer to make than to answer."


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in the hands of one sender."""

    id: int
    key: str
    kind: MessageKind
    op: MessageOp
    channel: str
    thread_ts: str | None
    user: str | None
    ticket_id: int | None
    handoff_id: int | None
    body: dict[str, Any]
    revision: int
    ts: str | None
    "Set when it is out already and only an update is owed."
    file_id: str | None
    "The file that an earlier try has sent, shown or not."
    attempts: int
    in_doubt: bool
    "An earlier sender vanished: it may be out already."
    taken_at: float
    "By the monotonic clock, before it was taken."


def owed(session: Session, *, ticket_id: int | None = None, at: datetime | None = None) -> Sequence[int]:
    """Return the ids of messages to be said or updated now, oldest first."""
    query = select(Message.id).where(_DUE, Message.due_at <= (at or now())).order_by(Message.id)
    if ticket_id is not None:
        query = query.where(Message.ticket_id == ticket_id)
    return session.scalars(query.limit(500)).all()


def take(session: Session, message_id: int) -> Delivery | None:
    """Take a message to say it, or None when there is nothing left to say.

    Law 4: the ticket is locked and its owner read here, in the transaction that lets the message go;
    the agent's voice is withdrawn when a person has it. The ticket comes first, as in every other move.
    """
    taken_at = time.monotonic()
    message = session.get(Message, message_id)
    if message is None:
        return None
    owner = _owner(session, message.ticket_id) if message.bot_voice else None
    session.refresh(message, with_for_update=True)
    if message.due_at > now():
        return None
    if message.state is MessageState.STORED and (owner is not None or message.body.get("deleted")):
        message.state = MessageState.WITHDRAWN
        return None
    updating = message.state is MessageState.POSTED
    if message.state not in (MessageState.STORED, MessageState.SENDING, MessageState.POSTED) or (
        updating and message.revision <= message.shown_revision
    ):
        return None
    in_doubt = message.state is MessageState.SENDING
    if not updating:
        message.state = MessageState.SENDING
    message.attempts += 1
    message.due_at = now() + timedelta(seconds=durations.SENDING_LEASE)
    channel, thread_ts = _place(session, message)
    return Delivery(
        id=message.id,
        key=message.key,
        kind=message.kind,
        op=message.op,
        channel=channel,
        thread_ts=thread_ts,
        user=message.user,
        ticket_id=message.ticket_id,
        handoff_id=message.handoff_id,
        body={**message.body, **threads.shown_above(session, message)},
        revision=message.revision,
        ts=message.ts,
        file_id=message.file_id,
        attempts=message.attempts,
        in_doubt=in_doubt,
        taken_at=taken_at,
    )


def enclosed(session: Session, delivery: Delivery, file_id: str) -> bool:
    """Write down the file that is about to be shown; say if this sender still has the message."""
    return _change(session, delivery, file_id=file_id)


def placed(session: Session, delivery: Delivery, *, channel: str, thread_ts: str) -> bool:
    """Write down the thread that a message goes to from now on; tell if this sender still has the message."""
    return _change(session, delivery, channel=channel, thread_ts=thread_ts)


def posted(session: Session, delivery: Delivery, ts: str | None, *, channel: str | None = None) -> bool:
    """Write down that Slack has it, as this delivery said it and where; or that it is gone from there.

    Returns:
        False when this sender had been given up and said too late what another has said or what is not to be
        said now: then it is owed that this one goes from Slack again.
    """
    if delivery.body.get("deleted") and (delivery.ts is not None or delivery.file_id is not None):
        _is_gone(session, delivery)
        return True
    if _stands(session, delivery, ts, channel=channel, revision=delivery.revision):
        return True
    if ts is None or session.scalars(select(Message.ts).where(Message.id == delivery.id)).one() == ts:
        return True
    take_back(session, delivery.key, channel=channel or delivery.channel, ts=ts)
    return False


def take_back(session: Session, key: str, *, channel: str, ts: str, file_id: str | None = None) -> None:
    """Let what stands in Slack beside a message, or after it was withdrawn, be deleted there, its file too."""
    of = session.scalars(select(Message).where(Message.key == key)).one()
    about = {"kind": of.kind, "ticket_id": of.ticket_id, "file_id": file_id, "body": GONE}
    row = {"key": f"late:{key}:{ts}", "lane": f"late:{ts}", **about}
    db.insert_new(
        session, Message, **row, channel=channel, ts=ts, state=MessageState.POSTED, shown_revision=1, revision=2
    )


def found(session: Session, delivery: Delivery, ts: str) -> None:
    """Write down that an earlier sender had said it; which revision nobody knows, so a revised one is owed again."""
    _stands(session, delivery, ts, channel=delivery.channel, revision=1)


def renew(session: Session, in_hand: Collection[Delivery]) -> set[int]:
    """Show a sign of life for all of these; return the ids of those that their sender still has."""
    if not in_hand:
        return set()
    being_said = or_(
        Message.state == MessageState.SENDING,
        and_(Message.state == MessageState.POSTED, Message.revision > Message.shown_revision),
    )
    kept = session.scalars(
        update(Message)
        .where(tuple_(Message.id, Message.attempts).in_([(one.id, one.attempts) for one in in_hand]), being_said)
        .values(due_at=now() + timedelta(seconds=durations.SENDING_LEASE))
        .returning(Message.id)
    )
    return set(kept)


def withdraw(session: Session, delivery: Delivery) -> None:
    """Take back what was in doubt and turned out not to be said: a person has the ticket now."""
    if _change(session, delivery, state=MessageState.WITHDRAWN, **_looked_at_again(delivery)):
        _unseal(session, delivery, delivery.revision)


def may_speak(session: Session, delivery: Delivery) -> bool:
    """Say if this message may still be said: not once it was taken back, or a person talks instead of us."""
    voice, body = session.execute(select(Message.bot_voice, Message.body).where(Message.id == delivery.id)).one()
    return not body.get("deleted") and (not voice or _owner(session, delivery.ticket_id) is None)


def put_back(session: Session, delivery: Delivery, *, error: str, after: float) -> None:
    """Slack certainly did not take it: try again in `after` seconds."""
    state = "posted" if delivery.ts else "stored"
    _change(session, delivery, state=state, error=error, due_at=now() + timedelta(seconds=after))


def leave_in_doubt(session: Session, delivery: Delivery, *, error: str, after: float) -> None:
    """It is not known if Slack took it: look it up in `after` seconds."""
    _change(session, delivery, error=error, due_at=now() + timedelta(seconds=after))


def give_up(session: Session, delivery: Delivery, *, error: str) -> None:
    """Slack will never take it."""
    state = {"shown_revision": delivery.revision} if delivery.ts else {"state": MessageState.FAILED}
    if _change(session, delivery, error=error, **state):
        _unseal(session, delivery, delivery.revision)


def readdress(session: Session, delivery: Delivery, channel: str, body: dict[str, Any]) -> None:
    """Send it to another channel instead, as a new message there that all of it may see."""
    place: dict[str, Any] = {"channel": channel, "thread_ts": None, "thread_of": None, "ts": None}
    whose = {"op": MessageOp.POST, "user": None}
    _change(session, delivery, **place, **whose, shown_revision=0, body=body, state=MessageState.STORED, due_at=now())


def say_later(session: Session, delivery: Delivery) -> None:
    """Let a message wait for the one below which it belongs; its sender changes nothing of it from then on."""
    _change(session, delivery, state=MessageState.STORED, attempts=Message.attempts + 1, due_at=now(), error=None)


def _stands(session: Session, delivery: Delivery, ts: str | None, *, channel: str | None, revision: int) -> bool:
    """Note where it stands; say if it was still to be said, or this an update of what stands."""
    put_back = and_(
        Message.state == MessageState.STORED, Message.channel == delivery.channel
    )  # by another sender, whom it spares
    unsaid = or_(Message.state == MessageState.SENDING, put_back)
    noted = session.execute(
        update(Message)
        .where(Message.id == delivery.id, unsaid if delivery.ts is None else Message.state == MessageState.POSTED)
        .values(
            state=MessageState.POSTED,
            ts=ts,
            channel=channel or delivery.channel,
            shown_revision=revision,
            posted_at=now(),
            due_at=now(),
            error=None,
            **_looked_at_again(delivery),
        )
        .returning(Message.id)
    ).scalar_one_or_none()
    if noted is not None:
        _unseal(session, delivery, revision)
    return noted is not None


def _unseal(session: Session, delivery: Delivery, revision: int) -> None:
    """Keep of a message what may be kept, unless it says something else by now, which is not out yet."""
    message = session.get_one(Message, delivery.id, populate_existing=True)
    if message.revision == revision and AFTERWARDS in message.body:
        message.body = message.body[AFTERWARDS]


def _looked_at_again(delivery: Delivery) -> dict[str, Any]:
    """Return when a message that was in doubt is looked at once more; nothing changes for one that was not."""
    again = delivery.in_doubt and delivery.op is MessageOp.POST
    return {"look_at": now() + timedelta(seconds=durations.LOOK_AGAIN)} if again else {}


def _is_gone(session: Session, delivery: Delivery) -> None:
    """Write down that Slack has it no more; what was revised meanwhile is said again."""
    session.execute(
        update(Message)
        .where(Message.id == delivery.id, Message.state == MessageState.POSTED)
        .values(
            state=case((Message.revision > delivery.revision, MessageState.STORED), else_=MessageState.WITHDRAWN),
            ts=None,
            file_id=None,
            shown_revision=0,
            due_at=now(),
            error=None,
        )
    )


def _owner(session: Session, ticket_id: int | None) -> str | None:
    return session.scalars(select(Ticket.assignee).where(Ticket.id == ticket_id).with_for_update()).one_or_none()


def _place(session: Session, message: Message) -> tuple[str, str | None]:
    """Return channel and thread; what goes below another message follows it to where that was posted."""
    if message.thread_of is None or message.ts is not None:
        return message.channel, message.thread_ts
    channel, ts = session.execute(select(Message.channel, Message.ts).where(Message.id == message.thread_of)).one()
    return channel, ts


def _change(session: Session, delivery: Delivery, **values: Any) -> bool:
    """Change a message while this sender has it; return whether it still has."""
    in_hand = update(Message).where(Message.id == delivery.id, Message.attempts == delivery.attempts)
    return session.execute(in_hand.values(**values).returning(Message.id)).scalar_one_or_none() is not None
