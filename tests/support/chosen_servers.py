"""The servers that somebody chooses for a run of the tests, in place of those that it has by itself.

The environment names them: `DESKHAND_TEST_REDIS_SERVER` is the path of a redis-server or of a valkey-server, and with
`DESKHAND_TEST_PGBOUNCER` every test's PostgreSQL is behind a PgBouncer in transaction mode.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy

from bot.sandbox.demo.processes import CannotRun, redis_server
from tests.support.pooler import Pooler, pooled

REDIS, PGBOUNCER = "DESKHAND_TEST_REDIS_SERVER", "DESKHAND_TEST_PGBOUNCER"
POOL_SIZE = 20
"Connections to each database that the pooler has for all clients."


def take_redis(config: pytest.Config) -> None:
    """Put the chosen Redis first on PATH until the end of the run, under the name by which everything looks for one."""
    chosen = os.environ.get(REDIS)
    if chosen is None:
        return
    program = Path(chosen).absolute()
    if not os.access(program, os.X_OK):
        raise pytest.UsageError(f"{REDIS}: there is no program {program}")
    folder = tempfile.TemporaryDirectory(prefix="deskhand-redis-")
    config.add_cleanup(folder.cleanup)
    os.environ["PATH"] = path_with(program, Path(folder.name))


def path_with(program: Path, folder: Path) -> str:
    """Return a PATH on which a program is the first redis-server; a link to it is put into an empty folder."""
    (folder / "redis-server").symlink_to(program)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@contextmanager
def pooler_before(address: sqlalchemy.URL, folder: Path) -> Iterator[Pooler | None]:
    """Run a PgBouncer before a server's databases if that is asked for; else there is none."""
    if not is_pooled():
        yield None
        return
    with pooled(address.render_as_string(hide_password=False), folder, servers=POOL_SIZE) as pooler:
        yield pooler


def is_pooled() -> bool:
    """Return whether the tests' PostgreSQL is to be behind a pooler."""
    return bool(os.environ.get(PGBOUNCER))


def summary() -> str:
    """Return the line that says what the tests ran on."""
    try:
        told = subprocess.run([redis_server(), "--version"], capture_output=True, text=True, check=True).stdout
    except CannotRun:
        told = "no redis-server"
    return f"ran on {told.split(' sha=')[0].strip()}{', PostgreSQL behind PgBouncer' if is_pooled() else ''}"
