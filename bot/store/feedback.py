"""Thumbs: what a person thought of an answer; their last word counts."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Feedback, now


def keep(session: Session, turn_id: int, *, user: str, good: bool) -> None:
    """Keep a thumb for a turn that there is."""
    if db.insert_new(session, Feedback, turn_id=turn_id, user=user, good=good, at=now()) is None:
        query = select(Feedback).where(Feedback.turn_id == turn_id, Feedback.user == user)
        found = session.scalars(query).one()
        found.good, found.at = good, now()
