"""The files of an installation are replaced together or not at all: `bot.file_changes`."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import file_changes, private
from bot.errors import ConfigError
from bot.file_changes import Change


@pytest.fixture
def changes(tmp_path: Path) -> Iterator[list[Change]]:
    """Return a change of a file, one of a link's target, and a new secret file; nothing else is left beside them."""
    card, budgets, env = (tmp_path / name for name in ("card.yaml", "budgets.yaml", ".env"))
    card.write_text("a: 1\n")
    card.chmod(0o640)
    (tmp_path / "shared.yaml").write_text("b: 1\n")
    budgets.symlink_to("shared.yaml")
    yield [
        Change(card, "a: 1\n", "a: 2\n"),
        Change(budgets, "b: 1\n", "b: 2\n"),
        Change(env, None, "TOKEN=xoxb-secret\n", secret=True),
    ]
    assert {file.name for file in tmp_path.iterdir()} <= {"card.yaml", "budgets.yaml", "shared.yaml", ".env"}


def state(changes: list[Change]) -> list[str | None]:
    """Return what the files hold."""
    return [file_changes.read(change.file) for change in changes]


def test_all_files_are_written_with_their_permissions(changes: list[Change]) -> None:
    """A link stays one, a secret file is for our account alone, and the others keep their mode."""
    file_changes.write(changes)
    assert state(changes) == [change.after for change in changes]
    assert changes[1].file.is_symlink()
    assert [stat.S_IMODE(change.file.stat().st_mode) for change in changes[::2]] == [0o640, 0o600]


def test_when_one_cannot_be_written_none_is(changes: list[Change]) -> None:
    """The disk refuses to replace the last one, as a folder is in its place; the others are as they were."""
    before = state(changes)
    env = changes[2].file
    env.mkdir()
    (env / "inside").touch()
    refused = [*changes[:2], Change(env, None, "x")]
    with pytest.raises(ConfigError, match=r"\.env: cannot be read: Is a directory"):
        file_changes.write(refused)
    ready = [(change, _filled(change)) for change in refused]
    with pytest.raises(OSError, match="directory"):
        file_changes._replace(ready)
    ready[-1][1].unlink()
    assert state(changes[:2]) == before[:2]
    (env / "inside").unlink()
    env.rmdir()


def _filled(change: Change) -> Path:
    beside = private.beside(change.file.resolve())
    file_changes._fill(beside, change)
    return beside


def test_a_file_that_somebody_else_has_changed_is_not_replaced(changes: list[Change]) -> None:
    """What was shown is no longer the difference; nothing is written."""
    changes[1].file.write_text("b: 3\n")
    before = state(changes)
    with pytest.raises(ConfigError, match=r"budgets\.yaml: has changed meanwhile; nothing was written"):
        file_changes.write(changes)
    assert state(changes) == before


def test_what_a_killed_command_has_left_is_removed(changes: list[Change]) -> None:
    """Beside `.env` it holds every secret; what only looks alike stays, and so do files of others."""
    env = changes[2].file
    left, alike = env.with_name("..env.0123abcd"), env.with_name("..env.copy0123")
    for file in (left, alike):
        file.write_text("TOKEN=xoxb-secret\n")
    file_changes.write(changes)
    assert not left.exists()
    alike.unlink()


def test_a_second_command_waits_and_sees_what_the_first_has_written(changes: list[Change]) -> None:
    """So no installation is made of the card of one and the `.env` of the other."""
    said: list[str] = []

    def second() -> None:
        try:
            file_changes.write(changes)
        except ConfigError as error:
            said.append(str(error))

    with private.alone(changes[0].file.parent):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.3)
        assert other.is_alive()
        changes[2].file.write_text("TOKEN=xoxb-first\n")
    other.join()
    assert [".env: has changed meanwhile; nothing was written" in one for one in said] == [True]
    assert state(changes) == ["a: 1\n", "b: 1\n", "TOKEN=xoxb-first\n"]


def test_a_full_disk_is_told_with_the_files(changes: list[Change], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error names none; nothing is another file, and nothing is left beside them."""

    def refuse(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = state(changes)
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(
        ConfigError, match=r"^/.*card\.yaml, /.*\.env: cannot be written: No space left on device; noth"
    ):
        file_changes.write(changes)
    assert state(changes) == before


def test_no_value_of_a_secret_file_is_shown(changes: list[Change]) -> None:
    """Only the names of what changes."""
    assert changes[2].shown() == f"new file {changes[2].file} (values are not shown): TOKEN\n"
    assert "-a: 1\n+a: 2\n" in changes[0].shown()


def test_a_folder_without_the_right_to_write_is_refused_before_anything_is_asked(
    changes: list[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, so the system's answer is put in its place."""
    file_changes.refuse_unwritable([change.file for change in changes])
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match=r"card\.yaml: cannot be written: this account may not write to "):
        file_changes.refuse_unwritable([changes[0].file])
