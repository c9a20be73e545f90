"""Sending what was written down: each message has one sender at a time.

A `sending` row whose lease expired is looked up in Slack before it is sent again. A sender whose lease expired may only
record that Slack has the message; a late duplicate is deleted. `bot.store.outbox.messages` draws the states.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from sqlalchemy import and_, bindparam, case, exists, null, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from bot import durations
from bot.store import db
from bot.store.outbox.messages import AFTERWARDS, GONE, TURN
from bot.store.schema import Message, MessageKind, MessageOp, MessageState, Ticket, now
from bot.store.sql import prebuilt
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
_IS_DUE = select(Message.id).where(_DUE, Message.due_at <= bindparam("at")).order_by(Message.id).limit(500)
_IS_DUE_OF_TICKET = _IS_DUE.where(Message.ticket_id == bindparam("ticket"))
_ABOUT = select(TURN, null()).where(Message.id == bindparam("message"))
_OF_AGENT = select(TURN, Ticket.assignee).join(Ticket, Ticket.id == Message.ticket_id).with_for_update(of=Ticket)
_ABOUT_OF_AGENT = _OF_AGENT.where(Message.id == bindparam("message"), Message.bot_voice)
_ASSIGNEE = select(Ticket.assignee).where(Ticket.id == bindparam("ticket")).with_for_update()
_MESSAGE = select(Message).where(Message.id == bindparam("message"))
_LOCK = _MESSAGE.with_for_update().execution_options(populate_existing=True)
_TAKE = update(Message).where(Message.id == bindparam("message"))
_SHOW = _TAKE.values(state=MessageState.POSTED, error=None).returning(Message.revision, Message.body)
# Another sender put it back; this post makes its retry unnecessary.
_IS_PUT_BACK = and_(Message.state == MessageState.STORED, Message.channel == bindparam("sent_to"))
_POST = _SHOW.where(or_(Message.state == MessageState.SENDING, _IS_PUT_BACK))
_UPDATE = _SHOW.where(Message.state == MessageState.POSTED)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that one sender has taken."""

    id: int
    key: str
    kind: MessageKind
    op: MessageOp
    channel: str
    thread_ts: str | None
    user: str | None
    ticket_id: int | None
    handoff_id: int | None
    turn_id: int | None
    body: dict[str, Any]
    revision: int
    ts: str | None
    "Set if the message is in Slack and only has to be updated."
    file_id: str | None
    "The file that an earlier try uploaded, whether or not it is shown."
    attempts: int
    in_doubt: bool
    "An earlier sender's lease expired: Slack may have the message."
    taken_at: float
    "Time on the monotonic clock, in seconds, right before it was taken."


def due(session: Session, *, ticket_id: int | None = None, at: datetime | None = None) -> Sequence[int]:
    """Return the ids of messages to be sent or updated now, the oldest first."""
    query, of = (_IS_DUE, {}) if ticket_id is None else (_IS_DUE_OF_TICKET, {"ticket": ticket_id})
    return prebuilt.rows(session, query, at=at or now(), **of).scalars().all()


def take(session: Session, message_id: int) -> Delivery | None:
    """Take a message to send it; return None if there is nothing to send.

    Law 4: the ticket is locked and its assignee read in the transaction that takes the message. If a person has it,
    the agent's message is withdrawn. The ticket is locked first, as in every other move.
    """
    taken_at = time.monotonic()
    looked_up = (prebuilt.rows(session, query, message=message_id).one_or_none() for query in (_ABOUT_OF_AGENT, _ABOUT))
    if (found := next(filter(None, looked_up), None)) is None:
        return None
    turn_id, assignee = found
    message = session.scalars(_LOCK, {"message": message_id}).one()
    if not _is_to_send(message, assignee):
        return None
    in_doubt, attempts = message.state is MessageState.SENDING, message.attempts + 1
    state = message.state if message.state is MessageState.POSTED else MessageState.SENDING
    until = now() + timedelta(seconds=durations.SENDING_LEASE)
    prebuilt.run(session, _TAKE, message=message_id, state=state, attempts=attempts, due_at=until)
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
        turn_id=turn_id,
        body={**message.body, **threads.shown_above(session, message)},
        revision=message.revision,
        ts=message.ts,
        file_id=message.file_id,
        attempts=attempts,
        in_doubt=in_doubt,
        taken_at=taken_at,
    )


