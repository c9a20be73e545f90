"""`deskhand person`: a person is erased everywhere, on both databases, and everything about them can be handed out."""

import errno
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from sqlalchemy import select, text, update

from bot import queue as queues
from bot.ground import Kind
from bot.queue import JobQueue
from bot.store import db
from bot.store.audit import people
from bot.store.db import Database
from bot.store.installation import marks
from bot.store.outbox import messages
from bot.store.personal.inventory import TABLES
from bot.store.personal.kinds_of_data import Kept
from bot.store.schema import (
    AuditRow,
    Handoff,
    HandoffState,
    InboxEvent,
    LedgerRow,
    Message,
    MessageKind,
    MessageState,
    Step,
    Ticket,
    TicketState,
    Turn,
    TurnState,
)
from bot.store.sql import sqlite_engine
from tests.support.agent_folders import copied_agent
from tests.support.audit_rows import raw_records, recomputed
from tests.support.command_line import deskhand
from tests.support.database_roles import as_application
from tests.support.factories import FIRST, accept, everything, rows
from tests.support.lived_person import HER, HER_NAME, TELLING, lived_in, traces

if TYPE_CHECKING:
    from rq import Queue

pytestmark = pytest.mark.usefixtures("quiet_logs")
DIRECTORY = tuple(name for name, data in TABLES.items() if data.kept is Kept.DIRECTORY)
IN_BYTES = (HER, "D0MAYA", "xylophone", "quince", "papaya")
"What stands nowhere in a file: the directory keeps her address and her name."


