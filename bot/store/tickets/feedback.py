"""Thumbs: what a person thought of an answer, and what they say was wrong; their last choice counts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Feedback, Message, MessageKind, Ticket, Turn, now
from bot.store.tickets import first_words

WORST = 5
"The most unhelpful answers that are listed."


@dataclass(frozen=True, slots=True)
class Unhelpful:
    """An answer that did not help its requester."""

    ticket_id: int
    asked: str | None
    "How the request began; None if it was made in private, or if its words were deleted."
    said: str | None
    "What was wrong, in their words; None if they did not say."
    channel: str | None
    "Channel of the answer, with `ts` its timestamp; None if it was given in private."
    ts: str | None


@dataclass(frozen=True, slots=True)
class Thumbs:
    """What requesters thought of answers."""

    helpful: int = 0
    judged: int = 0
    worst: tuple[Unhelpful, ...] = ()
    "Answers that did not help: those with words first, then the newest."


def store_thumb(session: Session, turn_id: int, *, user: str, good: bool) -> None:
    """Store a thumb for an existing turn; words that were given before stay."""
    _store(session, turn_id, user, good=good)


def store_words(session: Session, turn_id: int, *, user: str, words: str) -> None:
    """Store what somebody says was wrong, redacted, in place of earlier words; it counts as a thumb down."""
    _store(session, turn_id, user, good=False).words = words


def thumbs(session: Session, since: datetime, until: datetime, *, agent: str | None = None) -> Thumbs:
    """Return the thumbs given in `[since, until)`, for the answers of one agent or of all."""
    within = [Feedback.at >= since, Feedback.at < until, *([] if agent is None else [Ticket.agent == agent])]
    judged = select(func.sum(case((Feedback.good, 1), else_=0)).label("helpful"), func.count(Feedback.id).label("all"))
    judged = judged.join(Turn, Turn.id == Feedback.turn_id).join(Ticket, Ticket.id == Turn.ticket_id)
    count = session.execute(judged.where(*within)).one()
    answer = (Message.ticket_id == Ticket.id) & (Message.turn_id == Turn.id) & (Message.kind == MessageKind.REPLY)
    bad = select(Feedback, Ticket, Message.channel, Message.ts)
    bad = bad.join(Turn, Turn.id == Feedback.turn_id).join(Ticket, Ticket.id == Turn.ticket_id)
    bad = bad.outerjoin(Message, answer).where(*within, ~Feedback.good)
    order = (Feedback.words.is_(None), Feedback.at.desc(), Feedback.id.desc())
    rows = session.execute(bad.order_by(*order).limit(WORST)).all()
    asked = first_words.of(session, [ticket.id for _, ticket, _, _ in rows if not ticket.private])
    worst = [
        Unhelpful(ticket.id, asked.get(ticket.id), row.words, *((None, None) if ticket.private else (channel, ts)))
        for row, ticket, channel, ts in rows
    ]
    return Thumbs(int(count.helpful or 0), int(count.all), tuple(worst))


def _store(session: Session, turn_id: int, user: str, *, good: bool) -> Feedback:
    """Return a person's thumb as it is now.

    The database lets the day on which it counted before be counted anew (`bot.store.schema.thumb_recounts`).
    """
    at = now()
    new = db.insert_new(session, Feedback, turn_id=turn_id, user=user, good=good, at=at) is not None
    query = select(Feedback).where(Feedback.turn_id == turn_id, Feedback.user == user)
    found = session.scalars(query.with_for_update()).one()
    if not new:
        found.good, found.at = good, at
    return found