def _is_to_send(message: Message, assignee: str | None) -> bool:
    """Return whether a message is to be sent or updated now; withdraw one that may no longer be sent."""
    if message.due_at > now():
        return False
    match message.state:
        case MessageState.STORED:
            if assignee is not None or message.body.get("deleted"):
                message.state = MessageState.WITHDRAWN
                return False
            return True
        case MessageState.SENDING:
            return True
        case MessageState.POSTED:
            return message.revision > message.shown_revision
        case MessageState.WITHDRAWN | MessageState.FAILED:
            return False
        case _:
            assert_never(message.state)


def enclosed(session: Session, delivery: Delivery, file_id: str) -> bool:
    """Store the file that is about to be shown; return whether this sender still has the message."""
    return _change(session, delivery, file_id=file_id)


def placed(session: Session, delivery: Delivery, *, channel: str, thread_ts: str) -> bool:
    """Store the thread that a message goes to from now on; return whether this sender still has the message."""
    return _change(session, delivery, channel=channel, thread_ts=thread_ts)


def posted(session: Session, delivery: Delivery, ts: str | None, *, channel: str | None = None) -> bool:
    """Store that Slack has a message, and where; or that it was deleted there.

    Returns:
        False if this sender's lease had expired and it posted too late: another sender has posted the message, or it
        was withdrawn. Then the late message will be deleted.
    """
    if delivery.body.get("deleted") and (delivery.ts is not None or delivery.file_id is not None):
        _is_gone(session, delivery)
        return True
    if _posted(session, delivery, ts, channel=channel, revision=delivery.revision):
        return True
    if ts is None or session.scalars(select(Message.ts).where(Message.id == delivery.id)).one() == ts:
        return True
    take_back(session, delivery.key, channel=channel or delivery.channel, ts=ts)
    return False


def take_back(session: Session, key: str, *, channel: str, ts: str, file_id: str | None = None) -> None:
    """Have a duplicate of a message, or one that was posted after its withdrawal, deleted in Slack with its file."""
    of = session.scalars(select(Message).where(Message.key == key)).one()
    about = {"kind": of.kind, "ticket_id": of.ticket_id, "file_id": file_id, "body": GONE}
    row = {"key": f"late:{key}:{ts}", "lane": f"late:{ts}", **about}
    db.insert_new(
        session, Message, **row, channel=channel, ts=ts, state=MessageState.POSTED, shown_revision=1, revision=2
    )


def found(session: Session, delivery: Delivery, ts: str) -> None:
    """Store that an earlier sender had posted a message; its revision is unknown, so a revised one is updated again."""
    _posted(session, delivery, ts, channel=delivery.channel, revision=1)


def renew(session: Session, in_hand: Collection[Delivery]) -> set[int]:
    """Renew the leases of these deliveries; return the ids of the messages that their senders still have."""
    if not in_hand:
        return set()
    being_said = or_(
        Message.state == MessageState.SENDING,
        and_(Message.state == MessageState.POSTED, Message.revision > Message.shown_revision),
    )
    held = tuple_(Message.id, Message.attempts).in_([(one.id, one.attempts) for one in in_hand])
    until = now() + timedelta(seconds=durations.SENDING_LEASE)
    kept = update(Message).where(held, being_said).values(due_at=until).returning(Message.id)
    return set(session.scalars(kept))


def withdraw(session: Session, delivery: Delivery) -> None:
    """Withdraw a message that was in doubt and is not in Slack: a person has the ticket now."""
    if _change(session, delivery, state=MessageState.WITHDRAWN, **_looked_at_again(delivery)):
        _store_final_body(session, delivery, delivery.revision)


def may_speak(session: Session, delivery: Delivery) -> bool:
    """Return whether a message may still be sent: not if it was taken back, or a person has claimed the ticket."""
    voice, body = session.execute(select(Message.bot_voice, Message.body).where(Message.id == delivery.id)).one()
    return not body.get("deleted") and (not voice or _assignee(session, delivery.ticket_id) is None)


