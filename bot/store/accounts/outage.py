"""Takes the local directory away from a running demo, and gives it back: its calls then fail as if it were down.

Each database fails by an error that says to come again. To SQLite a table that is missing is one; PostgreSQL would call
it a fault of the statement, so there a view in the table's place says that the server is not ready.
"""

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

TABLE, AWAY = "accounts", "accounts_away"
_STAND_IN = (
    """CREATE FUNCTION accounts_are_away() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
    BEGIN RAISE EXCEPTION 'the accounts are away' USING ERRCODE = 'cannot_connect_now'; END $$""",
    "CREATE VIEW accounts AS SELECT * FROM accounts_away WHERE accounts_are_away()",
)
"Stable, so that PostgreSQL evaluates it once, before it reads: a query that matches no account fails too."


def begin(session: Session) -> None:
    """Take the accounts away, unless they are."""
    if inspect(session.connection()).has_table(AWAY):
        return
    session.execute(text(f"ALTER TABLE {TABLE} RENAME TO {AWAY}"))
    if _is_postgres(session):
        for statement in _STAND_IN:
            session.execute(text(statement))


def end(session: Session) -> None:
    """Give the accounts back, unless they are there."""
    if not inspect(session.connection()).has_table(AWAY):
        return
    if _is_postgres(session):
        session.execute(text(f"DROP VIEW {TABLE}"))
        session.execute(text("DROP FUNCTION accounts_are_away"))
    session.execute(text(f"ALTER TABLE {AWAY} RENAME TO {TABLE}"))


def _is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
