"""Thumbs: what a person thought of an answer, and what they say was wrong; their last word counts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Feedback, Message, MessageKind, Ticket, Turn, now
from bot.store.tickets import first_words

WORST = 5
"Answers that did not help that are told of."


@dataclass(frozen=True, slots=True)
class Unhelpful:
    """An answer that did not help its requester."""

    ticket_id: int
    asked: str | None
    "How the request began; None for one that was made in private, or of which no words are left."
    said: str | None
    "What was wrong, in their words; None where they did not say."
    channel: str | None
    "Where the answer stands, with its ts; None for one that was said in private."
    ts: str | None


@dataclass(frozen=True, slots=True)
class Thumbs:
    """What requesters thought of answers."""

    helpful: int = 0
    judged: int = 0
    worst: tuple[Unhelpful, ...] = ()
    "Those that did not help: where it was said why first, then the newest."


def keep(session: Session, turn_id: int, *, user: str, good: bool) -> None:
    """Keep a thumb for a turn that there is; what they said before stays."""
    found = _of(session, turn_id, user, good=good)
    found.good, found.at = good, now()


def tell(session: Session, turn_id: int, *, user: str, words: str) -> None:
    """Keep what somebody says was wrong, redacted, in place of what they said before; that is a thumb down too."""
    found = _of(session, turn_id, user, good=False)
    found.good, found.words, found.at = False, words, now()


def thumbs(session: Session, since: datetime, until: datetime, *, agent: str | None = None) -> Thumbs:
    """Return what was thought of answers in `[since, until)`, of one agent or of all."""
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


def _of(session: Session, turn_id: int, user: str, *, good: bool) -> Feedback:
    db.insert_new(session, Feedback, turn_id=turn_id, user=user, good=good, at=now())
    query = select(Feedback).where(Feedback.turn_id == turn_id, Feedback.user == user)
    return session.scalars(query).one()