def put_back(session: Session, delivery: Delivery, *, error: str, after: float) -> None:
    """Store that Slack certainly did not take a message: try again in `after` seconds."""
    state = "posted" if delivery.ts else "stored"
    _change(session, delivery, state=state, error=error, due_at=now() + timedelta(seconds=after))


def leave_in_doubt(session: Session, delivery: Delivery, *, error: str, after: float) -> None:
    """Store that it is unknown whether Slack took a message: look it up in `after` seconds."""
    _change(session, delivery, error=error, due_at=now() + timedelta(seconds=after))


def give_up(session: Session, delivery: Delivery, *, error: str) -> None:
    """Store that Slack will never take a message."""
    state = {"shown_revision": delivery.revision} if delivery.ts else {"state": MessageState.FAILED}
    if _change(session, delivery, error=error, **state):
        _store_final_body(session, delivery, delivery.revision)


def readdress(session: Session, delivery: Delivery, channel: str, body: dict[str, Any]) -> None:
    """Send a message to another channel instead, as a new message that everybody there may see."""
    place: dict[str, Any] = {"channel": channel, "thread_ts": None, "thread_of": None, "ts": None}
    for_all = {"op": MessageOp.POST, "user": None}
    _change(session, delivery, **place, **for_all, shown_revision=0, body=body, state=MessageState.STORED, due_at=now())


def say_later(session: Session, delivery: Delivery) -> None:
    """Put a message back until the one below which it belongs is posted; its sender no longer has it."""
    _change(session, delivery, state=MessageState.STORED, attempts=Message.attempts + 1, due_at=now(), error=None)


def _posted(session: Session, delivery: Delivery, ts: str | None, *, channel: str | None, revision: int) -> bool:
    """Store where a message is in Slack; return False if it was no longer to be sent or updated."""
    new = {"ts": ts, "channel": channel or delivery.channel, "shown_revision": revision, **_looked_at_again(delivery)}
    of = {"message": delivery.id, "sent_to": delivery.channel, "posted_at": now(), "due_at": now()}
    noted = prebuilt.rows(session, _POST if delivery.ts is None else _UPDATE, **of, **new).one_or_none()
    if noted is None:
        return False
    if noted.revision == revision and AFTERWARDS in noted.body:
        _store_final_body(session, delivery, revision)
    return True


def _store_final_body(session: Session, delivery: Delivery, revision: int) -> None:
    """Replace the body by what may be stored of it, unless it was revised meanwhile and has to be sent first."""
    message = session.get_one(Message, delivery.id, populate_existing=True)
    if message.revision == revision and AFTERWARDS in message.body:
        message.body = message.body[AFTERWARDS]


def _looked_at_again(delivery: Delivery) -> dict[str, Any]:
    """Return the values that have a message in doubt checked for duplicates later; nothing for any other message."""
    again = delivery.in_doubt and delivery.op is MessageOp.POST
    return {"look_at": now() + timedelta(seconds=durations.LOOK_AGAIN)} if again else {}


def _is_gone(session: Session, delivery: Delivery) -> None:
    """Store that a message was deleted in Slack; one that was revised meanwhile is sent again."""
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


def _assignee(session: Session, ticket_id: int | None) -> str | None:
    return prebuilt.rows(session, _ASSIGNEE, ticket=ticket_id).scalar_one_or_none()


def _place(session: Session, message: Message) -> tuple[str, str | None]:
    """Return channel and thread; a message below another one goes to where that one was posted."""
    if message.thread_of is None or message.ts is not None:
        return message.channel, message.thread_ts
    channel, ts = session.execute(select(Message.channel, Message.ts).where(Message.id == message.thread_of)).one()
    return channel, ts


def _change(session: Session, delivery: Delivery, **values: Any) -> bool:
    """Change a message if this sender still has it; return whether it has."""
    in_hand = update(Message).where(Message.id == delivery.id, Message.attempts == delivery.attempts)
    return session.execute(in_hand.values(**values).returning(Message.id)).scalar_one_or_none() is not None
