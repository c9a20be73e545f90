"""Secrets of approvers are kept encrypted: `bot.second_step.secret_box`."""

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.second_step import secret_box, totp
from bot.second_step.secret_box import ApproverKeys
from bot.settings import Settings
from tests.support.approver_codes import APPROVER_KEY, OTHER_APPROVER_KEY, approver_keys

BEN, PRIYA = "U0BEN", "U0PRIYA"


def test_a_secret_opens_with_its_key_for_its_owner() -> None:
    """With another key, for another person or changed in any character it opens for nobody."""
    keys, secret = approver_keys(), totp.new_secret()
    stored = keys.seal(secret, user=PRIYA)
    assert secret not in stored
    assert keys.unseal(stored, user=PRIYA) == secret
    assert keys.unseal(stored, user=BEN) is None
    assert approver_keys(OTHER_APPROVER_KEY).unseal(stored, user=PRIYA) is None
    assert ApproverKeys().unseal(stored, user=PRIYA) is None
    head, _, sealed = stored.rpartition(".")
    for place in range(0, len(sealed), 7):
        other = "A" if sealed[place] != "A" else "B"
        assert keys.unseal(f"{head}.{sealed[:place]}{other}{sealed[place + 1 :]}", user=PRIYA) is None
    for odd in ("", secret, "v1", f"{head}.", f"{head}.AA", f"{head}.A", stored.replace("v1", "v2"), f"{stored}\n"):
        assert keys.unseal(odd, user=PRIYA) is None


def test_the_same_secret_is_never_stored_twice_alike() -> None:
    """Who compares two copies of the database learns nothing."""
    keys, secret = approver_keys(), totp.new_secret()
    assert len({keys.seal(secret, user=PRIYA) for _ in range(50)}) == 50


def test_while_one_key_replaces_another_both_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one encrypts, and what is stored names the key that opens it."""
    before, secret = approver_keys(), totp.new_secret()
    stored = before.seal(secret, user=PRIYA)
    monkeypatch.setenv(secret_box.VARIABLE, f"{OTHER_APPROVER_KEY}, {APPROVER_KEY}")
    both = secret_box.of_settings(Settings.from_environment())
    assert both.unseal(stored, user=PRIYA) == secret
    assert not both.is_current(stored)
    anew = both.seal(secret, user=PRIYA)
    assert both.is_current(anew)
    assert before.unseal(anew, user=PRIYA) is None
    assert approver_keys(OTHER_APPROVER_KEY).unseal(anew, user=PRIYA) == secret


def test_keys_come_from_a_file_or_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not from both; a file that others may read and a key of another kind are refused; none is no mistake."""
    for name in (secret_box.VARIABLE, secret_box.FILE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    assert secret_box.of_settings(Settings.from_environment()).keys == ()
    with pytest.raises(ConfigError, match=r"DESKHAND_APPROVER_KEY is not set.*`deskhand keys generate --approvers`"):
        ApproverKeys().seal(totp.new_secret(), user=PRIYA)
    file = tmp_path / "key"
    file.write_text(f"{APPROVER_KEY}\n")
    file.chmod(0o644)
    monkeypatch.setenv(secret_box.FILE_VARIABLE, str(file))
    with pytest.raises(ConfigError, match="other accounts of this machine may read the approver keys"):
        secret_box.of_settings(Settings.from_environment())
    file.chmod(0o600)
    assert secret_box.of_settings(Settings.from_environment()).keys == approver_keys().keys
    monkeypatch.setenv(secret_box.VARIABLE, APPROVER_KEY)
    with pytest.raises(ConfigError, match="both DESKHAND_APPROVER_KEY and DESKHAND_APPROVER_KEY_FILE are set"):
        secret_box.of_settings(Settings.from_environment())
    monkeypatch.delenv(secret_box.FILE_VARIABLE)
    monkeypatch.setenv(secret_box.VARIABLE, APPROVER_KEY.replace("dhak", "dhdk"))
    with pytest.raises(ConfigError, match=r"key 1 has another form: a key is `dhak_`") as error:
        secret_box.of_settings(Settings.from_environment())
    assert APPROVER_KEY[5:] not in str(error.value)


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in settings nor in what is made of them."""
    monkeypatch.setenv(secret_box.VARIABLE, APPROVER_KEY)
    settings = Settings.from_environment()
    keys = secret_box.of_settings(settings)
    raw = keys.keys[0].secret
    for shown in (repr(settings), str(settings.model_dump()), settings.model_dump_json(), repr(keys), str(keys)):
        assert APPROVER_KEY[5:] not in shown
        assert repr(raw)[2:-1] not in shown
