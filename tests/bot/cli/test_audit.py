"""`deskhand audit`: verify, export and checkpoint, each with its exit codes and words."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bot.audit_chain import proofs
from bot.cli import audit_verify
from bot.settings import Settings
from bot.signer import Signer, last_signed
from tests.support.audit_desks import AuditDesk
from tests.support.command_line import deskhand
from tests.support.database_roles import url_of_role
from tests.support.local_workspace import LocalWorkspace, bot_posts

pytestmark = pytest.mark.usefixtures("quiet_logs")


@pytest.mark.both_databases
def test_a_log_is_signed_verified_and_tampered_with(audit_desk: AuditDesk) -> None:
    """Whole: 0, with what was proved; a changed record: 1, named by its position and row."""
    code, signed = audit_desk.run("checkpoint")
    assert (code, signed["position"]) == (0, 20)
    audit_desk.append(1)
    assert "No checkpoint covers the last record yet." in audit_desk.told("verify")[1]
    audit_desk.append(2)
    code, said = audit_desk.run("verify")
    assert (code, said["whole"], said["records"], said["checkpoints"], said["uncovered"]) == (0, True, 23, 1, 3)
    code, words = audit_desk.told("verify")
    assert "is whole: 23 records, from 1 to 23." in words
    assert "No checkpoint covers the last 3 records yet." in words
    audit_desk.tamper("UPDATE audit SET event = 'alert.closed' WHERE ticket_id = 6")
    code, said = audit_desk.run("verify")
    assert (code, said["whole"]) == (1, False)
    assert [(one["position"], one["row"], one["fits"][0]) for one in said["findings"]] == [(7, 7, "edit")]
    assert "record 7 (row 7 of the table audit)" in audit_desk.told("verify")[1]


def test_without_checkpoints_it_says_what_it_cannot_see(audit_desk: AuditDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log with all hashes recomputed is whole by itself, and the words say so."""
    audit_desk.run("checkpoint")
    audit_desk.rewrite(4)
    assert audit_desk.run("verify")[1]["findings"][0]["fits"] == ["rewrite"]
    monkeypatch.delenv("AUDIT_CHECKPOINTS")
    code, words = audit_desk.told("verify")
    assert code == 0
    assert "all hashes recomputed, would not show: no checkpoints were given" in words


@pytest.mark.both_databases
def test_what_was_cut_from_the_end_is_missing(audit_desk: AuditDesk) -> None:
    """The checkpoint knows of it, even if the head was changed to fit."""
    audit_desk.run("checkpoint")
    audit_desk.tamper(
        "DELETE FROM audit WHERE seq > 15",
        "DELETE FROM audit_chain WHERE position > 15",
        "UPDATE audit_head SET position = 15, hash = (SELECT hash FROM audit_chain WHERE position = 15)",
    )
    code, said = audit_desk.run("verify")
    assert (code, said["findings"][0]["position"]) == (1, 16)
    assert "truncate" in said["findings"][0]["fits"]


