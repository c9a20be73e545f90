"""The database behind a pooler: a real PgBouncer in transaction mode before the tests' PostgreSQL."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from sqlalchemy import URL, make_url, text

from bot.errors import Transient
from bot.store import db
from bot.store.tickets import ticket_messages, tickets
from tests.support.factories import accept, at_once, heard
from tests.support.redis_servers import free_port

CLIENTS, SERVERS = 6, 2
"Processes that are connected to the pooler, and connections that it has for all of them."
TIMES = 25
"More than the five uses after which psycopg prepares a statement."


@pytest.fixture
def pooled_url(postgres_url: str, tmp_path: Path) -> Iterator[URL]:
    """Return the address of an empty database behind a PgBouncer in transaction mode."""
    with pgbouncer(make_url(postgres_url), tmp_path, ignored="options") as url:
        yield url


def test_nothing_is_prepared_on_the_server(postgres: db.Database) -> None:
    """A statement that was used many times has no name there, even where the address asks for one."""
    asking = postgres.engine.url.update_query_dict({"prepare_threshold": "0"})
    for url in (postgres.engine.url, asking):
        with closing(db.connect(url.render_as_string(hide_password=False))) as database, database.read() as session:
            for number in range(TIMES):
                assert session.scalar(text("SELECT :number + 1"), {"number": number}) == number + 1
            assert session.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0


def test_processes_behind_a_pooler_never_run_each_others_statements(pooled_url: URL) -> None:
    """Each asks with a statement of its own shape and parameters, and is answered by that statement every time."""

    def ask(client: int) -> list[object]:
        statement = text(f"SELECT {client} * 1000 + CAST(:number AS integer)")
        answers: list[object] = []
        with closing(db.connect(pooled_url.render_as_string(hide_password=False))) as database:
            for number in range(TIMES):
                with database.read() as session:
                    answers.append(session.scalar(statement, {"number": number}))
        return answers

    assert at_once(CLIENTS, ask) == [[client * 1000 + number for number in range(TIMES)] for client in range(CLIENTS)]


def test_a_lock_finds_the_row_that_is_there(pooled_url: URL) -> None:
    """Processes that lock and read their tickets side by side each find their own."""
    address = pooled_url.render_as_string(hide_password=False)
    with closing(db.connect(address)) as database:
        accepted = [accept(database, heard(number, thread_ts=None)) for number in range(CLIENTS)]
    wanted = [one.ticket_id for one in accepted if one is not None]

    def lock(client: int) -> set[tuple[int, int | None]]:
        found = set()
        with closing(db.connect(address)) as database:
            for _ in range(TIMES):
                with database.write() as session:
                    [said] = ticket_messages.said(session, wanted[client])
                    found.add((tickets.lock(session, wanted[client]).id, said.ticket_id))
        return found

    assert at_once(CLIENTS, lock) == [{(ticket, ticket)} for ticket in wanted]


def test_what_a_pooler_drops_is_noticed(pooled_url: URL, postgres: db.Database) -> None:
    """The limits that a connection asks for hold without a pooler; the operator learns that one has dropped them."""
    with closing(db.connect(pooled_url.render_as_string(hide_password=False))) as database, database.read() as session:
        assert not db.notices_a_cut(session)
    with postgres.read() as session:
        assert db.notices_a_cut(session)


def test_a_pooler_that_refuses_our_options_is_told_apart(postgres_url: str, tmp_path: Path) -> None:
    """The operator reads what to change in the pooler, not that the database is away."""
    with (
        pgbouncer(make_url(postgres_url), tmp_path, ignored="extra_float_digits") as url,
        closing(db.connect(url.render_as_string(hide_password=False))) as database,
        pytest.raises(Transient, match=r"let it ignore them.*scale\.md"),
        database.read() as session,
    ):
        session.scalar(text("SELECT 1"))


@contextmanager
def pgbouncer(postgres: URL, folder: Path, *, ignored: str) -> Iterator[URL]:
    """Run a PgBouncer in transaction mode before a database, and yield the database's address behind it.

    Args:
        postgres: the database.
        folder: where its configuration is kept.
        ignored: the parameters of a connection that it drops; it refuses every other that it does not know.
    """
    port, sockets = free_port(), Path(str(postgres.query["host"]))
    # It refuses to be root, and the database's socket is its owner's alone.
    user = f"user = {sockets.owner()}" if os.getuid() == 0 else ""
    file = folder / "pgbouncer.ini"
    file.write_text(f"""
        [databases]
        {postgres.database} = host={sockets} user={postgres.username} pool_size={SERVERS}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = any
        pool_mode = transaction
        ignore_startup_parameters = {ignored}
        {user}
    """)
    url = postgres.set(host="127.0.0.1", port=port, query={})
    with (folder / "pgbouncer.log").open("wb") as log, _program(str(file), log) as process:
        try:
            _wait_for(port, process)
            yield url
        finally:
            process.kill()


def _program(file: str, log: BinaryIO) -> subprocess.Popen[bytes]:
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have PgBouncer")
        pytest.skip("no pgbouncer on PATH or in /usr/sbin")
    return subprocess.Popen([program, file], stdout=log, stderr=log)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        assert process.poll() is None, "PgBouncer ended at its start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    pytest.fail("PgBouncer did not answer")
