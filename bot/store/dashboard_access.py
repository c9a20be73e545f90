"""Links that open the dashboard once, and the browsers in which it is open; every step is audited.

Invariant: a link opens at most one session, however many requests use it at once. A session is found only by the hash
of its secret, and only until it ends or expires.
"""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from bot.store import audit
from bot.store.schema import DashboardLink, DashboardSession, SessionEnd, now
from bot.store.sql import prebuilt

KEPT = timedelta(days=1)
"How long the row of an expired link or session is kept. The audit log keeps what happened."
SHOWN = 12
"Characters of a session's hash by which the audit log names the browser."
_OVERDUE = DashboardSession.closed_at.is_(None) & (DashboardSession.expires_at <= bindparam("at"))
_ANY_TO_FORGET = select(
    or_(
        exists().where(_OVERDUE),
        exists().where(DashboardSession.expires_at < bindparam("before")),
        exists().where(DashboardLink.expires_at < bindparam("before")),
    )
)


def store_link(session: Session, link_id: str, user: str, *, expires_at: datetime) -> None:
    """Store that a link was made for somebody."""
    session.add(DashboardLink(id=link_id, user=user, expires_at=expires_at, opened_at=None))
    audit.append(session, "dashboard.link_made", actor=user, link=link_id, expires_at=expires_at.isoformat())


def is_unused(session: Session, link_id: str, user: str) -> bool:
    """Return whether somebody's link can still be used; it is not used by asking."""
    return session.scalar(select(DashboardLink.id).where(_usable(link_id, user))) is not None


def use_link(session: Session, link_id: str, user: str) -> bool:
    """Use somebody's link and return True; False when it was used before or has expired."""
    used = update(DashboardLink).where(_usable(link_id, user)).values(opened_at=now()).returning(DashboardLink.id)
    return session.execute(used).scalar_one_or_none() is not None


def open_session(session: Session, secret: str, user: str, *, lasts: timedelta, by: str) -> None:
    """Store that somebody has opened the dashboard in a browser.

    Args:
        session: the open write transaction.
        secret: what the browser keeps in its cookie; only its hash is stored.
        user: Slack user id.
        lasts: the time until the session expires.
        by: how the person was let in, for the audit log.
    """
    expires_at = now() + lasts
    session.add(DashboardSession(hash=hash_of(secret), user=user, expires_at=expires_at, closed_at=None))
    named = hash_of(secret)[:SHOWN]
    audit.append(session, "dashboard.opened", actor=user, by=by, browser=named, expires_at=expires_at.isoformat())


def person_of(session: Session, secret: str) -> str | None:
    """Return who has a session in the browser with this secret, or None."""
    open_now = (DashboardSession.closed_at.is_(None), DashboardSession.expires_at > now())
    return session.scalar(select(DashboardSession.user).where(DashboardSession.hash == hash_of(secret), *open_now))


def end_session(session: Session, secret: str, why: SessionEnd) -> bool:
    """End the session of the browser with this secret; return False if it had ended or never was."""
    return _end(session, hash_of(secret), why)


def refuse(session: Session, why: str, *, user: str | None, link_id: str | None, unrecorded: int) -> None:
    """Record that somebody was not let in.

    Args:
        session: the open write transaction.
        why: which check failed.
        user: whose the link or session is, if it is one of ours.
        link_id: the link, if we have signed it.
        unrecorded: how many refusals before this one were not recorded, because there were too many.
    """
    audit.append(session, "dashboard.refused", actor=user or "unknown", why=why, link=link_id, unrecorded=unrecorded)


def any_to_forget(session: Session) -> bool:
    """Return whether `forget` would change anything."""
    at = now()
    return bool(prebuilt.rows(session, _ANY_TO_FORGET, at=at, before=at - KEPT).scalar_one())


def forget(session: Session) -> int:
    """End the sessions that have expired and delete rows that are no longer needed; return how many sessions ended."""
    at = now()
    overdue = select(DashboardSession.hash).where(_OVERDUE).order_by(DashboardSession.hash)
    ended = sum(_end(session, one, SessionEnd.EXPIRED) for one in session.scalars(overdue, {"at": at}).all())
    before = at - KEPT
    session.execute(delete(DashboardSession).where(DashboardSession.expires_at < before))
    session.execute(delete(DashboardLink).where(DashboardLink.expires_at < before))
    return ended


def hash_of(secret: str) -> str:
    """Return the hash under which a session is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _end(session: Session, hashed: str, why: SessionEnd) -> bool:
    ending = update(DashboardSession).where(DashboardSession.hash == hashed, DashboardSession.closed_at.is_(None))
    user = session.execute(ending.values(closed_at=now()).returning(DashboardSession.user)).scalar_one_or_none()
    if user is not None:
        audit.append(session, "dashboard.session_ended", actor=user, why=str(why), browser=hashed[:SHOWN])
    return user is not None


def _usable(link_id: str, user: str) -> ColumnElement[bool]:
    unused = DashboardLink.opened_at.is_(None) & (DashboardLink.expires_at > now())
    return (DashboardLink.id == link_id) & (DashboardLink.user == user) & unused
