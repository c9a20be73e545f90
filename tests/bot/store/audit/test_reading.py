"""A log in a database is verified as one in memory, whatever was done to its rows."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.audit_chain.tampering import Tampering
from bot.audit_chain.verification import ChainReport, ChainVerifier
from bot.errors import ConfigError, DeskhandError
from bot.store import audit
from bot.store.audit import reading
from bot.store.audit.reading import ChainReader
from bot.store.db import Database
from tests.support import log_copies
from tests.support.log_copies import LogCopy, Tamper
from tests.support.log_rows import guards_off, guards_on, write_copy
from tests.support.volumes import volume

CASES = volume(3, long=40)


@pytest.fixture
def unguarded(database: Database) -> Iterator[Session]:
    """Return a transaction that may change the audit tables, and is rolled back."""
    with Session(database.writing) as session:
        guards_off(session)
        yield session
        session.rollback()
        guards_on(session)


def _verified(session: Session, copy: LogCopy) -> ChainReport:
    reader = ChainReader(session)
    verifier = ChainVerifier(reader.head, copy.checkpoints)
    for batch in reader.batches():
        verifier.feed(batch)
    reader.look_beside()
    return verifier.report(also=reader.findings)


def _append(database: Database, count: int) -> None:
    with database.write() as session:
        for number in range(count):
            audit.append(
                session,
                "tool.finished",
                actor=f"U0ACTOR{number % 3}",
                subject="U0MAYA" if number % 2 else None,
                ticket_id=number or None,
                tool="unlock_my_account",
                why=f"émile \u2028 \x7f \\ {number}",
                share=0.1 * number,
                nested={"b": [1, True, None], "a": "U0BEN"},
            )


def test_what_the_product_appends_is_whole(database: Database) -> None:
    """Every record is read as it was hashed, with floats, control characters and other scripts in it."""
    _append(database, 30)
    with reading.opened(database.read()) as reader:
        verifier = ChainVerifier(reader.head)
        links = [one for batch in reader.batches() for one in batch]
        verifier.feed(links)
        reader.look_beside()
        report = verifier.report(also=reader.findings)
    assert report.whole, report.findings
    assert (report.records, report.first, report.last) == (30, 1, 30)
    assert b"U0" not in b"".join(one.text or b"" for one in links)


def test_a_verification_cannot_write(database: Database) -> None:
    """Its transaction refuses to add a record."""
    with pytest.raises(DeskhandError), reading.opened(database.read()) as reader:
        reader._session.execute(text("UPDATE signs SET who = 'me'"))


def test_a_record_that_nobody_can_read_is_found(unguarded: Session) -> None:
    """One that is nested too deeply to be read is an edit like any other."""
    copy, deep = log_copies.log_copy(Random(1)), '{"tool":' + "[" * 2_000 + "]" * 2_000 + "}"
    assert write_copy(unguarded, copy)
    seq = unguarded.scalars(text("SELECT audit_seq FROM audit_chain WHERE position = 3")).one()
    unguarded.execute(text("UPDATE audit SET record = :record WHERE seq = :seq"), {"record": deep, "seq": seq})
    [found] = _verified(unguarded, copy).findings
    assert (found.position, found.fits[0]) == (3, Tampering.EDIT)


@pytest.mark.parametrize("tamper", [*log_copies.EIGHT, *log_copies.BESIDE], ids=lambda one: one.__name__)
def test_tampering_with_rows_is_found(unguarded: Session, tamper: Tamper) -> None:
    """Each random case that the tables can hold is found, with the first bad record and what was done."""
    played, seed = 0, 0
    while played < CASES:
        seed += 1
        assert seed < 40 * CASES, "no case fits into the tables"
        random = Random(seed)
        done = tamper(log_copies.log_copy(random, most=60), random)
        with unguarded.begin_nested() as savepoint:
            if write_copy(unguarded, done.copy):
                played += 1
                report = _verified(unguarded, done.copy)
                found = report.findings[0]
                assert done.kind in found.fits, (seed, report.findings)
                assert found.position == done.first, (seed, report.findings)
            savepoint.rollback()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event", "'tool.refused'"),
        ("actor", "'operator'"),
        ("subject", "'person:x'"),
        ("ticket_id", "77"),
        ("intent_id", "77"),
        ("record", '\'{"tool": "look_up_my_account"}\''),
        ("at", "'2020-01-01 00:00:00.000000'"),
        ("digest", "(SELECT digest FROM audit b WHERE b.seq = 2)"),
    ],
)
def test_no_column_can_be_changed_unseen(database: Database, unguarded: Session, column: str, value: str) -> None:
    """The record is named, and its row."""
    unguarded.rollback()
    _append(database, 9)
    guards_off(unguarded)
    unguarded.execute(text(f"UPDATE audit SET {column} = {value} WHERE seq = 5"))  # noqa: S608 - our own words
    found = _verified(unguarded, replace(log_copies.log_copy(Random(1)), checkpoints=())).findings
    assert [(one.position, one.row, one.fits[0]) for one in found] == [(5, 5, Tampering.EDIT)]


def test_a_row_outside_the_chain_is_found(database: Database, unguarded: Session) -> None:
    """A record that was put in beside the chain is named by its row."""
    unguarded.rollback()
    _append(database, 3)
    guards_off(unguarded)
    unguarded.execute(
        text(
            "INSERT INTO audit (seq, event, actor, record, at, digest) SELECT 99, event, actor, record, at, digest "
            "FROM audit WHERE seq = 1"
        )
    )
    [found] = _verified(unguarded, replace(log_copies.log_copy(Random(1)), checkpoints=())).findings
    assert (found.row, found.fits[0]) == (99, Tampering.INSERT)


def test_no_place_before_the_first_hides_a_record(database: Database, unguarded: Session) -> None:
    """A record at a position that no chain has is found, though nothing follows from it."""
    unguarded.rollback()
    _append(database, 3)
    guards_off(unguarded)
    unguarded.execute(
        text(
            "INSERT INTO audit (seq, event, actor, record, at, digest) SELECT 99, event, actor, record, at, digest "
            "FROM audit WHERE seq = 1"
        )
    )
    unguarded.execute(
        text(
            "INSERT INTO audit_chain (position, audit_seq, prev, hash) SELECT -1, 99, digest, digest FROM audit "
            "WHERE seq = 99"
        )
    )
    found = _verified(unguarded, replace(log_copies.log_copy(Random(1)), checkpoints=())).findings
    assert (found[0].position, found[0].fits) == (1, (Tampering.INSERT,))


def test_a_changed_person_is_found(database: Database, unguarded: Session) -> None:
    """The side table's row no longer makes its reference, and the first record that names it is said."""
    unguarded.rollback()
    _append(database, 4)
    guards_off(unguarded)
    unguarded.execute(text("UPDATE audit_people SET slack_user = 'U0EVE' WHERE slack_user = 'U0MAYA'"))
    [found] = _verified(unguarded, replace(log_copies.log_copy(Random(1)), checkpoints=())).findings
    assert (found.position, found.fits[0]) == (2, Tampering.EDIT)


def test_a_log_without_a_head_cannot_be_verified(unguarded: Session) -> None:
    """The message says which table is empty."""
    unguarded.execute(text("DELETE FROM audit_head"))
    with pytest.raises(ConfigError, match="audit_head"):
        ChainReader(unguarded)
