"""What the reads of a block share, and how the errors of a database that cannot be reached are translated."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.errors import ConfigError, Transient

_UNREADABLE = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
DAMAGED = (
    "database: the file at DATABASE_URL is damaged, or no SQLite database: correct the address, or put a backup back"
)

NO_RIGHT = "42501"
"PostgreSQL's code of an error for a right that a role lacks (insufficient_privilege)."
NO_RIGHT_HERE = "its role may not read it: run `deskhand migrate` with DATABASE_OWNER_URL, which lets it"
"Of a role that no migration has given its rights, and what to do."


def lacks_a_right(error: DBAPIError) -> bool:
    """Return whether PostgreSQL has refused something to a role."""
    return getattr(error.__cause__, "sqlstate", None) == NO_RIGHT


@dataclass(slots=True)
class SharedLook:
    """The session that the reads of a block share."""

    of: Engine
    "Whose reads share it."
    engine: Engine
    ends: ExitStack
    "Ends it, when the block ends."
    _session: Session | None = field(default=None, init=False)

    def session(self) -> Session:
        """Return it; the first call begins it."""
        if self._session is None:
            session = self.ends.enter_context(Session(self.engine, expire_on_commit=False))
            self.ends.enter_context(session.begin())
            self._session = session
        return self._session


TOGETHER: ContextVar[SharedLook | None] = ContextVar("look_together", default=None)


@contextmanager
def translated() -> Iterator[None]:
    """Translate the errors of a database that cannot be reached, and of a file that is none."""
    try:
        yield
    except sqlalchemy.exc.TimeoutError as error:  # every connection of the pool is in use
        raise Transient("database: no free connection") from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _UNREADABLE:  # the low byte of a more precise code
            raise ConfigError(DAMAGED) from error
        if error.connection_invalidated or isinstance(error, sqlalchemy.exc.OperationalError):
            raise Transient(f"database: {error.orig}") from error
        raise
