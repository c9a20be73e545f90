"""The causes of which owners are alerted: each is opened when it is found, told once, and closed when it is gone.

Invariant: an agent has one open alert of a kind and subject (a partial unique index ensures it), and each is told by
the one caller who takes it, so that two clocks tell it once. What is closed before anybody was told is never told.

What `detail` holds
    drift             streams: what moved, by stream; clean: checks in a row without it; examples: ids of tickets
    loop              how: what was repeated; ticket: the id of a ticket in which it was
    model_changed     asked: the model's id that was asked for; ticket, or case: the id of the probe
    evaluation_stale  days: the age of the verdict, None without one; release
    no_traffic        hours: how long nobody has asked; usual: requests in such a span in the weeks before, on average
    probes_worse      run: the run of the probes; said: what it says, in words; replaced: the release that serves now
    no_probe          last: when the release was last evaluated or probed, as ISO 8601
    silent            last: when it last reported, as ISO 8601, or None; minutes: how often it should
    sample_failed     said: what was seen; ticket. The subject is the invariant that does not hold
    sampled_quality   rate, low, high: the share of good turns, from 0 to 1; scored: how many were; baseline: its
                      release; baseline_rate, baseline_low: the share of its plays that passed. The subject is the
                      release
    write_diverged    tool; ticket; at: when it was allowed, as ISO 8601; shown, once it is over: whether the directory
                      shows it after all. The subject is the key of the write
    writes_unknown    writes: how many; ticket: the id of that of the oldest. The subject is the tool
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import AlertKind, OwnerAlert, now
from bot.store.sql import prebuilt

EVERYBODYS = "*"
"The agent of a cause that concerns the whole installation: the owners of every agent are told."
_NEW = and_(OwnerAlert.told_at.is_(None), OwnerAlert.closed_at.is_(None))
_ENDED = and_(OwnerAlert.told_at.is_not(None), OwnerAlert.closed_at.is_not(None), OwnerAlert.close_told_at.is_(None))
_READ = select(
    OwnerAlert.id,
    OwnerAlert.agent,
    OwnerAlert.kind,
    OwnerAlert.subject,
    OwnerAlert.detail,
    OwnerAlert.found_at,
    OwnerAlert.closed_at.is_not(None),
).order_by(OwnerAlert.id)
_OPEN = _READ.where(OwnerAlert.closed_at.is_(None))
_OF_AGENT = _OPEN.where(OwnerAlert.agent == bindparam("agent"))
_OF_KIND = _OF_AGENT.where(OwnerAlert.kind == bindparam("kind"))
_UNSEEN = _OPEN.where(OwnerAlert.kind == bindparam("kind"), OwnerAlert.seen_at < bindparam("since"))
_UNTOLD = _READ.where(OwnerAlert.agent == bindparam("agent"), or_(_NEW, _ENDED))


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """One cause as it is now."""

    id: int
    agent: str
    kind: AlertKind
    subject: str
    detail: Mapping[str, Any]
    found_at: datetime
    closed: bool


def open_(session: Session, agent: str, kind: AlertKind, subject: str, detail: Mapping[str, Any]) -> bool:
    """Open an alert, or note that its cause was seen again; return whether it is new."""
    at = now()
    values = {"agent": agent, "kind": kind, "subject": subject}
    new = db.insert_new(session, OwnerAlert, **values, detail=dict(detail), found_at=at, seen_at=at)
    if new is None:
        session.execute(update(OwnerAlert).where(*_open(agent, kind, subject)).values(seen_at=at))
    return new is not None


def note(session: Session, agent: str, kind: AlertKind, subject: str, detail: Mapping[str, Any]) -> None:
    """Replace what is known of an open alert."""
    session.execute(update(OwnerAlert).where(*_open(agent, kind, subject)).values(seen_at=now(), detail=dict(detail)))


def close(session: Session, agent: str, kind: AlertKind, subject: str) -> bool:
    """Close an alert; return whether it was open."""
    closed = session.execute(
        update(OwnerAlert).where(*_open(agent, kind, subject)).values(closed_at=now()).returning(OwnerAlert.id)
    )
    return closed.scalar_one_or_none() is not None


def settle(
    session: Session, agent: str, kind: AlertKind, found: Mapping[str, Mapping[str, Any]]
) -> tuple[Collection[str], Collection[str]]:
    """Open the causes that are there now and close those that are not; return the subjects that were new and closed."""
    gone = [one.subject for one in open_ones(session, agent, kind) if one.subject not in found]
    new = [subject for subject, detail in found.items() if open_(session, agent, kind, subject, detail)]
    return new, [subject for subject in gone if close(session, agent, kind, subject)]


def open_ones(session: Session, agent: str, kind: AlertKind | None = None) -> Sequence[OpenAlert]:
    """Return the open alerts of an agent, of one kind or of all, the oldest first."""
    if kind is None:
        return [OpenAlert(*row) for row in prebuilt.rows(session, _OF_AGENT, agent=agent)]
    return [OpenAlert(*row) for row in prebuilt.rows(session, _OF_KIND, agent=agent, kind=kind)]


def every_open(session: Session) -> Sequence[OpenAlert]:
    """Return the open alerts of all agents, the oldest first."""
    return [OpenAlert(*row) for row in prebuilt.rows(session, _OPEN)]


def unseen_since(session: Session, kind: AlertKind, since: datetime) -> Sequence[OpenAlert]:
    """Return the open alerts of a kind whose cause was last seen before a time."""
    return [OpenAlert(*row) for row in prebuilt.rows(session, _UNSEEN, kind=kind, since=since)]


def untold(session: Session, agent: str) -> Sequence[OpenAlert]:
    """Return what an agent's owners are to be told: new alerts, and ends of alerts that they were told of."""
    return [OpenAlert(*row) for row in prebuilt.rows(session, _UNTOLD, agent=agent)]


def told_since(session: Session, agent: str, since: datetime) -> int:
    """Return how many alerts of an agent were told since a time; ends do not count."""
    query = select(func.count()).select_from(OwnerAlert).where(OwnerAlert.agent == agent, OwnerAlert.told_at >= since)
    return session.scalars(query).one()


def take(session: Session, alert: OpenAlert) -> bool:
    """Take the telling of an alert, or of its end; return False if another caller has it."""
    stage, column = (_ENDED, "close_told_at") if alert.closed else (_NEW, "told_at")
    taken = session.execute(
        update(OwnerAlert).where(OwnerAlert.id == alert.id, stage).values({column: now()}).returning(OwnerAlert.id)
    )
    return taken.scalar_one_or_none() is not None


def _open(agent: str, kind: AlertKind, subject: str) -> tuple[Any, ...]:
    about = (OwnerAlert.agent == agent, OwnerAlert.kind == kind, OwnerAlert.subject == subject)
    return (*about, OwnerAlert.closed_at.is_(None))
