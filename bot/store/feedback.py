"""Thumbs: what a person thought of an answer, and what they say was wrong; their last word counts."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Feedback, now


def keep(session: Session, turn_id: int, *, user: str, good: bool) -> None:
    """Keep a thumb for a turn that there is; what they said before stays."""
    found = _of(session, turn_id, user, good=good)
    found.good, found.at = good, now()


def tell(session: Session, turn_id: int, *, user: str, words: str) -> None:
    """Keep what somebody says was wrong, redacted, in place of what they said before; that is a thumb down too."""
    found = _of(session, turn_id, user, good=False)
    found.good, found.words, found.at = False, words, now()


def _of(session: Session, turn_id: int, user: str, *, good: bool) -> Feedback:
    db.insert_new(session, Feedback, turn_id=turn_id, user=user, good=good, at=now())
    query = select(Feedback).where(Feedback.turn_id == turn_id, Feedback.user == user)
    return session.scalars(query).one()
