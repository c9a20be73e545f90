"""What the mark in a database says of whose it is."""

from bot.store.db import Database
from bot.store.installation import marks


def marked_team(database: Database) -> str | None:
    """Return the workspace of the mark."""
    with database.read() as session:
        seen = marks.read(session)
    assert seen is not None
    return seen.team
