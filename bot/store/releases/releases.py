"""Releases of agents, each stored once under its fingerprint, with the files that it was made of."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.releases import kept_files
from bot.store.schema import Release, now


def register(
    session: Session, *, agent: str, fingerprint: str, body: dict[str, Any], files: Mapping[str, str] | None = None
) -> None:
    """Store a release once, and its files.

    Args:
        session: the session.
        agent: the agent's name.
        fingerprint: names the release.
        body: the content of which the fingerprint is the hash.
        files: the texts of its folder's files by name; what decides no behaviour in them is as first stored.
    """
    db.insert_new(session, Release, fingerprint=fingerprint, agent=agent, body=body, created_at=now())
    kept_files.keep(session, fingerprint, files or {})


def lock(session: Session, fingerprint: str) -> None:
    """Lock a release until the transaction ends."""
    session.get(Release, fingerprint, with_for_update=True, populate_existing=True)


def of_agents(session: Session, agents: Collection[str]) -> Sequence[Release]:
    """Return every release of these agents, the newest first."""
    query = select(Release).where(Release.agent.in_(agents))
    return session.scalars(query.order_by(Release.agent, Release.created_at.desc(), Release.fingerprint)).all()


def get(session: Session, fingerprint: str) -> Release | None:
    """Return a release, or None."""
    return session.get(Release, fingerprint)
