"""Who has left the workspace, and a short-lived copy of Slack's profiles: see `bot.slack.api.membership`."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bot.admission import Member
from bot.store import audit, db
from bot.store.schema import Departed, MemberRow, SpokenLanguage, now

SKEW = timedelta(seconds=2)
"The most by which the clocks of two processes may differ."


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


def recall(session: Session, user: str, *, since: datetime) -> Member | None:
    """Return a profile that Slack gave after a time, unless the person has changed since; None: ask Slack.

    A profile with a time in the future, stored by a process whose clock is ahead, does not count: it would seem new
    for too long.
    """
    row = session.get(MemberRow, user)
    if row is None or row.said is None or not since <= row.asked_at <= now() + SKEW:
        return None
    return Member.from_json(row.said)


def expect(session: Session, user: str) -> datetime:
    """Note that Slack is about to be asked about somebody; return the time that `remember` needs to notice a change."""
    db.insert_new(session, MemberRow, user=user, said=None, asked_at=now())
    known = session.scalars(select(MemberRow.asked_at).where(MemberRow.user == user)).one_or_none()
    return known or now()  # the row was deleted meanwhile: `remember` will then store nothing


def remember(session: Session, member: Member, *, asked_at: datetime, since: datetime) -> bool:
    """Store a profile; return False, without storing it, if the person has changed since Slack was asked.

    Args:
        session: the open write transaction.
        member: the profile.
        asked_at: when Slack was asked.
        since: what `expect` returned before that.
    """
    unchanged = update(MemberRow).where(MemberRow.user == member.id, MemberRow.asked_at == since)
    stored = unchanged.values(said=asdict(member), asked_at=asked_at).returning(MemberRow.user)
    return session.execute(stored).scalar_one_or_none() is not None


def is_kept(session: Session, user: str) -> bool:
    """Return whether a profile of somebody is stored, or Slack is being asked about them."""
    return session.get(MemberRow, user) is not None


def forget(session: Session, user: str) -> None:
    """Drop the profile of somebody who has changed, also one that Slack is being asked for."""
    session.execute(update(MemberRow).where(MemberRow.user == user).values(said=None, asked_at=now()))


def forget_all(session: Session, *, before: datetime) -> None:
    """Delete profiles that are older than a time: they are no longer used, and they hold addresses."""
    session.execute(delete(MemberRow).where(MemberRow.asked_at < before))


def any_before(session: Session, before: datetime) -> bool:
    """Return whether `forget_all` would delete anything."""
    return session.scalar(select(MemberRow.user).where(MemberRow.asked_at < before).limit(1)) is not None


def store_locale(session: Session, user: str, locale: str | None) -> None:
    """Store the language that somebody has set in Slack; None: Slack did not say."""
    if locale is None or locale_of(session, user) == locale:
        return
    if db.insert_new(session, SpokenLanguage, user=user, locale=locale) is None:
        session.execute(update(SpokenLanguage).where(SpokenLanguage.user == user).values(locale=locale))


def locale_of(session: Session, user: str) -> str | None:
    """Return the language that somebody has set in Slack, such as `de-DE`; None: unknown."""
    return session.scalars(select(SpokenLanguage.locale).where(SpokenLanguage.user == user)).one_or_none()
