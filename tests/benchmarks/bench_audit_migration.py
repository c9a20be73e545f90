"""How long revision 0040 takes to chain a large audit log on PostgreSQL, and how much memory it needs.

The log is filled at revision 0039, with records of the size that the product writes. `deskhand migrate` then runs as it
is installed, in a process of its own. A migration that held all records would need some GiB for a million of them.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from uuid import uuid4

import sqlalchemy
from alembic import command
from sqlalchemy import text

from bot.audit_chain.verification import ChainVerifier
from bot.store import db
from bot.store.audit import reading
from bot.store.installation import revisions
from tests.benchmarks import proc_stats, product_run
from tests.support.json_object import Json

SIZES = tuple(map(int, os.environ.get("DESKHAND_BENCH_RECORDS", "200000,1000000").split(",")))
BEFORE = "0039"
PEOPLE = 3_000
MOST_GROWTH = 1.25
"Times the memory for the smallest log, which the largest may need: people are kept, records are not."
_FILL = """INSERT INTO audit (event, actor, subject, ticket_id, intent_id, record, at)
SELECT CASE n % 2 WHEN 0 THEN 'tool.finished' ELSE 'tool.intended' END, 'agent:access@3f9c2a71d0b4',
  'U0P' || n % :people, n / 8 + 1, CASE n % 2 WHEN 0 THEN n - 1 END, CASE n % 2
  WHEN 0 THEN json_build_object('tool', 'unlock_my_account', 'result_sha256', repeat('e', 64), 'agreement', 'matched')
  ELSE json_build_object('tool', 'unlock_my_account', 'decision', 'Allowed', 'rule', 'listed_reason', 'turn', n / 8,
    'step', n % 8, 'account', 'acc-' || n % :people,
    'in_answer_to', json_build_array('D0P' || n % :people, n || '.000100'),
    'delegation', json_build_object('iss', 'deskhand:5b7e', 'sub', 'slack:T1:U0P' || n % :people, 'scope', 'write',
      'aud', 'tool:unlock_my_account', 'jti', md5(n::text), 'iat', 1796000000 + n, 'exp', 1796000060 + n,
      'act', json_build_object('sub', 'agent:access@3f9c2a71d0b4'), 'args', repeat('a', 64), 'policy', repeat('b', 64),
      'req', json_build_object('event_id', 'Ev0' || n, 'channel', 'D0P' || n % :people, 'user', 'U0P' || n % :people)))
  END, timestamptz '2026-11-01 09:00:00+00' + n * interval '1 second'
FROM generate_series(1, :records) AS n"""


def run(say: Callable[[str], None]) -> Json:
    """Measure each size; memory is the most that the process had resident, in MiB, and CPU that of the server too."""
    result: Json = {}
    with product_run.bare_postgres() as (url, server):
        for records in SIZES:
            address = _filled(url, records)
            before = proc_stats.cpu_seconds(server)
            seconds, cpu, mib = _migrated(address)
            cpu += proc_stats.cpu_seconds(server) - before
            _see_that_it_is_whole(address, records)
            speed = f"{records / seconds:,.0f} records/s, {1e6 * cpu / records:.0f} us of CPU a record"
            say(f"migration: {records:,} records: {seconds:.0f} s, {speed}, {mib:.0f} MiB")
            result |= {f"seconds_{records}": round(seconds, 1), f"cpu_seconds_{records}": round(cpu, 1)}
            result[f"mib_{records}"] = round(mib, 1)
    growth = result[f"mib_{SIZES[-1]}"] / result[f"mib_{SIZES[0]}"]
    return {**result, "memory_growth": round(growth, 2), "most_growth": MOST_GROWTH, "met": growth <= MOST_GROWTH}


def _filled(url: str, records: int) -> str:
    """Return the address of a new database at the revision before, with a log."""
    new = sqlalchemy.make_url(url).set(database=f"log_{uuid4().hex}")
    server = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {new.database}"))
    server.dispose()
    address = new.render_as_string(hide_password=False)
    with closing(db.connect(address)) as database, database.writing.connect() as connection:
        command.upgrade(revisions._config(connection), BEFORE)
        db.work_without_hurry(connection)
        connection.execute(text(_FILL), {"people": PEOPLE, "records": records})
        connection.commit()
        product_run.as_it_settles(database.engine)
    return address


def _migrated(address: str) -> tuple[float, float, float]:
    """Migrate in a process of its own; return the seconds that it took, those of its CPU, and the most MiB."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "migrate"], env={**os.environ, "DATABASE_URL": address}
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"deskhand migrate ended with exit code {process.returncode}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _see_that_it_is_whole(address: str, records: int) -> None:
    with closing(db.connect(address)) as database, reading.opened(database.read()) as reader:
        verifier = ChainVerifier(reader.head)
        for batch in reader.batches():
            verifier.feed(batch)
        reader.look_beside()
        report = verifier.report(also=reader.findings)
    if not report.whole or report.records != records:
        raise RuntimeError(f"the migrated log should be whole: {report.as_json()}")
