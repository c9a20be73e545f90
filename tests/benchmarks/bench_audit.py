"""How many records a second a verification of the audit log takes, from an export and from both databases.

The log has 200,000 records as the product writes them: an intent with the claims of its delegation, and its outcome, by
turns. Each is verified with a checkpoint every thousand records. The best of three runs counts, by the clock; the
seconds of CPU of our own process are beside it, since a database works in processes of its own.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.audit_chain import canonical, export_file
from bot.audit_chain.export_file import ExportReader
from bot.audit_chain.proofs import Checkpoint
from bot.audit_chain.tampering import Link
from bot.audit_chain.verification import ChainVerifier, LogHead
from bot.store import db
from bot.store.audit import reading
from bot.store.db import Database
from bot.store.installation import revisions
from bot.store.schema import AuditHead
from tests.benchmarks import product_run
from tests.support.log_rows import guards_off

RECORDS, RUNS, EVERY = 200_000, 3, 1_000
TARGET = 90_000
"Records a second."
AGENT = "agent:access@3f9c2a71d0b4"
BEGAN = datetime(2026, 11, 2, 9, tzinfo=UTC)


class _Columns(NamedTuple):
    """What the table `audit` holds of a record."""

    event: str
    subject: str
    ticket_id: int
    intent_id: int | None
    record: str
    at: str


def run(say: Callable[[str], None]) -> dict[str, Any]:
    """Measure an export, SQLite and PostgreSQL."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, product_run.bare_postgres() as (url, _):
        file = Path(name) / "audit.ndjson"
        head, checkpoints = _export(file)
        result |= _measured("export", say, checkpoints, partial(_from_file, file))
        result["export_bytes_a_record"] = round(file.stat().st_size / RECORDS)
        for kind, address in (("sqlite", f"sqlite:///{Path(name) / 'deskhand.db'}"), ("postgres", url)):
            revisions.migrate(address)
            with closing(db.connect(address)) as database:
                _fill(database, head)
                if kind == "postgres":
                    product_run.as_it_settles(database.engine)
                result |= _measured(kind, say, checkpoints, partial(_from_database, database))
    slowest = min(result[f"{kind}_records_a_second"] for kind in ("export", "sqlite", "postgres"))
    return {**result, "records": RECORDS, "target": TARGET, "met": slowest >= TARGET}


def _measured(
    kind: str,
    say: Callable[[str], None],
    checkpoints: tuple[Checkpoint, ...],
    source: Callable[[], Iterator[tuple[LogHead, Iterable[Iterable[Link]]]]],
) -> dict[str, Any]:
    """Verify a few times; a log that is not whole, or misses a checkpoint, is no measurement."""
    walls, cpus = [], []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        for head, batches in source():
            verifier = ChainVerifier(head, checkpoints)
            for batch in batches:
                verifier.feed(batch)
        report = verifier.report()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        if not report.whole or report.records != RECORDS or len(report.agreed) != len(checkpoints):
            raise RuntimeError(f"{kind}: the log should be whole: {report.as_json()}")
    say(f"audit: {kind}: {RECORDS / min(walls):,.0f} records/s, {1e6 * min(cpus) / RECORDS:.1f} us of CPU a record")
    return {
        f"{kind}_records_a_second": round(RECORDS / min(walls)),
        f"{kind}_cpu_us_a_record": round(1e6 * min(cpus) / RECORDS, 2),
    }


def _from_file(file: Path) -> Iterator[tuple[LogHead, Iterable[Iterable[Link]]]]:
    reader = ExportReader(file)
    yield reader.head, reader.batches()


def _from_database(database: Database) -> Iterator[tuple[LogHead, Iterable[Iterable[Link]]]]:
    with reading.opened(database.read()) as reader:
        yield reader.head, reader.batches()
        reader.look_beside()


def _columns(number: int) -> _Columns:
    """Return what the table holds of a record; its JSON is in canonical form, which the verification proves."""
    person, ticket = f"person:{number % 500:064x}", number // 8 + 1
    if number % 2 == 0:
        record = f'{{"result_sha256":"{number:064x}","tool":"unlock_my_account"}}'
        return _Columns("tool.finished", person, ticket, number - 1, record, canonical.time_of(_time(number)))
    act = f'{{"act":{{"sub":"worker:host:{number % 9}/1"}},"sub":"{AGENT}"}}'
    asked = f'{{"channel":"C0HELP","event_id":"Ev{number:08X}","thread_ts":"{number}.000100"}}'
    claims = (
        f'{{"act":{act},"approval":null,"args":"{number:064x}","aud":"tool:unlock_my_account",'
        f'"exp":{1_796_000_060 + number},"iat":{1_796_000_000 + number},"iss":"deskhand:5b7e","jti":"{number:022x}",'
        f'"policy":"{"e" * 64}","req":{asked},"scope":"write","sub":"{person}","taint":[]}}'
    )
    record = f'{{"decision":"Allowed","delegation":{claims},"rule":"listed_reason","tool":"unlock_my_account"}}'
    return _Columns("tool.intended", person, ticket, None, record, canonical.time_of(_time(number)))


def _links() -> Iterator[tuple[Link, _Columns]]:
    prev = canonical.BEFORE_THE_FIRST
    for position in range(1, RECORDS + 1):
        row = _columns(position)
        said = (
            f'{{"actor":"{AGENT}","at":"{row.at}","event":"{row.event}","intent_id":{row.intent_id or "null"},'
            f'"record":{row.record},"subject":"{row.subject}","ticket_id":{row.ticket_id}}}'
        ).encode()
        digest = sha256(said).digest()
        link = Link(position, prev, canonical.hash_of(position, prev, digest), digest, said, position)
        yield link, row
        prev = link.hash


def _export(file: Path) -> tuple[LogHead, tuple[Checkpoint, ...]]:
    """Write an export, and return its head and the checkpoints of its records."""
    links = [link for link, _ in _links()]
    checkpoints = [
        Checkpoint(one.position, one.hash, "2027-01-01T00:00:00Z", "bench") for one in links[EVERY - 1 :: EVERY]
    ]
    head = LogHead("bench", links[-1].position, links[-1].hash)
    export_file.put(file, export_file.lines(head, "2027-01-01T00:00:00Z", [links]))
    return head, tuple(checkpoints)


def _fill(database: Database, head: LogHead) -> None:
    """Write the same log into a database, with the guards off, as quickly as it takes rows."""
    with Session(database.writing) as session:
        guards_off(session)
        driver: Any = session.connection().connection.driver_connection
        for table, columns, rows in (
            ("audit", "seq, event, actor, subject, ticket_id, intent_id, record, at, digest", _rows()),
            (
                "audit_chain",
                "position, audit_seq, prev, hash",
                ((one[0], one[0], one[1], one[2]) for one, _ in _links()),
            ),
        ):
            if session.get_bind().dialect.name == "postgresql":
                with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                places = ", ".join("?" for _ in columns.split(","))
                driver.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)  # noqa: S608 - our own words
        session.execute(update(AuditHead).values(chain="bench", position=head.position, hash=head.hash))
        session.commit()


def _rows() -> Iterator[tuple[Any, ...]]:
    for link, row in _links():
        at = row.at.removesuffix("Z").replace("T", " ")
        said = (row.event, AGENT, row.subject, row.ticket_id, row.intent_id, row.record)
        yield (link.position, *said, at, link.digest)


def _time(number: int) -> datetime:
    return BEGAN + timedelta(seconds=5 * number)
