"""`deskhand audit seal`: what is sealed may be removed, by the owner of the tables and whole."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support.audit_desks import AuditDesk
from tests.support.dying_process import ends_by_kill

pytestmark = pytest.mark.usefixtures("quiet_logs")


@pytest.mark.both_databases
def test_sealed_records_are_removed_and_the_rest_verifies(audit_desk: AuditDesk, tmp_path: Path) -> None:
    """Signer first, then the owner with an export; before the seal, without the export, or for others it is refused."""
    export = str(tmp_path / "all.ndjson")
    audit_desk.run("export", "--output", export)
    assert "no checkpoint covers record 8" in audit_desk.told("seal", "--until", "8", "--rule", "r")[1]
    audit_desk.run("checkpoint")
    refused = audit_desk.told("seal", "--until", "8", "--remove", "--exported", export)[1]
    assert "no seal of record 8" in refused
    assert "the signer makes it by `deskhand audit seal --until 8 --rule WHY`" in refused
    code, said = audit_desk.run("seal", "--until", "8", "--rule", "older than a year")
    assert (code, said["position"]) == (0, 8)
    short = str(tmp_path / "short.ndjson")
    audit_desk.run("export", "--output", short, "--since", "2")
    code, words = audit_desk.told("seal", "--until", "8", "--remove", "--exported", short)
    assert (code, "does not hold the records 1 to 8" in words) == (2, True)
    assert audit_desk.run("verify")[1]["records"] == 20
    assert audit_desk.run("seal", "--until", "8", "--remove", "--exported", export)[1]["removed"] == 8
    audit_desk.append(2)
    code, said = audit_desk.run("verify")
    assert (code, said["start"], said["first"], said["records"]) == (0, "seal", 9, 14)
    assert "begins after a seal" in audit_desk.told("verify")[1]
    assert audit_desk.run("checkpoint")[1]["position"] == 22
    assert audit_desk.run("verify", "--checkpoints", os.devnull)[1]["findings"][0]["fits"] == ["cut_head"]
    audit_desk.tamper("DELETE FROM audit WHERE seq = 9", "DELETE FROM audit_chain WHERE position = 9")
    assert audit_desk.run("verify")[1]["findings"][0]["fits"] == ["cut_head"]


@pytest.mark.both_databases
def test_a_removal_that_is_killed_has_removed_nothing(audit_desk: AuditDesk, tmp_path: Path) -> None:
    """SIGKILL right before its commit: every record is there and guarded. The command then does its work."""
    export = str(tmp_path / "all.ndjson")
    audit_desk.run("export", "--output", export)
    audit_desk.run("checkpoint")
    audit_desk.run("seal", "--until", "8", "--rule", "older than a year")
    command = ("seal", "--until", "8", "--remove", "--exported", export)
    ends_by_kill(tmp_path, "removed", "audit", *command)
    assert audit_desk.run("verify")[1]["records"] == 20
    with pytest.raises(DBAPIError), audit_desk.database.write() as session:
        session.execute(text("DELETE FROM audit_chain WHERE position = 1"))
    assert audit_desk.run(*command)[1]["removed"] == 8
    code, said = audit_desk.run("verify")
    assert (code, said["start"], said["first"], said["records"]) == (0, "seal", 9, 12)


def test_a_removal_without_checkpoints_says_how_to_name_them(
    audit_desk: AuditDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner of the tables has no file of checkpoints by default: the seal is in that of the signer."""
    export = str(tmp_path / "all.ndjson")
    audit_desk.run("export", "--output", export)
    audit_desk.run("checkpoint")
    audit_desk.run("seal", "--until", "1", "--rule", "older than a year")
    monkeypatch.delenv("AUDIT_CHECKPOINTS")
    command = ("seal", "--until", "1", "--remove", "--exported", export)
    code, refused = audit_desk.told(*command)
    assert (code, "no checkpoints were given: name the file that has the seal with --checkpoints" in refused) == (
        2,
        True,
    )
    code, words = audit_desk.told(*command, "--checkpoints", str(audit_desk.checkpoints))
    assert (code, "1 record is removed; the log begins with record 2." in words) == (0, True)


def test_a_seal_needs_its_words(audit_desk: AuditDesk) -> None:
    """A rule in words to seal, an export to remove, and not both; an empty rule would make a line nobody can read."""
    audit_desk.run("checkpoint")
    before = audit_desk.checkpoints.read_bytes()
    for rule in ("", " \n"):
        assert "a seal needs a --rule in words" in audit_desk.told("seal", "--until", "3", "--rule", rule)[1]
    assert audit_desk.checkpoints.read_bytes() == before
    assert audit_desk.told("seal", "--until", "3")[0] == 2
    assert audit_desk.told("seal", "--until", "3", "--remove")[0] == 2
    assert audit_desk.told("seal", "--until", "3", "--remove", "--exported", "x", "--rule", "r")[0] == 2
