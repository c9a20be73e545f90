"""What responders were told of releases: that every request goes to them, and that the agent answers again.

Invariant: each cause is told once over all workers (a row, unique), and its end once (a conditional update).
"""

from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import ReleaseNotice, Waiver, now
from bot.store.sql import prebuilt

UNEVALUATED = "unevaluated"
"The cause of a pair that no waiver has ever let serve."
_ITS_OWN = and_(ReleaseNotice.release == bindparam("of_release"), ReleaseNotice.suite == bindparam("of_suite"))
_ENDED = and_(
    ReleaseNotice.agent == bindparam("of_agent"),
    ReleaseNotice.over_at.is_(None),
    or_(_ITS_OWN, ReleaseNotice.told_at < bindparam("since")),
)
_ANY_TO_END = select(ReleaseNotice.id).where(_ENDED)
_END = update(ReleaseNotice).where(_ENDED).returning(ReleaseNotice.id)


def cause(session: Session, pair: ReleasePair) -> str:
    """Return why a pair does not serve: it never did, or its newest waiver has ended."""
    newest = select(func.max(Waiver.id)).where(Waiver.release == pair.release, Waiver.suite == pair.suite)
    waiver = session.scalars(newest).one()
    return UNEVALUATED if waiver is None else f"waiver:{waiver}"


def known(session: Session, pair: ReleasePair, why: str) -> bool:
    """Return whether responders were told of a cause."""
    same = (ReleaseNotice.release == pair.release, ReleaseNotice.suite == pair.suite, ReleaseNotice.cause == why)
    return session.scalars(select(ReleaseNotice.id).where(*same)).first() is not None


def begin(session: Session, agent: str, pair: ReleasePair, why: str) -> int | None:
    """Store that responders are told of a cause; return its id, or None: another worker has told it."""
    values = {"release": pair.release, "suite": pair.suite, "cause": why, "told_at": now()}
    return db.insert_new(session, ReleaseNotice, agent=agent, **values)


def any_to_end(session: Session, agent: str, pair: ReleasePair, *, since: datetime) -> bool:
    """Return whether responders wait to hear that the agent answers again."""
    of = {"of_agent": agent, "of_release": pair.release, "of_suite": pair.suite, "since": since}
    return prebuilt.rows(session, _ANY_TO_END, **of).first() is not None


def end(session: Session, agent: str, pair: ReleasePair, *, since: datetime) -> int | None:
    """Store that responders are told that the agent answers again.

    Args:
        session: the session.
        agent: the agent's name.
        pair: what serves now.
        since: when this process began to serve it. What was told later is of a newer folder that the process has not
            read yet, so it does not end by this pair.

    Returns:
        The id of the newest notice that has ended; None: there was none, or another worker has told it.
    """
    of = {"of_agent": agent, "of_release": pair.release, "of_suite": pair.suite, "since": since}
    return max(prebuilt.rows(session, _END, **of, over_at=now()).scalars().all(), default=None)


def told_at(session: Session, pair: ReleasePair) -> datetime | None:
    """Return when responders were last told that a pair does not serve; None: never."""
    query = select(func.max(ReleaseNotice.told_at))
    return session.scalars(query.where(ReleaseNotice.release == pair.release, ReleaseNotice.suite == pair.suite)).one()
