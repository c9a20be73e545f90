"""Who has left the workspace, and for a minute what Slack last said of somebody: see `bot.slack.api.membership`."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bot.admission import Member
from bot.store import audit, db
from bot.store.schema import Departed, MemberRow, SpokenLanguage, now

SKEW = timedelta(seconds=2)
"By how much the clocks of processes may differ."


def left(session: Session, user: str) -> bool:
    """Note that somebody has left; say if that is news."""
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
    """Say if somebody has left."""
    return session.get(Departed, user) is not None


def left_of(session: Session, users: Collection[str]) -> frozenset[str]:
    """Return those of these people who have left."""
    return frozenset(session.scalars(select(Departed.user).where(Departed.user.in_(users))))


def departed(session: Session, *, most: int) -> Sequence[str]:
    """Return at most `most` of those who have left; when there are more, others each time."""
    return session.scalars(select(Departed.user).order_by(func.random()).limit(most)).all()


def recall(session: Session, user: str, *, since: datetime) -> Member | None:
    """Return what Slack has said of somebody since a moment, unless they have changed meanwhile.

    What was asked in our future, by a process whose clock is ahead, would seem new for too long: it does not count.
    """
    row = session.get(MemberRow, user)
    if row is None or row.said is None or not since <= row.asked_at <= now() + SKEW:
        return None
    return Member.from_json(row.said)


def expect(session: Session, user: str) -> datetime:
    """Return what `remember` is held against: a change of somebody from here on outdates what Slack is being asked."""
    db.insert_new(session, MemberRow, user=user, said=None, asked_at=now())
    known = session.scalars(select(MemberRow.asked_at).where(MemberRow.user == user)).one_or_none()
    return known or now()  # a row that is dropped this very moment; nothing is kept then, and it is asked again


def remember(session: Session, member: Member, *, asked_at: datetime, since: datetime) -> bool:
    """Keep what Slack has said of somebody; return whether nothing else was heard of them meanwhile.

    Args:
        session: the open write transaction.
        member: what it said.
        asked_at: when it was asked.
        since: what `expect` returned before it was asked.
    """
    unchanged = update(MemberRow).where(MemberRow.user == member.id, MemberRow.asked_at == since)
    kept = unchanged.values(said=asdict(member), asked_at=asked_at).returning(MemberRow.user)
    return session.execute(kept).scalar_one_or_none() is not None


def is_kept(session: Session, user: str) -> bool:
    """Return whether something is kept of somebody, or being asked about them."""
    return session.get(MemberRow, user) is not None


def forget(session: Session, user: str) -> None:
    """Drop what is kept of somebody, and what Slack is being asked about them: they have changed."""
    session.execute(update(MemberRow).where(MemberRow.user == user).values(said=None, asked_at=now()))


def forget_all(session: Session, *, before: datetime) -> None:
    """Drop what was said before a moment: it is of no use by now, and it holds addresses."""
    session.execute(delete(MemberRow).where(MemberRow.asked_at < before))


def any_before(session: Session, before: datetime) -> bool:
    """Return whether there is anything that `forget_all` would drop."""
    return session.scalar(select(MemberRow.user).where(MemberRow.asked_at < before).limit(1)) is not None


def speaks(session: Session, user: str, locale: str | None) -> None:
    """Keep the language that somebody has set in Slack, if it is not the one that is kept; None says nothing of it."""
    if locale is None or locale_of(session, user) == locale:
        return
    if db.insert_new(session, SpokenLanguage, user=user, locale=locale) is None:
        session.execute(update(SpokenLanguage).where(SpokenLanguage.user == user).values(locale=locale))


def locale_of(session: Session, user: str) -> str | None:
    """Return the language that somebody has set in Slack, as Slack last said it; None while it is unknown."""
    return session.scalars(select(SpokenLanguage.locale).where(SpokenLanguage.user == user)).one_or_none()
