"""The last time that each kind of process could commit, and the last time that Slack dropped events."""

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Heartbeat, now

Kind = Literal["clock", "web", "dropped"]


def give(session: Session, kind: Kind, *, who: str) -> None:
    """Store a heartbeat over the last one of its kind."""
    db.upsert(session, Heartbeat, kind=kind, who=who, at=now())


def last(session: Session, kind: Kind) -> tuple[str, datetime] | None:
    """Return who gave the last heartbeat of a kind and when (UTC), or None."""
    found = session.execute(select(Heartbeat.who, Heartbeat.at).where(Heartbeat.kind == kind)).one_or_none()
    return None if found is None else (found.who, found.at)
