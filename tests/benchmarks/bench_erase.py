"""How long `deskhand person erase` takes in a database with 20,000 and 100,000 tickets, and how that grows.

Every table is read whole once, so the time should grow as the number of rows does and not faster. Two are erased:
one who asked as often as most do, and one who asked every twentieth question. Redis and files are left out: they hold
little of anybody. The transaction is rolled back, since what is measured are its statements.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, make_url, select, text, update

from bot.store import db
from bot.store.db import Database
from bot.store.installation import revisions
from bot.store.personal import erasing, whose
from bot.store.schema import Ticket
from tests.benchmarks import dashboard_filling, product_run
from tests.support.json_object import Json

SIZES = (20_000, 100_000)
DAYS = 90
EVERY = 20
"One in so many tickets is of whoever asks more than everybody else."
MOST_GROWTH = 1.5
"Times the growth of the tables, which the time may grow."


def run(say: Callable[[str], None]) -> Json:
    """Measure each size on both databases, in seconds."""
    result: Json = {}
    with tempfile.TemporaryDirectory() as name, product_run.bare_postgres() as (url, _):
        for tickets in SIZES:
            for kind, address in (("sqlite", f"sqlite:///{Path(name) / f'{tickets}.db'}"), ("postgres", _new(url))):
                revisions.migrate(address)
                with closing(db.connect(address)) as database:
                    dashboard_filling.fill(database, tickets * 5 // 4, datetime.now(UTC), days=DAYS)
                    for who, every in (("usual", None), ("busy", EVERY)):
                        seconds, rows = _erased(database, every)
                        say(f"erase: {kind}: {tickets:,} tickets, {who}: {seconds:.1f} s, {rows:,} rows changed")
                        result[f"{kind}_{who}_seconds_{tickets}"] = round(seconds, 2)
    larger = SIZES[-1] / SIZES[0]
    growth = {
        one: round(result[f"{one}_seconds_{SIZES[-1]}"] / result[f"{one}_seconds_{SIZES[0]}"] / larger, 2)
        for one in ("sqlite_usual", "sqlite_busy", "postgres_usual", "postgres_busy")
    }
    return {**result, "growth": growth, "most_growth": MOST_GROWTH, "met": max(growth.values()) <= MOST_GROWTH}


def _new(url: str) -> str:
    """Return the address of a new database."""
    new = make_url(url).set(database=f"erase_{uuid4().hex}")
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {new.database}"))
    server.dispose()
    return new.render_as_string(hide_password=False)


def _erased(database: Database, every: int | None) -> tuple[float, int]:
    """Erase somebody who has asked every so many-th question; None: one of those who have asked the others.

    Return the seconds, and how many rows were changed or deleted.
    """
    with database.write() as session:
        db.work_without_hurry(session.connection())
        user = session.scalars(select(Ticket.requester).order_by(Ticket.id).limit(1)).one()
        if every is not None:
            session.execute(update(Ticket).where(Ticket.id % every == 1).values(requester=user))
        began = time.monotonic()
        who = whose.gather(session, user)
        erasing.lock(session, who)
        counts = erasing.erase(session, who)
        erasing.forget_in_audit(session, who)
        seconds = time.monotonic() - began
        session.rollback()
    return seconds, sum(counts.values())