@pytest.fixture
def house(database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the configuration of an installation in which Maya has lived, with a Redis that knows her."""
    return install(database, redis_url, tmp_path, monkeypatch)


def install(database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an installation of a database, let Maya live in it, and return its configuration."""
    config = tmp_path / "config"
    copied_agent(config)
    monkeypatch.setenv("DATABASE_URL", database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("DESKHAND_CONFIG", str(config))
    kept = config / "rollbacks" / "access-2026-09-01T09-00-00" / "card.yaml"
    kept.parent.mkdir(parents=True)
    kept.write_text(f"owners: [{HER}, U0OLIVIA]\n")
    ground = marks.enter(database, Kind.INSTALLATION)
    lived_in(database)
    with closing(JobQueue.connect(redis_url, ground)) as queue:
        fill(queue, ground.prefix)
    return config


def fill(queue: JobQueue, prefix: str) -> None:
    """Let Redis know Maya as each part of the product does."""
    queue.put(queues.SHOW_HOME, HER)
    queue.put(queues.SHOW_HOME, "U0LENA")
    client: Any = queue.queue.connection
    client.hset(f"{prefix}budget:a:user:{HER}:2026-12-01", mapping={"spent": 3})
    client.hset(f"{prefix}budget:a:channel:C0HELP:2026-12-01", mapping={"spent": 3, f"by:{HER}": 1, "by:U0LENA": 2})
    client.hset(f"{prefix}budget:a:channel:D0MAYA:2026-12-01", mapping={"spent": 3})
    client.hset(f"{prefix}budget:h:r9", mapping={"amount": 3, "person": HER})


def redis_knows(url: str) -> dict[str, str]:
    """Return what is in Redis, as text; a job's data is read as its worker does."""
    with redis.Redis.from_url(url) as client:
        found: dict[str, str] = {}
        for key in client.scan_iter():
            value: Any = {
                b"hash": client.hgetall,
                b"list": lambda key: client.lrange(key, 0, -1),
                b"set": client.smembers,
                b"zset": lambda key: client.zrange(key, 0, -1),
                b"string": client.get,
            }[client.type(key)](key)
            found[key.decode()] = str(value)
        return found


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command and returns its exit code and what it says."""

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = deskhand("person", *words)
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return run


@pytest.mark.both_databases
def test_nothing_of_an_erased_person_is_left_anywhere(
    house: Path, database: Database, redis_url: str, tmp_path: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    """No row, no key of Redis and no byte of a file shows her; the receipt counts every table; money is the same."""
    spent = sum(row.cost_nusd for row in rows(database, LedgerRow))
    assert any(HER in f"{key}{value}" for key, value in redis_knows(redis_url).items())
    code, out, _ = said("erase", HER, "--yes", "--json", "--also", HER_NAME)
    assert code == 0
    assert traces(database, but=DIRECTORY) == {}
    knows = redis_knows(redis_url)
    assert [key for key, value in knows.items() if any(trace in f"{key}{value}" for trace in TELLING)] == []
    assert "U0LENA" in str(knows)
    assert queued(redis_url, database) == ["U0LENA"]
    receipt = json.loads(out)
    assert set(receipt["tables"]) == set(TABLES)
    assert receipt["elsewhere"]["rollbacks"] == 1
    assert (house / "rollbacks/access-2026-09-01T09-00-00/card.yaml").read_text() == "owners: [U0ERASED, U0OLIVIA]\n"
    kept = next(row for row in rows(database, AuditRow) if row.event == "person.erased")
    assert kept.record == {"tables": receipt["tables"], "elsewhere": receipt["elsewhere"]}
    assert kept.seq == receipt["audit"]
    assert sum(row.cost_nusd for row in rows(database, LedgerRow)) == spent
    assert recomputed(database) == 3
    raw = str([(row.actor, row.subject, row.record) for row in raw_records(database)])
    assert [trace for trace in TELLING if trace in raw] == []
    database.close()
    left = {file: file.read_bytes() for file in sorted(tmp_path.rglob("*")) if file.is_file()}
    assert [str(file) for file, held in left.items() if any(one.encode() in held for one in IN_BYTES)] == []


def queued(url: str, database: Database) -> list[str]:
    """Return whom the queued jobs are about."""
    with database.read() as session:
        seen = marks.read(session)
    assert seen is not None
    with closing(JobQueue.connect(url, seen.ground)) as queue:
        waiting: Queue = queue.queue
        return [str(job.args[0]) for job in waiting.jobs]


def test_a_second_run_finds_nothing_and_records_nothing(
    house: Path, database: Database, said: Callable[..., tuple[int, str, str]]
) -> None:
    """Whoever is not sure whether it went through asks again."""
    assert house.exists()
    said("erase", HER, "--yes")
    before = everything(database)
    code, out, _ = said("erase", HER, "--yes", "--json")
    receipt = json.loads(out)
    assert (code, receipt["audit"]) == (0, None)
    assert {*receipt["tables"].values(), *receipt["elsewhere"].values()} == {0}
    assert everything(database) == before


def test_a_dry_run_counts_and_changes_nothing(
    house: Path, database: Database, redis_url: str, said: Callable[..., tuple[int, str, str]]
) -> None:
    """It says the same numbers as the run that follows it."""
    before, knew = everything(database), redis_knows(redis_url)
    code, out, _ = said("erase", HER, "--dry-run", "--json")
    tried = json.loads(out)
    assert (code, tried["erased"], tried["tables"]["tickets"]) == (0, False, 2)
    assert (everything(database), redis_knows(redis_url)) == (before, knew)
    assert HER in (house / "rollbacks/access-2026-09-01T09-00-00/card.yaml").read_text()
    _, out, _ = said("erase", HER, "--yes", "--json")
    assert json.loads(out)["tables"] == tried["tables"]


def running(database: Database) -> None:
    """Let a turn of hers run."""
    with database.write() as session:
        session.query(Turn).where(Turn.ticket_id == 2).update({"state": TurnState.RUNNING})


def with_people(database: Database) -> None:
    """Let people have a ticket of hers."""
    with database.write() as session:
        session.query(Handoff).where(Handoff.ticket_id == 1).update({"state": HandoffState.OPEN})


def claims(database: Database) -> None:
    """Let her have a claim."""
    with database.write() as session:
        session.query(Handoff).where(Handoff.ticket_id == 3).update({"state": HandoffState.CLAIMED})


def just_open(database: Database) -> None:
    """Let her have written a moment ago."""
    with database.write() as session:
        values: dict[Any, Any] = {"state": TicketState.OPEN, "created_at": datetime.now(UTC)}
        session.query(Ticket).where(Ticket.id == 2).update(values)


def owes(database: Database) -> None:
    """Let the card of a ticket of hers wait for an update, as while Slack is away."""
    with database.write() as session:
        session.query(Message).where(Message.ticket_id == 1, Message.kind == MessageKind.CARD).update({"revision": 2})


def tells(database: Database) -> None:
    """Let something be said to her alone, about nothing of hers."""
    with database.write() as session:
        told = {"key": "k", "kind": "only_you", "lane": "l", "channel": "C0HELP", "body": {"text": "It is over."}}
        session.add(Message(**told, op="ephemeral", user=HER))


@pytest.mark.parametrize(
    ("let", "says"),
    [
        (running, "Ticket 2 is being answered: wait"),
        (with_people, "People have ticket 1: resolve it"),
        (claims, "They have claimed ticket 3: resolve it"),
        (just_open, "Ticket 2 is open: resolve it, or wait"),
        (owes, "A message for or about them is on the way to Slack: wait until Slack has it"),
        (tells, "A message for or about them is on the way to Slack: wait until Slack has it"),
    ],
)
def test_nothing_is_erased_while_something_is_under_way(
    house: Path,
    database: Database,
    said: Callable[..., tuple[int, str, str]],
    let: Callable[[Database], None],
    says: str,
) -> None:
    """It says what is not done, and what to do about it."""
    assert house.exists()
    let(database)
    before = everything(database)
    code, _, err = said("erase", HER, "--yes")
    assert (code, says in err) == (3, True), err
    assert everything(database) == before


@pytest.mark.parametrize("let", [owes, tells])
def test_messages_that_slack_will_never_take_are_withdrawn_when_that_is_asked_for(
    house: Path,
    database: Database,
    said: Callable[..., tuple[int, str, str]],
    let: Callable[[Database], None],
) -> None:
    """A workspace that has removed the app would be waited for for ever; an attempt withdraws nothing."""
    assert house.exists()
    let(database)
    before = everything(database)
    assert said("erase", HER, "--withdraw", "--dry-run")[0] == 0
    assert everything(database) == before
    assert said("erase", HER, "--withdraw", "--yes")[0] == 0
    with database.read() as session:
        assert not session.scalars(select(Message.id).where(messages.OWED)).all()


@pytest.mark.parametrize(("lease", "code"), [(timedelta(seconds=30), 3), (timedelta(seconds=-1), 0)])
def test_a_message_that_is_being_sent_is_waited_for_even_then(
    house: Path, database: Database, said: Callable[..., tuple[int, str, str]], lease: timedelta, code: int
) -> None:
    """Slack may have it in a moment, and its sender notes where; a sender whose lease has expired is gone."""
    assert house.exists()
    tells(database)
    with database.write() as session:
        sent = update(Message).where(Message.key == "k")
        session.execute(sent.values(state=MessageState.SENDING, due_at=datetime.now(UTC) + lease))
    assert said("erase", HER, "--withdraw", "--yes")[0] == code


def test_who_is_on_a_card_is_taken_off_it_first(
    house: Path, database: Database, said: Callable[..., tuple[int, str, str]]
) -> None:
    """Otherwise the next minute would write their id again."""
    card = house / "agents" / "access" / "card.yaml"
    card.write_text(card.read_text().replace("U0OLIVIA", HER))
    before = everything(database)
    code, _, err = said("erase", HER, "--yes")
    assert (code, f"{card} names them" in err) == (3, True)
    assert everything(database) == before


def test_nothing_is_erased_when_redis_is_away(
    house: Path, database: Database, said: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said to be erased is erased everywhere."""
    assert house.exists()
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    before = everything(database)
    code, _, err = said("erase", HER, "--yes")
    assert (code, "Connection refused). Start it, or correct REDIS_URL." in err) == (1, True), err
    assert everything(database) == before


@pytest.mark.postgres_only
def test_the_owner_of_the_tables_erases(
    house: Path, database: Database, said: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role of the application may not forget people in the audit log, and erases nothing without the owner."""
    assert house.exists()
    before = everything(database)
    with as_application(database) as application:
        monkeypatch.setenv("DATABASE_URL", application.engine.url.render_as_string(hide_password=False))
        code, _, err = said("erase", HER, "--yes")
        assert (code, "DATABASE_OWNER_URL" in err) == (2, True), err
        monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://owner@127.0.0.1/another")
        code, _, err = said("erase", HER, "--yes")
        assert (code, "do not lead to one PostgreSQL database" in err) == (2, True), err
        assert everything(database) == before
        monkeypatch.setenv("DATABASE_OWNER_URL", database.engine.url.render_as_string(hide_password=False))
        code, _, err = said("erase", HER, "--yes")
    assert code == 0, err
    with database.read() as session:
        assert people.references(session, HER) == []


def test_who_writes_again_is_a_new_person(
    house: Path, database: Database, said: Callable[..., tuple[int, str, str]]
) -> None:
    """Even in the same thread: another ticket, another reference in the audit log, and nothing of before."""
    assert house.exists()
    said("erase", HER, "--yes")
    accepted = accept(database, FIRST)
    assert accepted is not None
    tickets = rows(database, Ticket)
    assert [ticket.requester for ticket in tickets if ticket.id == accepted.ticket_id] == [HER]
    assert [ticket.requester for ticket in tickets].count(HER) == 1
    with database.read() as session:
        assert people.references(session, HER) == []


def test_no_is_no(house: Path, database: Database, said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--yes` it asks, and whoever does not agree has erased nothing."""
    assert house.exists()
    monkeypatch.setattr("sys.stdin", Answers("n\n"))
    before = everything(database)
    assert said("erase", HER)[0] == 1
    assert everything(database) == before
    assert said("erase", "maya")[0] == 2


class Answers:
    """Somebody at the terminal."""

    def __init__(self, text: str) -> None:
        """Keep what they type."""
        self.text = text

    def readline(self) -> str:
        """Type it."""
        return self.text


def test_everything_about_a_person_is_one_private_file(
    house: Path, database: Database, tmp_path: Path, said: Callable[..., tuple[int, str, str]]
) -> None:
    """It has every table with a trace of her, also in tickets of others, no secret, and nothing of a stranger."""
    file = tmp_path / "maya.json"
    assert house.exists()
    before = everything(database)
    assert said("export", HER, "--to", str(file))[0] == 0
    assert file.stat().st_mode & 0o777 == 0o600
    document = json.loads(file.read_text())
    assert document["person"] == HER
    with_rows = {name for name, table in document["tables"].items() if table["rows"]}
    assert set(traces(database)) - with_rows <= {"file_texts", "audit_people"}
    text = file.read_text()
    assert "sealed" not in text
    assert f"hash-{HER}" not in text
    assert "U0LENA" not in text
    code, _, err = said("export", HER, "--to", str(file))
    assert (code, "exists" in err, "Reading" in err) == (1, True, False)
    assert everything(database) == before


def test_a_full_disk_leaves_no_half_of_a_document(
    house: Path, tmp_path: Path, said: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is free when the command is run again, and nothing of her lies beside it."""
    assert house.exists()
    folder = tmp_path / "handed-out"
    folder.mkdir()
    monkeypatch.setattr(os, "fsync", full)
    code, _, err = said("export", HER, "--to", str(folder / "maya.json"))
    assert (code, "No space left on device. Nothing was written." in err) == (1, True)
    assert list(folder.iterdir()) == []


def test_a_kept_card_that_cannot_be_written_is_one_sentence_and_no_row_is_erased(
    house: Path, database: Database, said: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card is as it was, and the same command ends what it began; a kept file that is no text is no obstacle."""
    kept = house / "rollbacks/access-2026-09-01T09-00-00"
    before, card = everything(database), (kept / "card.yaml").read_text()
    (kept / "notes.txt").write_bytes(f"Tom\xe1s knows {HER}".encode("latin-1"))
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        code, _, err = said("erase", HER, "--yes")
    assert (code, "card.yaml: cannot be written: No space left on device; no row was erased" in err) == (2, True)
    assert (everything(database), (kept / "card.yaml").read_text()) == (before, card)
    assert said("erase", HER, "--yes")[0] == 0
    assert (kept / "notes.txt").read_bytes() == b"Tom\xe1s knows U0ERASED"


def test_a_disk_without_room_for_a_rebuilt_file_still_gives_the_receipt(
    sqlite: Database,
    redis_url: str,
    tmp_path: Path,
    said: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is erased is said to be; that old pages may be left is said with it."""
    install(sqlite, redis_url, tmp_path, monkeypatch)

    def no_room(_engine: object) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite_engine, "compact", no_room)
    code, out, _ = said("erase", HER, "--yes")
    assert (code, "The receipt is record " in out, "or the disk is full: run" in out) == (0, True, True)
    assert traces(sqlite, but=DIRECTORY) == {}


def full(_descriptor: int) -> None:
    """Be a disk that is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_sqlite_file_is_rebuilt_while_others_have_it_open(sqlite: Database) -> None:
    """A reader that holds the log is told of; then no byte of what was deleted is left in either file."""
    lived_in(sqlite)
    file = db.file_of(sqlite.engine.url.render_as_string(hide_password=False))
    assert file is not None
    with sqlite.write() as session:
        session.execute(text("PRAGMA secure_delete = OFF"))  # as where SQLite was built without it
        session.query(InboxEvent).delete()
        session.query(Step).delete()
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM ledger").fetchone()
        assert sqlite.compact() is False
        reader.execute("COMMIT")
        before = file.read_bytes() + file.with_name(f"{file.name}-wal").read_bytes()
        assert sqlite.compact() is True
    assert b"A colleague wrote" in before
    assert b"A colleague wrote" not in file.read_bytes()
    assert file.with_name(f"{file.name}-wal").stat().st_size == 0
