"""The PostgreSQL databases that one process lends to its tests: emptying one is far quicker than making another."""

from uuid import uuid4

import psycopg
import sqlalchemy

from tests.support import kept_connections
from tests.support.emptying import EMPTYING
from tests.support.pooler import Pooler
from tests.support.postgres_server import PostgresServer

_STEPS = "; ".join(f"PERFORM {one.removeprefix('SELECT ')}" if one.startswith("SELECT ") else one for one in EMPTYING)
_PREPARE = f"""SET session_replication_role = replica;
CREATE FUNCTION pg_temp.empty_all() RETURNS void LANGUAGE plpgsql AS $all$ BEGIN {_STEPS}; END $all$"""
"A function of the connection's own keeps the plans of all these statements, which would take most of the time."
_EMPTY = "SELECT pg_temp.empty_all()"
_HANG_UP = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL (%s)"""
_END_TRANSACTIONS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"""
"A pooler gives the next test the connections that are idle."


class LentDatabases:
    """The databases of a server that no test has now, and the connections by which they are emptied."""

    def __init__(self, server: PostgresServer, pooler: Pooler | None) -> None:
        self.pooler = pooler
        "What tests have before the server, if anything."
        self._server = server
        self._idle: list[str] = []
        self._sweepers: dict[str, psycopg.Connection] = {}

    def lend(self) -> sqlalchemy.URL:
        """Return the address of a migrated, empty database, past any pooler."""
        if not self._idle:
            self._idle.append(f"test_{uuid4().hex}")
            self._server.copy(self._idle[-1])
            kept_connections.keep(self._idle[-1])
        return self._server.address.set(database=self._idle.pop())

    def take_back(self, url: sqlalchemy.URL) -> None:
        """Hang up on everybody, and empty a database for the next test, unless it was migrated."""
        name = str(url.database)
        sweeper = self._sweepers.get(name)
        if sweeper is not None and not kept_connections.is_alive(sweeper):  # the test has thrown everybody out
            sweeper.close()
            sweeper = None
        if sweeper is None:
            address = url.set(drivername="postgresql").render_as_string(hide_password=False)
            sweeper = self._sweepers[name] = psycopg.connect(address, autocommit=True, prepare_threshold=None)
            sweeper.execute(_PREPARE)
        if self.pooler is None:
            sweeper.execute(_HANG_UP, [kept_connections.kept_processes(name)])
        else:
            sweeper.execute(_END_TRANSACTIONS)
        if self._server.is_as_migrated(sweeper):
            sweeper.execute(_EMPTY)
            self._idle.append(name)  # another test would not find its tables in one that was migrated

    def close(self) -> None:
        """Close every connection that was kept."""
        for sweeper in self._sweepers.values():
            sweeper.close()
        kept_connections.close_kept()
