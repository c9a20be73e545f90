"""The prices from which the costs of ledger rows were computed, each version once."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import PriceVersion, now


def keep(session: Session, version: str, rates: dict[str, Any]) -> None:
    """Store the rates of a version, once."""
    db.insert_new(session, PriceVersion, version=version, rates=rates, seen_at=now())


def of(session: Session, version: str) -> dict[str, Any] | None:
    """Return the rates of a version, or None if no process has started with it."""
    return session.scalars(select(PriceVersion.rates).where(PriceVersion.version == version)).one_or_none()
