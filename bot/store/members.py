"""Who has left the workspace, and a short-lived copy of Slack's profiles: see `bot.slack.api.membership`."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from bot import durations
from bot.admission import Member
from bot.store import audit, db
from bot.store.schema import Departed, MemberRow, SpokenLanguage, now
from bot.store.sql import prebuilt

SKEW = timedelta(seconds=2)
"The most by which the clocks of two processes may differ."
_PROFILE = select(MemberRow.said, MemberRow.asked_at).where(MemberRow.user == bindparam("whose"))
_NOBODY_ASKS = or_(MemberRow.asking_until.is_(None), MemberRow.asking_until <= bindparam("at"))
_OUTDATED = and_(MemberRow.asked_at < bindparam("before"), _NOBODY_ASKS)
"True of the profiles to delete; the row of a person whom Slack is being asked about stays."
_ANY_OUTDATED = select(MemberRow.user).where(_OUTDATED).limit(1)
_FORGET = delete(MemberRow).where(_OUTDATED)
_STORE = (
    update(MemberRow)
    .where(MemberRow.user == bindparam("whose"), MemberRow.asked_at == bindparam("version"))
    .returning(MemberRow.user)
)
_LOCALE = select(SpokenLanguage.locale).where(SpokenLanguage.user == bindparam("whose"))


def note_departure(session: Session, user: str) -> bool:
    """Note that somebody has left; return False if that was known."""
    is_new = db.insert_new(session, Departed, user=user) is not None
    if is_new:
        audit.append(session, "member.left", actor="slack", subject=user)
    return is_new


def note_return(session: Session, user: str) -> None:
    """Note that somebody is a member again."""
    gone = delete(Departed).where(Departed.user == user).returning(Departed.user)
    if session.execute(gone).scalar_one_or_none() is not None:
        audit.append(session, "member.returned", actor="slack", subject=user)


def has_left(session: Session, user: str) -> bool:
    """Return whether somebody has left."""
    return session.get(Departed, user) is not None


def left_of(session: Session, users: Collection[str]) -> frozenset[str]:
    """Return which of these people have left."""
    return frozenset(session.scalars(select(Departed.user).where(Departed.user.in_(users))))


def departed(session: Session, *, most: int) -> Sequence[str]:
    """Return at most `most` of the people who have left, chosen at random."""
    return session.scalars(select(Departed.user).order_by(func.random()).limit(most)).all()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The right of one process to ask Slack about somebody, which ends by itself."""

    user: str
    version: datetime
    "What `asked_at` was when it began: any change of the person changes it."
    until: datetime


def recall(session: Session, user: str) -> Member | None:
    """Return what Slack said within `PROFILE_KEPT`, unless the person has changed since; None: ask Slack.

    A profile with a time in the future, stored by a process whose clock is ahead, does not count: it would seem new
    for too long.
    """
    row = prebuilt.rows(session, _PROFILE, whose=user).one_or_none()
    return None if row is None else _good(row.said, row.asked_at)


def is_inquired(session: Session, user: str) -> bool:
    """Return whether a process is asking Slack about somebody right now."""
    until = session.scalar(select(MemberRow.asking_until).where(MemberRow.user == user))
    return until is not None and until > now()


def begin_inquiry(session: Session, user: str) -> Inquiry | None:
    """Take the right to ask Slack about somebody; None: another process has it, or has just had an answer."""
    at = now()
    until = at + timedelta(seconds=durations.PROFILE_INQUIRY)
    taking = _taking(session.get_bind().dialect.name)
    row = prebuilt.rows(session, taking, user=user, said=None, asked_at=at, asking_until=until, at=at).one_or_none()
    if row is None:
        return None
    inquiry = Inquiry(user, row.asked_at, until)
    if _good(row.said, row.asked_at) is not None:
        _end(session, inquiry)
        return None
    return inquiry


@cache
def _taking(dialect: str) -> ReturningInsert[Any]:
    """Return the statement that takes the right to ask about somebody, known or not, if nobody has it."""
    taken = prebuilt.upsertion_if(dialect, MemberRow, ("user",), ("asking_until",), _NOBODY_ASKS)
    return taken.returning(MemberRow.said, MemberRow.asked_at)


def end_inquiry(session: Session, inquiry: Inquiry, said: Member | None, *, asked_at: datetime) -> bool:
    """Let others ask again, and store what Slack has said; return whether that was stored.

    Args:
        session: the open write transaction.
        inquiry: the right that ends.
        said: the profile, which is not stored if the person has changed since; None: Slack gave none.
        asked_at: when Slack was asked.
    """
    is_stored = False
    if said is not None:
        of = {"whose": inquiry.user, "version": inquiry.version}
        new = {"said": asdict(said), "asked_at": asked_at, "asking_until": None}
        is_stored = prebuilt.rows(session, _STORE, **of, **new).one_or_none() is not None
    if not is_stored:
        _end(session, inquiry)
    return is_stored


def _end(session: Session, inquiry: Inquiry) -> None:
    """Give an inquiry up, unless it has expired and is another process's by now."""
    own = (MemberRow.user == inquiry.user, MemberRow.asking_until == inquiry.until)
    session.execute(update(MemberRow).where(*own).values(asking_until=None))


def _good(said: dict[str, Any] | None, asked_at: datetime) -> Member | None:
    at = now()
    if said is None or not at - timedelta(seconds=durations.PROFILE_KEPT) <= asked_at <= at + SKEW:
        return None
    return Member.from_json(said)


def is_kept(session: Session, user: str) -> bool:
    """Return whether a profile of somebody is stored, or Slack is being asked about them."""
    return session.get(MemberRow, user) is not None


def forget(session: Session, user: str) -> None:
    """Drop the profile of somebody who has changed, also one that Slack is being asked for."""
    session.execute(update(MemberRow).where(MemberRow.user == user).values(said=None, asked_at=now()))


def forget_all(session: Session, *, before: datetime) -> None:
    """Delete profiles that are older than a time: they are no longer used, and they hold addresses."""
    prebuilt.run(session, _FORGET, before=before, at=now())


def any_before(session: Session, before: datetime) -> bool:
    """Return whether `forget_all` would delete anything."""
    return prebuilt.rows(session, _ANY_OUTDATED, before=before, at=now()).first() is not None


def store_locale(session: Session, user: str, locale: str | None) -> None:
    """Store the language that somebody has set in Slack; None: Slack did not say."""
    if locale is not None:
        storing = _storing_locale(session.get_bind().dialect.name)
        prebuilt.run(session, storing, user=user, locale=locale, said=locale)


@cache
def _storing_locale(dialect: str) -> ReturningInsert[Any]:
    """Return the statement that stores a language, unless it is stored already."""
    is_new = SpokenLanguage.locale != bindparam("said")
    return prebuilt.upsertion_if(dialect, SpokenLanguage, ("user",), ("locale",), is_new)


def locale_of(session: Session, user: str) -> str | None:
    """Return the language that somebody has set in Slack, such as `de-DE`; None: unknown."""
    return prebuilt.rows(session, _LOCALE, whose=user).scalar_one_or_none()
