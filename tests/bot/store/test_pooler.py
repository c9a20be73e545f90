"""The database behind a pooler: a real PgBouncer in transaction mode before the tests' PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from bot.errors import Transient
from bot.store import db
from bot.store.tickets import ticket_messages, tickets
from tests.support import migrations_at_once
from tests.support.byte_tunnel import byte_tunnel
from tests.support.factories import accept, at_once, heard
from tests.support.pooler import AS_SHIPPED, Pooler, pooled

pytestmark = pytest.mark.unpooled("these tests run poolers of their own")

CLIENTS, SERVERS = 6, 2
"Processes that are connected to the pooler, and connections that it has for all of them."
TIMES = 25
"More than the five uses after which psycopg prepares a statement."


@pytest.fixture(params=["options", AS_SHIPPED], ids=["drops our options", "refuses our options"])
def pooler(request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path) -> Iterator[Pooler]:
    """Run a PgBouncer before an empty database."""
    with pooled(postgres_url, tmp_path, servers=SERVERS, ignored=request.param) as pooler:
        yield pooler


@pytest.fixture
def behind(pooler: Pooler) -> Iterator[db.Database]:
    """Return the database as a process behind the pooler has it."""
    with closing(db.connect(pooler.url)) as database:
        yield database


def _prepared(url: str) -> int:
    """Return how many statements a connection has prepared after each of its statements was used many times."""
    with closing(db.connect(url)) as database, database.read() as session:
        for number in range(TIMES):
            assert session.scalar(text("SELECT :number + 1"), {"number": number}) == number + 1
        return int(session.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one())


def test_nothing_is_prepared_behind_a_pooler(pooler: Pooler) -> None:
    """A statement that was used many times has no name there, by either way, even where the address asks for one."""
    for url in (pooler.url, pooler.socket_url):
        asking = make_url(url).update_query_dict({"prepare_threshold": "0"})
        assert _prepared(url) == 0
        assert _prepared(asking.render_as_string(hide_password=False)) == 0


@pytest.mark.unpooled("it is about a direct connection")
def test_a_direct_connection_prepares_what_it_uses_often(postgres_url: str) -> None:
    """So the server does not parse and plan it again."""
    assert _prepared(postgres_url) == 1


@pytest.mark.unpooled("it is about a direct connection")
def test_a_statement_that_a_migration_has_outdated_is_prepared_anew(postgres_url: str) -> None:
    """A process that used it before a column changed its type fails once, as if the database had been away."""

    def ask(database: db.Database) -> None:
        with database.read() as session:
            session.execute(text("SELECT word FROM changing")).all()

    def change(migrating: db.Database, statement: str) -> None:
        with migrating.write() as session:
            session.execute(text(statement))

    with closing(db.connect(postgres_url)) as migrating, closing(db.connect(postgres_url)) as database:
        change(migrating, "CREATE TABLE changing (word varchar(8))")
        for _ in range(TIMES):
            ask(database)
        change(migrating, "ALTER TABLE changing ALTER COLUMN word TYPE text")
        with pytest.raises(Transient):
            ask(database)
        ask(database)


@pytest.mark.unpooled("the process that forwards stands before the server itself")
def test_nothing_is_prepared_through_another_process(postgres_url: str) -> None:
    """One that forwards every byte, the number of the server's process too, might be a pooler all the same."""
    url = make_url(postgres_url)
    with byte_tunnel(f"{url.query['host']}/.s.PGSQL.{url.port or 5432}") as port:
        forwarded = url.set(host="127.0.0.1", port=port, query={})
        assert _prepared(forwarded.render_as_string(hide_password=False)) == 0


def test_processes_behind_a_pooler_never_run_each_others_statements(pooler: Pooler) -> None:
    """Each asks with a statement of its own shape and parameters, and is answered by that statement every time."""

    def ask(client: int) -> list[object]:
        statement = text(f"SELECT {client} * 1000 + CAST(:number AS integer)")
        answers: list[object] = []
        with closing(db.connect(pooler.url)) as database:
            for number in range(TIMES):
                with database.read() as session:
                    answers.append(session.scalar(statement, {"number": number}))
        return answers

    assert at_once(CLIENTS, ask) == [[client * 1000 + number for number in range(TIMES)] for client in range(CLIENTS)]


