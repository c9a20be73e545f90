"""Approvers with an authenticator app. Invariant: of all who show one code, at once or later, exactly one uses it.

A code counts by its time step: accepting one is a single conditional statement, which also refuses every earlier step
and an approver who is locked. Wrong codes are counted in one statement each, and the last of `MOST_WRONG` locks, so a
crowd of guesses has no more tries than one guess after another.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import case, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.schema import Approver

MOST_WRONG = 5
"Wrong codes in a row after which an approver is locked until an operator unlocks them."


def find(session: Session, user: str) -> Approver | None:
    """Return the enrolment of somebody as it is now, or None."""
    return session.get(Approver, user, populate_existing=True)


def everyone(session: Session) -> Sequence[Approver]:
    """Return everybody who is enrolled."""
    return session.scalars(select(Approver).order_by(Approver.user)).all()


def any_enrolled(session: Session, users: Collection[str]) -> bool:
    """Return whether any of these people is enrolled; who is locked counts, so that a lock weakens no second step."""
    return session.scalar(select(exists().where(Approver.user.in_(users)))) is True


def enrol(session: Session, user: str, *, secret: str, by: str, last_step: int | None = None) -> bool:
    """Enrol somebody; return False if they are enrolled already.

    Args:
        session: the open write transaction.
        user: Slack user id.
        secret: the secret of their app, encrypted.
        by: who enrols them, as the audit log names them.
        last_step: the time step of the code with which they have shown that their app works.
    """
    values = {"user": user, "secret": secret, "enrolled_by": by, "last_step": last_step}
    is_new = db.insert_new(session, Approver, **values) is not None
    if is_new:
        audit.append(session, "approver.enrolled", actor=by, subject=user)
    return is_new


def use_step(session: Session, row: Approver, step: int) -> bool:
    """Accept the code of a time step; return False if it or a later one was accepted, or the row has changed.

    Args:
        session: the open write transaction.
        row: the enrolment whose secret made the code.
        step: the time step.
    """
    used = session.execute(
        update(Approver)
        .where(
            *(Approver.user == row.user, Approver.secret == row.secret, Approver.locked_at.is_(None)),
            or_(Approver.last_step.is_(None), Approver.last_step < step),
        )
        .values(last_step=step, failures=0)
        .returning(Approver.user)
    ).scalar_one_or_none()
    if used is None:
        return False
    audit.append(session, "approver.code_accepted", actor=row.user, time_step=step)
    return True


def count_wrong(session: Session, row: Approver, *, at: datetime) -> int:
    """Count a wrong code, and lock the approver with the last that they have; return how many they have left.

    Args:
        session: the open write transaction.
        row: the enrolment.
        at: now.
    """
    wrong = Approver.failures + 1
    failures = session.execute(
        update(Approver)
        .where(Approver.user == row.user, Approver.locked_at.is_(None))
        .values(failures=wrong, locked_at=case((wrong >= MOST_WRONG, at), else_=None))
        .returning(Approver.failures)
    ).scalar_one_or_none()
    if failures is None:  # another caller's wrong code was the last, or they were removed
        return 0
    locks = failures >= MOST_WRONG
    audit.append(session, "approver.locked" if locks else "approver.code_refused", actor=row.user, wrong_codes=failures)
    return MOST_WRONG - failures


def unlock(session: Session, user: str, *, by: str) -> bool:
    """Let somebody's codes count again; return False if they are not locked."""
    free = {"failures": 0, "locked_at": None}
    locked = (Approver.user == user, Approver.locked_at.is_not(None))
    unlocked = session.execute(update(Approver).where(*locked).values(free).returning(Approver.user))
    if unlocked.scalar_one_or_none() is None:
        return False
    audit.append(session, "approver.unlocked", actor=by, subject=user)
    return True


def remove(session: Session, user: str, *, by: str) -> bool:
    """Delete somebody's enrolment; return False if they are not enrolled."""
    gone = session.execute(delete(Approver).where(Approver.user == user).returning(Approver.user))
    if gone.scalar_one_or_none() is None:
        return False
    audit.append(session, "approver.removed", actor=by, subject=user)
    return True


def replace_secret(session: Session, row: Approver, secret: str) -> bool:
    """Store the same secret under another key; return False if the row has changed since it was read."""
    unchanged = (Approver.user == row.user, Approver.secret == row.secret)
    replaced = session.execute(update(Approver).where(*unchanged).values(secret=secret).returning(Approver.user))
    return replaced.scalar_one_or_none() is not None
