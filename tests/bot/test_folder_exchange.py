"""One folder takes the place of another, whatever moment a crash chooses: `bot.folder_exchange`."""

import contextlib
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import folder_exchange
from bot.agent import card
from bot.agent_cards import Cards
from bot.errors import ConfigError
from bot.folder_exchange import AGENTS, KEPT
from tests.support.agent_folders import copied_agent
from tests.support.paths import ROOT

NAME, STAMP = "access", "access-2026-12-01T05-00-00"
CRASH = """
import os, signal, sys
from pathlib import Path
from bot import folder_exchange

renames, real = [], Path.rename

def rename(self, target):
    renames.append(self)
    if len(renames) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, target)

Path.rename = rename
folder_exchange.exchange(Path(sys.argv[1]), Path(sys.argv[2]))
"""
"An exchange that is killed right before its first or second rename; none is killed before the third."


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration whose agent is about to be replaced by one with another prompt."""
    copied_agent(tmp_path)
    fresh = folder_exchange.waiting(tmp_path / KEPT / STAMP)
    fresh.parent.mkdir()
    copied_agent(tmp_path / "made")
    (tmp_path / "made" / AGENTS / NAME).rename(fresh)
    (fresh / card.PROMPT).write_text("Another prompt.\n")
    return tmp_path


@pytest.mark.parametrize(("rename", "code", "is_new"), [(1, -9, False), (2, -9, True), (3, 0, True)])
def test_a_killed_exchange_leaves_a_whole_folder(config: Path, *, rename: int, code: int, is_new: bool) -> None:
    """Killed with SIGKILL before either rename, the next process to start reads the old folder or the new one."""
    folder, kept, fresh = config / AGENTS / NAME, config / KEPT / STAMP, folder_exchange.waiting(config / KEPT / STAMP)
    was = (folder / card.PROMPT).read_text()
    ended = subprocess.run(
        [sys.executable, "-c", CRASH, str(folder), str(kept), str(rename)], cwd=ROOT, check=False, timeout=60
    )
    assert ended.returncode == code
    assert folder.exists() is (rename != 2)
    folder_exchange.clear(config)
    assert fresh.exists() is (rename == 2)  # only one that is of no use any more is removed
    prompt = Cards(config)[NAME].prompt
    assert (prompt.strip() == "Another prompt.") is is_new
    assert kept.exists() is is_new
    if is_new:
        assert (kept / card.PROMPT).read_text() == was
    assert folder_exchange.mend(config) == ()


def test_only_an_exchange_that_was_cut_off_is_ended(config: Path) -> None:
    """A folder that somebody has deleted stays away, and one that is there is never replaced."""
    folder, kept = config / AGENTS / NAME, config / KEPT / STAMP
    was = folder.rename(config / "elsewhere")
    assert (folder_exchange.mend(config), folder.exists()) == ((), False)
    was.rename(kept)
    copied_agent(config)
    assert folder_exchange.mend(config) == ()
    assert (folder / card.PROMPT).read_text() != "Another prompt.\n"


def test_a_disk_that_refuses_is_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which folder is missing, why, and what to move there."""
    (config / AGENTS / NAME).rename(config / KEPT / STAMP)

    def refuse(_from: Path, _to: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ConfigError, match=f"{NAME}: is missing.*Permission denied; move .*{STAMP}.new there"):
        folder_exchange.mend(config)


def test_one_rollback_at_a_time_is_under_way(config: Path) -> None:
    """The lock is of the folder itself, so that there is no file that a killed process leaves."""
    for expected in (True, False):
        with contextlib.ExitStack() as held:
            if expected:
                held.enter_context(folder_exchange.alone(config))
            ours = os.open(config / AGENTS, os.O_RDONLY)
            held.callback(os.close, ours)
            with pytest.raises(BlockingIOError) if expected else contextlib.nullcontext():
                fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (
        pytest.raises(ConfigError, match="gone/agents: cannot be read: No such file"),
        folder_exchange.alone(config / "gone"),
    ):
        pass
