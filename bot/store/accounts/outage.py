"""Takes the local directory away from a running demo, and gives it back: its calls then fail as if it were down."""

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

TABLE, AWAY = "accounts", "accounts_away"


def begin(session: Session) -> None:
    """Take the accounts away, unless they are."""
    if inspect(session.connection()).has_table(TABLE):
        session.execute(text(f"ALTER TABLE {TABLE} RENAME TO {AWAY}"))


def end(session: Session) -> None:
    """Give the accounts back, unless they are there."""
    if inspect(session.connection()).has_table(AWAY):
        session.execute(text(f"ALTER TABLE {AWAY} RENAME TO {TABLE}"))
