"""Waivers: an owner answers for a release whose verdict is no pass, until a moment that they name.

Invariant: a waiver counts for the run whose verdict its owner has read, and never beyond `ends_at`; who may sign which
one is decided in `bot.releases.waiving`.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from bot.store import audit
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import Waiver, now
from bot.store.sql import prebuilt

_ANY_OVER = (
    select(Waiver.id)
    .where(Waiver.expired_at.is_(None), Waiver.revoked_at.is_(None), Waiver.ends_at <= bindparam("at"))
    .limit(1)
)


def sign(session: Session, pair: ReleasePair, *, run_id: int, owner: str, reason: str, ends_at: datetime) -> Waiver:
    """Store a waiver of the verdict of a run, and audit it."""
    waiver = Waiver(
        release=pair.release,
        suite=pair.suite,
        run_id=run_id,
        owner=owner,
        reason=reason,
        signed_at=now(),
        ends_at=ends_at,
    )
    session.add(waiver)
    session.flush()
    audit.append(
        session,
        "release.waived",
        actor=owner,
        waiver=waiver.id,
        release=pair.release,
        suite=pair.suite,
        run=run_id,
        reason=reason,
        ends_at=ends_at.isoformat(),
    )
    return waiver


def in_force(session: Session, pair: ReleasePair, *, run_id: int) -> Sequence[Waiver]:
    """Return the waivers by which a pair serves now under the verdict of a run, the oldest first."""
    theirs = (Waiver.release == pair.release, Waiver.suite == pair.suite, Waiver.run_id == run_id)
    query = select(Waiver).where(*theirs, Waiver.revoked_at.is_(None), Waiver.ends_at > now())
    return session.scalars(query.order_by(Waiver.id)).all()


def revoke(session: Session, waiver_id: int, by: str) -> Waiver | None:
    """End a waiver before its time, and audit it; None: it was not in force."""
    mine = update(Waiver).where(Waiver.id == waiver_id, Waiver.revoked_at.is_(None), Waiver.ends_at > now())
    if session.scalar(mine.values(revoked_at=now(), revoked_by=by).returning(Waiver.id)) is None:
        return None
    waiver = session.get_one(Waiver, waiver_id, populate_existing=True)
    audit.append(session, "waiver.revoked", actor=by, waiver=waiver_id, release=waiver.release)
    return waiver


def expire(session: Session) -> Sequence[Waiver]:
    """Note each waiver that has ended by itself, once, and audit it; return those noted now."""
    due = update(Waiver).where(Waiver.expired_at.is_(None), Waiver.revoked_at.is_(None), Waiver.ends_at <= now())
    ids = session.scalars(due.values(expired_at=now()).returning(Waiver.id)).all()
    ended = [session.get_one(Waiver, one, populate_existing=True) for one in sorted(ids)]
    for one in ended:
        audit.append(session, "waiver.expired", actor="clock", waiver=one.id, release=one.release)
    return ended


def any_to_expire(session: Session) -> bool:
    """Return whether a waiver has ended by itself that was not noted yet."""
    return prebuilt.rows(session, _ANY_OVER, at=now()).first() is not None


def of_release(session: Session, release: str) -> Sequence[Waiver]:
    """Return every waiver of a release, the newest first."""
    return session.scalars(select(Waiver).where(Waiver.release == release).order_by(Waiver.id.desc())).all()
