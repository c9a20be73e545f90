"""`deskhand approvers`: who is enrolled, and who is locked."""

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.second_step import codes, secret_box, totp
from bot.second_step.codes import CodeVerdict
from bot.store.approvals import approvers
from bot.store.db import Database
from bot.store.schema import Approver
from tests.support.agent_folders import copied_agent
from tests.support.approver_codes import (
    APPROVER_KEY,
    APPROVER_KEYS,
    OTHER_APPROVER_KEY,
    approver_keys,
    code_now,
    enrolled,
    wrong_code,
)
from tests.support.command_line import deskhand
from tests.support.factories import rows

pytestmark = pytest.mark.usefixtures("quiet_logs", "installed")
PRIYA, STRANGER = "U0PRIYA", "U0EVE"


@pytest.fixture
def installed(sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the command at a database and at a configuration with one agent, with a key for approvers."""
    copied_agent(tmp_path / "config")
    monkeypatch.setenv("DATABASE_URL", sqlite.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("DESKHAND_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv(secret_box.VARIABLE, APPROVER_KEY)
    assert deskhand("migrate") == 0


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs a command and returns what it says on both of its outputs."""

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert deskhand("approvers", *words) == code
        seen = capsys.readouterr()
        return f"{seen.out}{seen.err}"

    return run


class Phone:
    """An approver at the terminal, who reads the key that is shown and types what their app makes of it."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *, typos: int) -> None:
        self.capsys, self.typos, self.seen = capsys, typos, ""

    @property
    def secret(self) -> str:
        """Return the key that was shown."""
        return "".join(self.seen.partition("  Key: ")[2].partition("\n")[0].split())

    def readline(self) -> str:
        """Type a line."""
        self.seen += self.capsys.readouterr().out
        self.typos -= 1
        wrong = wrong_code(self.secret, at=datetime.now(UTC))
        return f"{wrong if self.typos >= 0 else code_now(self.secret)}\n"


def test_an_approver_is_enrolled_with_the_first_code_of_their_app(
    sqlite: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is shown once; a mistyped code may be typed again, and the code that was typed is used."""
    phone = Phone(capsys, typos=2)
    monkeypatch.setattr(sys, "stdin", phone)
    assert deskhand("approvers", "enrol", PRIYA) == 0
    assert f"otpauth://totp/Deskhand:{PRIYA}?secret={phone.secret}&issuer=Deskhand" in phone.seen
    assert f"{PRIYA} is enrolled" in capsys.readouterr().out
    [row] = rows(sqlite, Approver)
    assert (APPROVER_KEYS.unseal(row.secret, user=PRIYA), row.enrolled_by) == (phone.secret, "operator")
    assert row.last_step is not None
    used = totp.code(phone.secret, at=datetime.fromtimestamp(row.last_step * totp.SECONDS, UTC))
    with sqlite.write() as session:
        verdict = codes.check(session, PRIYA, used, keys=APPROVER_KEYS, at=datetime.now(UTC))
    assert verdict in {CodeVerdict.REPEATED, CodeVerdict.WRONG}  # wrong: this test took more than half a minute
    assert deskhand("approvers", "enrol", PRIYA) == 1
    assert f"{PRIYA} is enrolled already" in capsys.readouterr().err


def test_without_a_right_code_nothing_is_kept(
    sqlite: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three wrong ones end it: a secret that no app has would lock its approver out."""
    monkeypatch.setattr(sys, "stdin", Phone(capsys, typos=3))
    assert deskhand("approvers", "enrol", PRIYA) == 1
    assert "No right code was typed. Nothing was kept." in capsys.readouterr().err
    assert rows(sqlite, Approver) == []


def test_what_is_no_code_at_all_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who types a part of it, or something else, need not look at the clock of a phone."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("12345\nabcdef\n123 4567\n"))
    assert deskhand("approvers", "enrol", PRIYA) == 1
    seen = capsys.readouterr()
    assert seen.out.count("A code has six digits.") == 3
    assert "clock" not in seen.out


@pytest.mark.parametrize("closed", [False, True])
def test_without_a_terminal_it_is_said_what_to_do(
    sqlite: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, closed: bool
) -> None:
    """As in a script, whose input is empty or closed: no code can be typed, and nothing is kept."""
    monkeypatch.setattr(sys, "stdin", None if closed else io.StringIO())
    assert deskhand("approvers", "enrol", PRIYA) == 1
    assert capsys.readouterr().err == (
        "\nError: The input ended without an answer. Nothing was kept. Run it at a terminal, with the approver beside "
        "you; with --json no code is asked for.\n"
    )
    assert rows(sqlite, Approver) == []


def test_only_an_approver_of_a_card_is_enrolled_and_only_with_a_key(
    sqlite: Database, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each refusal is a sentence that says what to do."""
    text = said("enrol", STRANGER, "--json", code=1)
    assert f"{STRANGER} is in `handoff.approvers` of no card; the approvers are U0BEN, U0PRIYA" in text
    monkeypatch.delenv(secret_box.VARIABLE)
    assert "run `deskhand keys generate --approvers`" in said("enrol", PRIYA, "--json", code=2)
    assert rows(sqlite, Approver) == []


def test_who_is_locked_is_shown_and_unlocked(sqlite: Database, said: Any) -> None:
    """As JSON and for people; what is already so is refused, and no secret is shown."""
    assert f"{PRIYA}  not enrolled  (approves for access)" in said("list")
    secret = json.loads(said("enrol", PRIYA, "--json"))["secret"]
    assert f"{PRIYA}  enrolled  (approves for access)" in said("list")
    for _ in range(5):
        with sqlite.write() as session:
            at = datetime.now(UTC)
            codes.check(session, PRIYA, wrong_code(secret, at=at), keys=APPROVER_KEYS, at=at)
    assert f"{PRIYA}  locked after wrong codes" in said("list")
    [listed] = [one for one in json.loads(said("list", "--json"))["approvers"] if one["user"] == PRIYA]
    assert (listed["status"], listed["wrong_codes"], listed["agents"]) == ("locked after wrong codes", 5, ["access"])
    assert datetime.fromisoformat(listed["locked_at"]) == rows(sqlite, Approver)[0].locked_at
    assert secret not in said("list") + said("list", "--json")
    assert f"{PRIYA} is unlocked." in said("unlock", PRIYA)
    assert "is not locked. Nothing was done." in said("unlock", PRIYA, code=1)
    assert json.loads(said("remove", PRIYA, "--json")) == {"user": PRIYA, "status": "not enrolled"}
    assert "is not enrolled. Nothing was done." in said("remove", PRIYA, code=1)
    assert rows(sqlite, Approver) == []


def test_who_approves_nothing_any_longer_is_shown(sqlite: Database, said: Any) -> None:
    """Their app is of no use, and an operator reads how to forget it."""
    enrolled(sqlite, STRANGER)
    assert f"{STRANGER}  enrolled  (approves for no agent any longer: `deskhand approvers remove`" in said("list")


def test_a_key_is_replaced_step_by_step(sqlite: Database, said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `reencrypt` the second key can be dropped; the app and its codes stay as they are."""
    assert "Encrypted anew: none, as nobody is enrolled." in said("reencrypt")
    secret = enrolled(sqlite, PRIYA)
    with sqlite.write() as session:
        other = approver_keys("dhak_" + "A" * 43)
        approvers.enrol(session, "U0BEN", secret=other.seal(totp.new_secret(), user="U0BEN"), by="operator")
    monkeypatch.setenv(secret_box.VARIABLE, f"{OTHER_APPROVER_KEY},{APPROVER_KEY}")
    text = said("reencrypt", code=1)
    assert f"Encrypted anew: {PRIYA}." in text
    assert "No key opens the secret of U0BEN: remove and enrol them again." in text
    said("remove", "U0BEN")
    assert json.loads(said("reencrypt", "--json")) == {"reencrypted": [], "unreadable": []}
    monkeypatch.setenv(secret_box.VARIABLE, OTHER_APPROVER_KEY)
    assert f"{PRIYA}  enrolled" in said("list")
    [row] = rows(sqlite, Approver)
    assert approver_keys(OTHER_APPROVER_KEY).unseal(row.secret, user=PRIYA) == secret
    monkeypatch.setenv(secret_box.VARIABLE, APPROVER_KEY)
    assert f"{PRIYA}  unreadable with the keys that are set" in said("list")
