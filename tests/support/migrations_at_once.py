"""Two `deskhand migrate` that begin together on an empty PostgreSQL database."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, create_engine, make_url, text

from bot.store import db
from bot.store.installation.revisions import ONE_AT_A_TIME
from tests.support import forked_processes
from tests.support.worker_harness import SECONDS, wait_for

WAITING = text("""SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted""")
MIGRATED = b"The schema is up to date"


@contextmanager
def empty_database(beside: str) -> Iterator[URL]:
    """Make a database without any table beside another one, and yield its address."""
    here = make_url(beside)
    url = here.set(database=f"empty_{uuid4().hex}")
    admin = create_engine(here, isolation_level="AUTOCOMMIT")
    with closing(admin.connect()) as connection:
        connection.execute(text(f"CREATE DATABASE {url.database}"))
        try:
            yield url
        finally:
            connection.execute(text(f"DROP DATABASE {url.database} WITH (FORCE)"))
    admin.dispose()


def migrate_twice(empty: URL, way: URL, folder: Path) -> tuple[list[int], int, bool]:
    """Let both wait for their turn, which the test has, before either migrates.

    Args:
        empty: the address of the database itself.
        way: the address that both are given.
        folder: where they write what they say.

    Returns:
        Their exit codes, how many say that the schema is up to date, and whether it is and no lock is left.
    """
    engine, address = create_engine(empty, isolation_level="AUTOCOMMIT"), way.render_as_string(hide_password=False)
    with engine.connect() as first, (folder / "log").open("w+b") as log:
        first.execute(text(f"SELECT pg_advisory_lock({ONE_AT_A_TIME})"))
        environment = {**os.environ, "DATABASE_URL": address}
        migrating = [forked_processes.start(["bot.cli", "migrate"], environment, output=log) for _ in range(2)]
        wait_for("both to wait", lambda: first.scalar(WAITING) == 2)
        first.execute(text(f"SELECT pg_advisory_unlock({ONE_AT_A_TIME})"))
        codes = [one.wait(SECONDS) for one in migrating]
        log.seek(0)
        said = log.read().count(MIGRATED)
        with closing(db.connect(address)) as database:
            sound = db.pending(database) is None
        free = first.scalar(text(f"SELECT pg_try_advisory_lock({ONE_AT_A_TIME})")) is True
    engine.dispose()
    return codes, said, sound and free
