"""A database with an audit log, a signer's key and its file, as the commands about the log find them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot import configured_keys
from bot.audit_chain import proofs
from bot.audit_chain.proofs import AuditKey
from bot.store import audit
from bot.store.audit import guards
from bot.store.db import Database
from tests.support.command_line import deskhand

WRITTEN_KEY = "dhck_" + "A" * 42 + "E"


@dataclass(frozen=True, slots=True)
class AuditDesk:
    """What the commands work with."""

    database: Database
    folder: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def key(self) -> AuditKey:
        """Return the signer's key."""
        [found] = configured_keys.parse(proofs.KIND, [WRITTEN_KEY], source="a test").keys
        return proofs.derived(found.secret)

    @property
    def checkpoints(self) -> Path:
        """Return the signer's file."""
        return self.folder / "checkpoints"

    def append(self, count: int) -> None:
        """Let the product add records."""
        with self.database.write() as session:
            for number in range(count):
                audit.append(session, "alert.opened", actor="U0ACTOR", subject="U0MAYA", ticket_id=number, kind="loop")

    def run(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run `deskhand audit ... --json`, and return its exit code and what it printed last."""
        self.capsys.readouterr()
        code = deskhand("audit", *words, "--json")
        printed = self.capsys.readouterr().out.splitlines()
        return code, json.loads(printed[-1]) if printed else {}

    def told(self, *words: str) -> tuple[int, str]:
        """Run `deskhand audit ...`, and return its exit code and all that it said."""
        self.capsys.readouterr()
        code = deskhand("audit", *words)
        return code, "".join(self.capsys.readouterr())

    def tamper(self, *statements: str) -> None:
        """Change rows with the guards lifted, as somebody can who owns the database."""
        with self.database.write() as session, guards.lifted(session):
            for statement in statements:
                session.execute(text(statement))

    def rewrite(self, position: int) -> None:
        """Change a record and make every hash from there on anew, that of the head, too."""
        from bot.audit_chain import canonical  # noqa: PLC0415 - only this needs it
        from bot.store.audit import reading  # noqa: PLC0415

        with reading.opened(self.database.read()) as reader:
            links = [one for batch in reader.batches() for one in batch]
        prev = links[position - 1].prev
        changes: list[dict[str, Any]] = []
        for link in links[position - 1 :]:
            said = json.loads(link.text or b"") | ({"event": "alert.closed"} if link.position == position else {})
            digest = canonical.digest_of(said)
            hashed = canonical.hash_of(link.position, prev, digest)
            changes.append({"p": link.position, "s": link.row, "e": said["event"], "d": digest, "v": prev, "h": hashed})
            prev = hashed
        with self.database.write() as session, guards.lifted(session):
            for one in reversed(changes):
                session.execute(text("UPDATE audit SET event = :e, digest = :d WHERE seq = :s"), one)
                session.execute(text("UPDATE audit_chain SET prev = :v, hash = :h WHERE position = :p"), one)
            session.execute(text("UPDATE audit_head SET hash = :h"), {"h": prev})


@pytest.fixture
def audit_desk(
    database: Database,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AuditDesk:
    """Return a log of twenty records, with the environment of its signer."""
    made = AuditDesk(database, tmp_path, capsys)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv(proofs.VARIABLE, WRITTEN_KEY)
    monkeypatch.setenv(proofs.PUBLIC_VARIABLE, made.key.public)
    monkeypatch.setenv("AUDIT_CHECKPOINTS", str(made.checkpoints))
    for name in ("AUDIT_CHANNEL", "SLACK_BOT_TOKEN", proofs.FILE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    made.append(20)
    return made
