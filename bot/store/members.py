"""Who has left the workspace, as Slack told us: they may hold nothing and press nothing."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.schema import Departed


def left(session: Session, user: str) -> bool:
    """Note that somebody has left; tell whether that is news."""
    news = db.insert_new(session, Departed, user=user) is not None
    if news:
        audit.append(session, "member.left", actor="slack", subject=user)
    return news


def back(session: Session, user: str) -> None:
    """Note that somebody is a member again."""
    gone = delete(Departed).where(Departed.user == user).returning(Departed.user)
    if session.execute(gone).scalar_one_or_none() is not None:
        audit.append(session, "member.returned", actor="slack", subject=user)


def has_left(session: Session, user: str) -> bool:
    """Tell whether somebody has left."""
    return session.get(Departed, user) is not None


def departed(session: Session, *, most: int) -> Sequence[str]:
    """Return so many of those who have left; of more than that, others each time."""
    return session.scalars(select(Departed.user).order_by(func.random()).limit(most)).all()
