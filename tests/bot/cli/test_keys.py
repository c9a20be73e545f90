"""`deskhand keys`: keys are made, replaced and listed."""

import json
import stat
import threading
from pathlib import Path

import pytest

from bot import configured_keys, private
from bot.delegation import keys
from bot.second_step import secret_box
from tests.support.command_line import deskhand
from tests.support.delegations import KEY_OF_TESTS, OTHER_KEY


@pytest.mark.usefixtures("quiet_logs")
def test_a_key_is_printed_as_the_variable_that_holds_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it prints can be put into the environment as it is; each is another."""
    made = []
    for _ in range(2):
        assert deskhand("keys", "generate") == 0
        name, _, value = capsys.readouterr().out.strip().partition("=")
        assert name == "DESKHAND_DELEGATION_KEYS"
        made.append(value)
    assert len(set(made)) == 2
    monkeypatch.setenv(keys.VARIABLE, ",".join(made))
    assert deskhand("keys", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["does"] for one in listed["keys"]] == ["signs and verifies", "verifies"]
    assert deskhand("keys", "generate", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert keys.parse([shown["key"]], source="s").signing.id == shown["kid"]


@pytest.mark.usefixtures("quiet_logs")
def test_a_list_shows_no_private_part(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids and what is public, as JSON and for people."""
    monkeypatch.setenv(keys.VARIABLE, f"{KEY_OF_TESTS},{OTHER_KEY}")
    valid = keys.parse([KEY_OF_TESTS, OTHER_KEY], source="s").keys
    for words in ((), ("--json",)):
        assert deskhand("keys", "list", *words) == 0
        told = capsys.readouterr().out
        assert all(key.id in told and key.public in told for key in valid)
        for hidden in (KEY_OF_TESTS, OTHER_KEY, *(str(key.jwk.as_dict(private=True)["d"]) for key in valid)):
            assert hidden.removeprefix("dhdk_") not in told


@pytest.mark.usefixtures("quiet_logs")
def test_a_key_in_a_file_is_replaced_step_by_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one signs, the one before still verifies, a third is dropped; only our account can read the file."""
    file = tmp_path / "new" / "keys"
    told = []
    for _ in range(3):
        assert deskhand("keys", "generate", "--file", str(file), "--json") == 0
        told.append(json.loads(capsys.readouterr().out))
    ids = [one["kid"] for one in told]
    assert [one["replaces"] for one in told] == [None, *ids[:2]]
    assert [key.id for key in keys.read(file).keys] == [ids[2], ids[1]]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["keys"]
    assert deskhand("keys", "generate", "--file", str(file)) == 0
    said = capsys.readouterr().out
    assert f"Key {ids[2]} still verifies." in said
    assert "dhdk_" not in said
    monkeypatch.delenv(keys.VARIABLE)
    monkeypatch.setenv(keys.FILE_VARIABLE, str(file))
    assert deskhand("keys", "list") == 0
    assert str(file) in capsys.readouterr().out


@pytest.mark.usefixtures("quiet_logs")
def test_a_second_command_waits_and_keeps_the_key_of_the_first(tmp_path: Path) -> None:
    """Both say which key signs and which one still verifies; what a killed one has left is removed."""
    file, left = tmp_path / "keys", tmp_path / ".keys.0123abcd"
    left.write_text(KEY_OF_TESTS)
    other = threading.Thread(target=deskhand, args=("keys", "generate", "--file", str(file)))
    with private.alone(tmp_path):
        other.start()
        other.join(0.3)
        assert other.is_alive()
        private.put(file, [OTHER_KEY.encode()])
    other.join()
    assert file.read_text().split()[1:] == [OTHER_KEY]
    assert not left.exists()


@pytest.mark.usefixtures("quiet_logs")
def test_what_holds_no_keys_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of something else stays as it is, and so does a folder that is none."""
    file = tmp_path / "notes"
    file.write_text("dear diary\n")
    file.chmod(0o600)
    assert deskhand("keys", "generate", "--file", str(file)) == 2
    assert file.read_text() == "dear diary\n"
    assert "notes: key 1 has another form" in capsys.readouterr().err
    assert deskhand("keys", "generate", "--file", str(file / "keys")) == 2
    assert "the key cannot be written" in capsys.readouterr().err


@pytest.mark.usefixtures("quiet_logs")
def test_without_keys_a_list_says_what_to_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence, with exit code 2."""
    monkeypatch.delenv(keys.VARIABLE)
    assert deskhand("keys", "list") == 2
    assert "run `deskhand keys generate`" in capsys.readouterr().err


@pytest.mark.usefixtures("quiet_logs")
def test_keys_of_approvers_are_made_replaced_and_listed_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are another kind, with a variable and a file of their own, and no list shows one."""
    monkeypatch.delenv(secret_box.VARIABLE, raising=False)
    assert deskhand("keys", "generate", "--approvers") == 0
    name, _, value = capsys.readouterr().out.strip().partition("=")
    assert (name, value[:5]) == ("DESKHAND_APPROVER_KEY", "dhak_")
    assert deskhand("keys", "list", "--approvers") == 2
    assert "`deskhand keys generate --approvers` makes a key" in capsys.readouterr().err
    file = tmp_path / "key"
    for _ in range(2):
        assert deskhand("keys", "generate", "--approvers", "--file", str(file)) == 0
    assert "still decrypts. After that start and after `deskhand approvers reencrypt`" in capsys.readouterr().out
    monkeypatch.setenv(secret_box.FILE_VARIABLE, str(file))
    assert deskhand("keys", "list", "--approvers", "--json") == 0
    told = capsys.readouterr().out
    ids = [key.id for key in configured_keys.read(secret_box.KIND, file).keys]
    assert [(one["kid"], one["does"]) for one in json.loads(told)["keys"]] == [
        (ids[0], "encrypts and decrypts"),
        (ids[1], "decrypts"),
    ]
    assert deskhand("keys", "list", "--approvers") == 0
    told += capsys.readouterr().out
    assert not any(line.removeprefix("dhak_") in told for line in file.read_text().split())
