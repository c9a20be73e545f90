"""When each kind of process could last commit, the signer last signed, and Slack last dropped events."""

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Heartbeat, now

Kind = Literal["clock", "web", "socket", "worker", "dropped", "checkpoint"]


def give(session: Session, kind: Kind, *, who: str, at: datetime | None = None) -> None:
    """Store a heartbeat over the last one of its kind: of now, or of the time (UTC) at which it was seen elsewhere."""
    db.upsert(session, Heartbeat, kind=kind, who=who, at=at or now())


def last(session: Session, kind: Kind) -> tuple[str, datetime] | None:
    """Return who gave the last heartbeat of a kind and when (UTC), or None."""
    found = session.execute(select(Heartbeat.who, Heartbeat.at).where(Heartbeat.kind == kind)).one_or_none()
    return None if found is None else (found.who, found.at)