def test_migrations_behind_a_pooler_take_turns(postgres_url: str, tmp_path: Path) -> None:
    """The lock ends with its transaction, so that no other client of the pooler gets a connection that holds it."""
    with migrations_at_once.empty_database(postgres_url) as empty:
        address = empty.render_as_string(hide_password=False)
        with pooled(address, tmp_path, servers=SERVERS) as pooler:
            assert migrations_at_once.migrate_twice(empty, make_url(pooler.url), tmp_path) == ([0, 0], 2, True)


def test_a_lock_finds_the_row_that_is_there(pooler: Pooler, behind: db.Database) -> None:
    """Processes that lock and read their tickets side by side each find their own."""
    accepted = [accept(behind, heard(number, thread_ts=None)) for number in range(CLIENTS)]
    wanted = [one.ticket_id for one in accepted if one is not None]

    def lock(client: int) -> set[tuple[int, int | None]]:
        found = set()
        with closing(db.connect(pooler.url)) as database:
            for _ in range(TIMES):
                with database.write() as session:
                    [said] = ticket_messages.said(session, wanted[client])
                    found.add((tickets.lock(session, wanted[client]).id, said.ticket_id))
        return found

    assert at_once(CLIENTS, lock) == [{(ticket, ticket)} for ticket in wanted]


def test_a_transaction_has_the_limit_that_its_connection_could_not_ask_for(
    behind: db.Database, postgres: db.Database
) -> None:
    """It has it for itself alone: the server's connection, which others get next, stays as it was."""
    for database in (behind, postgres):
        for opened in (database.read, database.write):
            with opened() as session:
                assert db.notices_a_cut(session)
    for number in range(TIMES):
        with behind.look() as session:
            assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"
        with behind.write() as session:
            assert session.scalar(text("SELECT :number + 1"), {"number": number}) == number + 1


def test_a_silent_client_behind_a_pooler_loses_its_locks(pooler: Pooler, behind: db.Database) -> None:
    """Another process gets the ticket, though the pooler itself is as lively as ever."""
    accepted = accept(behind, heard(1, thread_ts=None))
    assert accepted is not None
    with suppress(Transient), behind.write() as session:
        tickets.lock(session, accepted.ticket_id)
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        with closing(db.connect(pooler.url)) as other, other.write() as another:
            assert tickets.lock(another, accepted.ticket_id).id == accepted.ticket_id
        session.execute(text("SELECT 1"))
        pytest.fail("it was not ended")


def test_a_limit_of_the_role_is_left_alone(postgres_url: str, pooler: Pooler) -> None:
    """What the operator has set on the database or the role is what each transaction has."""
    name = make_url(postgres_url).database
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '7s'")
        try:
            with closing(db.connect(pooler.url)) as database, database.write() as session:
                assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "7s"
        finally:
            admin.execute(f"ALTER DATABASE {name} RESET idle_in_transaction_session_timeout")


def test_options_of_the_address_are_not_left_out(postgres_url: str, tmp_path: Path) -> None:
    """A pooler that refuses them is told apart from a database that is away: it might answer with another schema."""
    with pooled(postgres_url, tmp_path, servers=SERVERS) as pooler:
        address = make_url(pooler.url).update_query_dict({"options": "-c search_path=desk"})
        with (
            closing(db.connect(address.render_as_string(hide_password=False))) as database,
            pytest.raises(Transient, match=r"refuses the `options` of DATABASE_URL.*scale\.md"),
            database.read() as session,
        ):
            session.scalar(text("SELECT 1"))


def test_a_pooler_that_was_away_is_used_again(pooler: Pooler, behind: db.Database) -> None:
    """A transaction while it is away is worth another try, and the first one after it goes through."""
    with behind.read() as session:
        assert session.scalar(text("SELECT 1")) == 1
    pooler.kill()
    with pytest.raises(Transient), behind.read() as session:
        session.scalar(text("SELECT 1"))
    pooler.start()
    with behind.read() as session:
        assert session.scalar(text("SELECT 1")) == 1
