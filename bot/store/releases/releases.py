"""Releases of agents, and the verdict that decides whether a release may serve."""

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Release, Verdict, now
from bot.store.sql import prebuilt

_VERDICT = select(Release.verdict).where(Release.fingerprint == bindparam("release"))


def register(session: Session, *, agent: str, fingerprint: str, body: dict[str, Any]) -> None:
    """Store a release once."""
    db.insert_new(session, Release, fingerprint=fingerprint, agent=agent, body=body, created_at=now())


def verdict(session: Session, fingerprint: str) -> Verdict | None:
    """Return `pass`, `block`, or None if this exact release was never evaluated."""
    return prebuilt.rows(session, _VERDICT, release=fingerprint).scalar_one_or_none()


def get(session: Session, fingerprint: str) -> Release | None:
    """Return a release, or None."""
    return session.get(Release, fingerprint)
