"""The keys that sign delegations: `bot.delegation.keys`."""

from pathlib import Path

import pytest

from bot.delegation import keys
from bot.errors import ConfigError
from bot.settings import Settings
from tests.support.delegations import KEY_OF_TESTS, OTHER_KEY


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Take the key of the tests out of the environment."""
    monkeypatch.delenv(keys.VARIABLE)
    return monkeypatch


def test_a_key_is_named_by_its_public_part() -> None:
    """Each is another; the same text is always the same key, also in the next version of the libraries."""
    first, second = (keys.parse([keys.generate()], source="s").signing for _ in range(2))
    assert first.id != second.id
    assert first.public != second.public
    assert keys.parse([KEY_OF_TESTS], source="s").signing.id == "QpXasl4NAnSKj3TX86Bn9mscRQsDy8Izzhd4TzX7nRk"


def test_keys_come_from_the_environment(env: pytest.MonkeyPatch) -> None:
    """The first one signs, and two are valid while one replaces the other."""
    env.setenv(keys.VARIABLE, f"{OTHER_KEY}, {KEY_OF_TESTS}")
    valid = keys.of_settings(Settings.from_environment())
    assert valid.signing.id == keys.parse([OTHER_KEY], source="s").signing.id
    assert [valid.find(key.id) for key in valid.keys] == list(valid.keys)
    assert valid.find(None) is None


def test_without_a_key_nobody_starts_and_reads_what_to_run(env: pytest.MonkeyPatch) -> None:
    """Nothing is made in its place."""
    env.delenv(keys.FILE_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=r"DESKHAND_DELEGATION_KEYS is not set.*run `deskhand keys generate`"):
        keys.of_settings(Settings.from_environment())


def test_keys_come_from_a_file_that_only_we_can_read(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One a line, the one that signs first; both a file and a variable are one too many."""
    file = tmp_path / "keys"
    file.write_text(f"{OTHER_KEY}\n{KEY_OF_TESTS}\n")
    file.chmod(0o600)
    env.setenv(keys.FILE_VARIABLE, str(file))
    valid = keys.of_settings(Settings.from_environment())
    assert (len(valid.keys), valid.source) == (2, str(file))
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="other accounts of this machine may read the delegation keys: `chmod 600`"):
        keys.of_settings(Settings.from_environment())
    env.setenv(keys.VARIABLE, KEY_OF_TESTS)
    with pytest.raises(ConfigError, match="both DESKHAND_DELEGATION_KEYS and DESKHAND_DELEGATION_KEYS_FILE are set"):
        keys.of_settings(Settings.from_environment())


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """It is not there, or it is something else."""
    with pytest.raises(ConfigError, match="nowhere: the delegation keys cannot be read: No such file"):
        keys.read(tmp_path / "nowhere")
    (tmp_path / "odd").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="odd: the delegation keys cannot be read: it is not plain text"):
        keys.read(tmp_path / "odd")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("secret", "key 1 has another form"),
        (f"{KEY_OF_TESTS}=", "key 1 has another form"),
        (f"{KEY_OF_TESTS},", "key 2 has another form"),
        (f"{KEY_OF_TESTS[:-1]}", "key 1 has another form"),
        (KEY_OF_TESTS.removeprefix("dhdk_"), "key 1 has another form"),
        (f"{KEY_OF_TESTS[:-1]}\u00e9", "key 1 has another form"),
        (f"{KEY_OF_TESTS},{KEY_OF_TESTS}", "the same key is there twice"),
        (f"{KEY_OF_TESTS},{OTHER_KEY},{KEY_OF_TESTS}", "expected one key, or two .* found 3"),
    ],
)
def test_a_wrong_key_is_told_by_its_place_and_never_shown(env: pytest.MonkeyPatch, written: str, said: str) -> None:
    """The message names the variable, and which one it is."""
    env.setenv(keys.VARIABLE, written)
    with pytest.raises(ConfigError, match=f"environment: DESKHAND_DELEGATION_KEYS: {said}") as error:
        keys.of_settings(Settings.from_environment())
    assert "ZXZlcnl" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_key_is_never_shown(env: pytest.MonkeyPatch) -> None:
    """Neither in settings nor in what is made of them."""
    env.setenv(keys.VARIABLE, KEY_OF_TESTS)
    settings = Settings.from_environment()
    valid = keys.of_settings(settings)
    for shown in (repr(settings), str(settings.model_dump()), settings.model_dump_json(), repr(valid), str(valid)):
        assert "ZXZlcnl" not in shown
