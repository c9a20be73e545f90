"""A real PgBouncer in transaction mode before the tests' PostgreSQL, which a test may kill and start again."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from tests.support.redis_servers import free_port

AS_SHIPPED = "extra_float_digits"
"A parameter that a connection may have: an installation of PgBouncer that names ours nowhere refuses them."


@dataclass
class Pooler:
    """A PgBouncer of the test's own."""

    address: URL
    "Of the database that it was started for, past it."
    port: int
    file: Path
    "Its configuration."
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        """Return that database's address behind it."""
        return self.before(self.address).render_as_string(hide_password=False)

    @property
    def socket_url(self) -> str:
        """Return the same by a socket of this machine, as the server itself has one."""
        return self.address.set(port=self.port).render_as_string(hide_password=False)

    def before(self, address: URL) -> URL:
        """Return the way through it to a database of its server."""
        return address.set(host="127.0.0.1", port=self.port, query={})

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with self.file.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen([_program(), str(self.file)], stdout=log, stderr=log)
        for _ in range(6_000):
            assert self.process.poll() is None, "PgBouncer ended at its start"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except ConnectionRefusedError:
                time.sleep(0.01)
            else:
                return
        pytest.fail("PgBouncer did not answer")

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.process.kill()
        self.process.wait()


@contextmanager
def pooled(address: str, folder: Path, *, servers: int, ignored: str = AS_SHIPPED) -> Iterator[Pooler]:
    """Run a PgBouncer before a server's databases.

    Args:
        address: of one of them, whose server has a socket on this machine.
        folder: where its configuration is kept.
        servers: connections to a database that it has for all of its clients.
        ignored: the parameters of a connection that it drops; it refuses every other that it does not know.
    """
    postgres, port = make_url(address), free_port()
    sockets = Path(str(postgres.query["host"]))
    # It refuses to be root, and the database's socket is its owner's alone.
    user = f"user = {sockets.owner()}" if os.getuid() == 0 else ""
    file = folder / "pgbouncer.ini"
    file.write_text(f"""
        [databases]
        * = host={sockets} user={postgres.username} pool_size={servers}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir = {sockets}
        auth_type = any
        pool_mode = transaction
        ignore_startup_parameters = {ignored}
        {user}
    """)
    pooler = Pooler(postgres, port, file)
    pooler.start()
    try:
        yield pooler
    finally:
        pooler.kill()


def pooler_program() -> str | None:
    """Return the path of PgBouncer; None where there is none, which must not be in CI."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None and os.environ.get("CI"):
        pytest.fail("CI must have PgBouncer")
    return program


def _program() -> str:
    program = pooler_program()
    if program is None:
        pytest.skip("no pgbouncer on PATH or in /usr/sbin")
    return program
