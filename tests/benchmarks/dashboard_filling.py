"""Fills a database with a history of requests, as quickly as it can be filled.

Nothing is checked and nothing waits for the disk meanwhile, and indexes are built at the end.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text

from bot.store.db import Database
from bot.store.schema import Base
from tests.benchmarks import product_run

TABLES = ("tickets", "turns", "steps", "ledger", "handoffs", "handoff_moves", "messages", "feedback")
BODY = (
    '{"messages": [{"role": "user", "content": "I cannot sign in since this morning, it says that I am locked out."}]}'
)

_HISTORY = Path(__file__).with_suffix(".sql")


@dataclass(frozen=True, slots=True)
class Hour:
    """The requests of one hour."""

    starts: datetime
    first: int
    turns: int


def fill(database: Database, turns: int, now: datetime, *, days: int) -> None:
    """Write a history of so many turns, over the days that end now, into an empty database."""
    with _for_filling(database) as connection:
        _write_hours(connection, _hours(turns, now, days))
        with _without_indexes(connection):
            for sql in _statements(connection):
                connection.execute(text(sql), {name: BODY for name in ("request", "response") if f":{name}" in sql})
    if database.engine.dialect.name == "postgresql":
        product_run.as_it_settles(database.engine)


@contextmanager
def _for_filling(database: Database) -> Iterator[Connection]:
    """Give a connection on which nothing is checked, and nothing waits for the disk."""
    address = database.engine.url
    if address.get_backend_name() == "sqlite":
        address = address.set(drivername="sqlite")  # ours begins transactions, in which nothing can be switched off
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    quick = (
        "foreign_keys = OFF",
        "synchronous = OFF",
        "journal_mode = OFF",
        "temp_store = MEMORY",
        "cache_size = -500000",
    )
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))  # or each row looks up what it refers to
            connection.execute(text("SET synchronous_commit = off"))
            connection.execute(text("SET maintenance_work_mem = '512MB'"))
        else:
            for setting in quick:
                connection.execute(text(f"PRAGMA {setting}"))
        yield connection
    engine.dispose()


def _write_hours(connection: Connection, hours: Iterable[Hour]) -> None:
    """Write down the hours, with the turns of each."""
    postgres = connection.dialect.name == "postgresql"
    connection.execute(text("CREATE TEMP TABLE hours (starts timestamptz, first bigint, turns bigint)"))
    rows: list[dict[str, Any]] = [
        {
            "starts": one.starts if postgres else f"{one.starts:%Y-%m-%d %H:%M:%S}",
            "first": one.first,
            "turns": one.turns,
        }
        for one in hours
    ]
    connection.execute(text("INSERT INTO hours VALUES (:starts, :first, :turns)"), rows)


def _statements(connection: Connection) -> list[str]:
    """Return what writes the history of these hours."""
    opening, moment = "starts + make_interval(secs => k * 3600.0 / turns)", "at + make_interval(secs => {0})"
    if connection.dialect.name == "sqlite":
        opening = "julianday(starts) + k / 24.0 / turns"
        moment = "strftime('%Y-%m-%d %H:%M:%f000', at + ({0}) / 86400.0)"
    script = re.sub(r"^--.*$", "", _HISTORY.read_text(encoding="utf-8"), flags=re.MULTILINE)
    script = re.sub(r"\{moment of (.+?)\}", lambda found: moment.format(found[1]), script.replace("{opening}", opening))
    return [one for one in script.split(";") if one.strip()]


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """Drop the indexes for the block: to build them at the end takes a fraction of the time."""
    indexes = [one for name in TABLES for one in Base.metadata.tables[name].indexes]
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)


def _hours(turns: int, now: datetime, days: int) -> Iterator[Hour]:
    """Yield the hours of the days that end now, with as many turns as their weight."""
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=days - 1, hours=now.hour)
    hours = [start + timedelta(hours=one) for one in range(int((now - start) / timedelta(hours=1)))]
    weights = [(6 if 8 <= one.hour < 18 else 1) * (1 if one.weekday() < 5 else 0.2) for one in hours]
    first, passed = 0, 0.0
    for hour, weight in zip(hours, weights, strict=True):
        passed += weight
        until = round(turns * passed / sum(weights))
        if until > first:
            yield Hour(hour, first, until - first)
        first = until