def test_what_cannot_be_looked_at_is_said(
    audit_desk: AuditDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """2 and one clear sentence: no key, another key, no file, no export, no database."""
    audit_desk.run("checkpoint")
    other = proofs.derived(bytes(32)).public
    assert audit_desk.told("verify", "--key", other)[0] == 2
    assert "is signed by a key that is trusted" in audit_desk.told("verify", "--key", other)[1]
    assert audit_desk.told("verify", "--key", "none")[0] == 2
    assert audit_desk.told("verify", "--checkpoints", str(tmp_path / "none"))[0] == 2
    assert audit_desk.told("verify", "--file", str(audit_desk.checkpoints))[0] == 2
    monkeypatch.delenv(proofs.PUBLIC_VARIABLE)
    code, words = audit_desk.told("verify")
    assert (code, "name the signer's public key" in words) == (2, True)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    monkeypatch.delenv("AUDIT_CHECKPOINTS")
    assert audit_desk.told("verify")[0] == 2
    with closing(sqlite3.connect(tmp_path / "none.db")) as bare, bare:
        bare.execute("CREATE TABLE bare (one)")
    for command in ("verify", "export"):
        code, words = audit_desk.told(command)
        assert (code, words) == (2, "deskhand: database: it has no chained audit log yet: run `deskhand migrate`\n")


def test_checkpoints_of_another_installation_prove_nothing(audit_desk: AuditDesk) -> None:
    """The sentence names both logs, and it is no proof that anything is whole."""
    audit_desk.run("checkpoint")
    audit_desk.tamper("UPDATE audit_head SET chain = 'another'")
    code, words = audit_desk.told("verify")
    assert code == 2
    assert "this is the log another" in words


def test_changed_evidence_is_found(audit_desk: AuditDesk) -> None:
    """A line of a trusted key that is not what was signed: the log may be whole, and something is wrong."""
    audit_desk.run("checkpoint")
    line = audit_desk.checkpoints.read_text()
    head, payload, signature = line.split(".")
    audit_desk.checkpoints.write_text(f"{line}{head}.{payload[:-2]}AA.{signature}")
    code, said = audit_desk.run("verify")
    assert (code, said["findings"][0]["fits"]) == (1, ["altered_evidence"])
    assert audit_desk.run("checkpoint")[0] == 1


def test_an_empty_log_proves_nothing_and_is_not_signed(audit_desk: AuditDesk, tmp_path: Path) -> None:
    """Each command says so, and an export never names records from 1 to 0."""
    audit_desk.tamper(
        "UPDATE audit_head SET position = 0, hash = (SELECT prev FROM audit_chain WHERE position = 1)",
        "DELETE FROM audit",
        "DELETE FROM audit_chain",
    )
    assert "has no records, so nothing was proved" in audit_desk.told("verify", "--checkpoints", os.devnull)[1]
    assert audit_desk.run("checkpoint") == (0, {"signed": False})
    file = str(tmp_path / "none.ndjson")
    code, words = audit_desk.told("export", "--output", file)
    assert (code, f"{file}: no record of the log " in words) == (0, True)
    code, words = audit_desk.told("export", "--output", file, "--since", "1")
    assert (code, "the log has no records" in words) == (2, True)


@pytest.mark.both_databases
def test_an_export_verifies_by_itself(audit_desk: AuditDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a database, with the same checkpoints; a range says that it is one."""
    audit_desk.run("checkpoint")
    file, part = tmp_path / "all.ndjson", tmp_path / "part.ndjson"
    code, said = audit_desk.run("export", "--output", str(file))
    assert (code, said["from"], said["to"]) == (0, 1, 20)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert audit_desk.run("export", "--output", str(part), "--since", "5", "--until", "9")[1]["to"] == 9
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    code, said = audit_desk.run("verify", "--file", str(file))
    assert (code, said["start"], said["records"], said["checkpoints"]) == (0, "first_record", 20, 1)
    code, said = audit_desk.run("verify", "--file", str(part))
    assert (code, said["start"], said["first"], said["last"]) == (0, "range", 5, 9)
    assert "nothing was proved of the records before 5" in audit_desk.told("verify", "--file", str(part))[1]
    file.write_bytes(file.read_bytes().replace(b"alert.opened", b"alert.closed", 1))
    assert audit_desk.run("verify", "--file", str(file))[1]["findings"][0]["position"] == 1


@pytest.mark.both_databases
def test_a_range_may_be_one_of_time(audit_desk: AuditDesk, tmp_path: Path) -> None:
    """From a moment on, and before one; what is no range is refused by name."""
    file = str(tmp_path / "part")
    assert audit_desk.run("export", "--output", file, "--since", "2026-01-01")[1]["from"] == 1
    assert audit_desk.run("export", "--output", file, "--until", "2099-01-01T00:00Z")[1]["to"] == 20
    for words in (("--since", "2099-01-01"), ("--until", "21"), ("--since", "9", "--until", "8")):
        code, said = audit_desk.told("export", "--output", file, *words)
        assert (code, "no record is in that range" in said) == (2, True)
    assert "expected a position or a time" in audit_desk.told("export", "--since", "yesterday")[1]


def test_other_formats_are_written(audit_desk: AuditDesk, tmp_path: Path) -> None:
    """OCSF is a line a record, on stdout, too; DSSE vouches for an export beside it, which verifies."""
    _, printed = audit_desk.told("export", "--format", "ocsf")
    assert [json.loads(line)["class_uid"] for line in printed.splitlines()] == [6003] * 20
    assert "U0MAYA" not in printed
    envelope = tmp_path / "audit.json"
    code, said = audit_desk.run("export", "--format", "dsse", "--output", str(envelope))
    assert (code, json.loads(envelope.read_text())["signatures"][0]["keyid"]) == (0, audit_desk.key.id)
    assert audit_desk.run("verify", "--file", said["file"], "--checkpoints", os.devnull)[0] == 0
    assert audit_desk.told("export", "--format", "dsse")[0] == 2


def test_a_checkpoint_follows_from_the_last_one(audit_desk: AuditDesk) -> None:
    """Nothing new is not signed again; what was rewritten, cut or set back is refused and told."""
    audit_desk.run("checkpoint")
    assert audit_desk.run("checkpoint") == (0, {"signed": False})
    audit_desk.append(1)
    assert audit_desk.run("checkpoint")[1]["position"] == 21
    assert stat.S_IMODE(audit_desk.checkpoints.stat().st_mode) == 0o644
    before = audit_desk.checkpoints.read_bytes()
    audit_desk.rewrite(10)
    audit_desk.append(1)
    code, words = audit_desk.told("checkpoint")
    assert (code, "record 21 has another hash than the checkpoint of" in words) == (1, True)
    assert audit_desk.checkpoints.read_bytes() == before


def test_a_log_that_was_cut_is_not_signed(audit_desk: AuditDesk) -> None:
    """It ends before the last checkpoint."""
    audit_desk.run("checkpoint")
    audit_desk.tamper(
        "DELETE FROM audit WHERE seq > 15",
        "DELETE FROM audit_chain WHERE position > 15",
        "UPDATE audit_head SET position = 15, hash = (SELECT hash FROM audit_chain WHERE position = 15)",
    )
    code, words = audit_desk.told("checkpoint")
    assert (code, "the log ends with 15" in words) == (1, True)


def test_a_log_without_its_beginning_is_not_signed(audit_desk: AuditDesk) -> None:
    """No seal says that the first records were removed, so the signer says that they are missing."""
    audit_desk.run("checkpoint")
    audit_desk.append(1)
    audit_desk.tamper("DELETE FROM audit WHERE seq < 4", "DELETE FROM audit_chain WHERE position < 4")
    code, words = audit_desk.told("checkpoint")
    assert (code, "the log begins with record 4, and no seal" in words) == (1, True)


@pytest.mark.postgres_only
def test_the_signer_needs_no_right_but_to_read_three_tables(
    audit_desk: AuditDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role that may select from the tables of the log signs and sees what follows; it may read nothing else."""
    right = "GRANT SELECT ON audit, audit_chain, audit_head TO {role}"
    monkeypatch.setenv("DATABASE_URL", url_of_role(audit_desk.database, "deskhand_signer", right))
    assert audit_desk.run("checkpoint")[1]["position"] == 20
    audit_desk.append(1)
    assert audit_desk.run("checkpoint")[1]["position"] == 21
    code, words = audit_desk.told("verify")
    assert (code, "the audit log cannot be read" in words) == (2, True)


def test_long_verifications_say_how_far_they_are(audit_desk: AuditDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr, so that a script reads nothing but its JSON."""
    monkeypatch.setattr(audit_verify, "TOLD", 10)
    audit_desk.capsys.readouterr()
    assert deskhand("audit", "verify", "--json", "--checkpoints", os.devnull) == 0
    out, err = audit_desk.capsys.readouterr()
    assert json.loads(out)["records"] == 20
    assert "20 of 20 records" in err


def test_a_torn_line_does_no_harm(audit_desk: AuditDesk) -> None:
    """The next checkpoint begins a line of its own, and both that are whole are read."""
    audit_desk.run("checkpoint")
    with audit_desk.checkpoints.open("ab") as file:
        file.write(audit_desk.checkpoints.read_bytes()[:100])
    audit_desk.append(1)
    assert audit_desk.run("checkpoint")[1]["position"] == 21
    code, said = audit_desk.run("verify")
    assert (code, said["checkpoints"], said["torn"], said["uncovered"]) == (0, 2, 1, 0)
    assert last_signed(audit_desk.checkpoints) is not None


def test_two_signers_at_once_do_no_harm(audit_desk: AuditDesk) -> None:
    """Of many at once, one signs each state of the log; the others find that nothing is new."""
    signer = Signer(audit_desk.database, proofs.signing_key(Settings.from_environment()), audit_desk.checkpoints)
    for _ in range(3):
        audit_desk.append(1)
        with ThreadPoolExecutor(4) as pool:
            signed = [one for one in pool.map(lambda _: signer.sign(), range(8)) if one is not None]
        assert len(signed) == 1
    code, said = audit_desk.run("verify")
    assert (code, said["checkpoints"], said["torn"]) == (0, 3, 0)


def test_a_killed_signer_leaves_a_readable_file(audit_desk: AuditDesk) -> None:
    """The process `signer` is killed while it signs; whatever it left is read, and the next one goes on."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "bot.cli", "audit", "checkpoint", "--every", "0.1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (audit_desk.checkpoints.exists() and audit_desk.checkpoints.stat().st_size):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        audit_desk.append(5)
        process.send_signal(signal.SIGKILL)
    audit_desk.append(1)
    assert audit_desk.run("checkpoint")[1]["position"] == 26
    assert audit_desk.run("verify")[1]["uncovered"] == 0


def test_checkpoints_are_posted_and_what_is_not_signed_is_told(
    audit_desk: AuditDesk, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The channel has the signed line, which verifies by itself, and later the reason why there are no more."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-local")
    monkeypatch.setenv("SLACK_API_URL", f"{workspace.base}/api/")
    assert audit_desk.run("checkpoint", "--channel", "C0QUEUE")[0] == 0
    audit_desk.rewrite(3)
    audit_desk.append(1)
    assert audit_desk.run("checkpoint", "--channel", "C0QUEUE")[0] == 1
    posted, warned = [str(one["text"]) for one in bot_posts(workspace, "C0QUEUE")]
    [signed] = proofs.read_lines(posted.split("```")[1].encode(), {audit_desk.key.id: audit_desk.key}).checkpoints
    assert signed.position == 20
    assert "is no longer signed: record 20 has another hash" in warned
    audit_desk.checkpoints.unlink()
    assert audit_desk.run("checkpoint", "--channel", "C0NONE")[0] == 0
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    assert "SLACK_BOT_TOKEN is not set" in audit_desk.told("checkpoint", "--channel", "C0QUEUE")[1]


def test_the_signing_key_is_asked_for(audit_desk: AuditDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key or a file nothing is signed, and the sentence says what to set."""
    monkeypatch.delenv(proofs.VARIABLE)
    code, words = audit_desk.told("checkpoint")
    assert (code, proofs.FILE_VARIABLE in words) == (2, True)
    monkeypatch.delenv("AUDIT_CHECKPOINTS")
    assert "AUDIT_CHECKPOINTS is not set" in audit_desk.told("checkpoint")[1]
