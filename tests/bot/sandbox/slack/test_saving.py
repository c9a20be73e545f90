"""What survives a restart, a crash and a full disk."""

import asyncio
import errno
import logging
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConfigError
from bot.sandbox.slack import saving
from bot.sandbox.workspace import create_app


def test_everything_is_there_after_a_restart(workspace: Any, tmp_path: Path) -> None:
    """Messages, threads, ephemeral messages, sessions, files, Home tabs and read marks come back as they were."""
    workspace.act("dm", "U0MAYA")
    ts = workspace.say("U0MAYA", "C0HELP", "help", files=[{"name": "a.txt", "content": "words"}])
    slack = workspace.slack
    slack.chat_postMessage(channel="C0HELP", text="yes", thread_ts=ts)
    slack.chat_postEphemeral(channel="C0HELP", user="U0MAYA", text="psst")
    slack.agents_sessions_setStatus(channel_id="C0HELP", thread_ts=ts, status="processing")
    slack.views_publish(user_id="U0MAYA", view={"type": "home", "blocks": [{"type": "divider"}]})
    before = workspace.sees("U0MAYA")
    path = tmp_path / "state.json"
    path.write_text(saving.to_text(workspace.world), encoding="utf-8")
    last = workspace.world.state.last_ts
    workspace.world.forget()
    saving.load(workspace.world, path)
    after = workspace.sees("U0MAYA")
    assert {**after, "seq": 0} == {**before, "seq": 0}
    assert workspace.world.state.last_ts == last
    assert [one.content for one in workspace.world.state.files.values()] == [b"words"]


def test_what_is_said_is_on_disk_soon_and_at_the_end(serve_workspace: Any, tmp_path: Path) -> None:
    """A new server on the same file shows what the old one was told, a reply count included."""
    path = tmp_path / "deep" / "state.json"
    first = serve_workspace(state_file=path)
    first.say("U0MAYA", "C0HELP", "remember me")
    for _ in range(12_000):
        if path.exists() and "remember me" in path.read_text(encoding="utf-8"):
            break
        threading.Event().wait(0.01)
    second = serve_workspace(state_file=path)
    assert [one["text"] for one in second.sees("U0IVAN")["messages"]["C0HELP"]] == ["remember me"]


def test_a_crash_while_saving_leaves_the_old_file(tmp_path: Path) -> None:
    """Half a new file beside the state, as kill -9 leaves it, changes nothing."""
    path = tmp_path / "state.json"
    saving._replace(path, '{"old": 1}')
    path.with_name("state.json.new").write_text('{"ne', encoding="utf-8")
    assert path.read_text(encoding="utf-8") == '{"old": 1}'
    saving._replace(path, '{"new": 2}')
    assert path.read_text(encoding="utf-8") == '{"new": 2}'
    assert list(tmp_path.iterdir()) == [path]


def no_space(_file: int) -> None:
    """Fail as a full device does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_link_in_the_way_is_not_followed(workspace: Any, tmp_path: Path) -> None:
    """What it leads to stays as it is, and the next saving goes well; the file is for our account alone."""
    path, victim = tmp_path / "state.json", tmp_path / "victim"
    victim.write_text("somebody's")
    path.with_name("state.json.new").symlink_to(victim)
    saver = saving.Saver(workspace.world, path)
    asyncio.run(saver.save())
    assert "Too many levels of symbolic links" in str(saver.problem)
    asyncio.run(saver.save())
    assert (saver.problem, victim.read_text(), path.stat().st_mode & 0o777) == (None, "somebody's", 0o600)


def test_a_full_disk_is_said_once_and_mended_later(
    workspace: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full device is told in one line without a traceback; with room again everything is saved."""
    path = tmp_path / "state.json"
    caplog.set_level(logging.ERROR, logger="deskhand.sandbox")
    workspace.say("U0MAYA", "C0HELP", "remember me")

    async def story() -> None:
        saver = saving.Saver(workspace.world, path)
        with monkeypatch.context() as full:
            full.setattr(os, "fsync", no_space)
            for _ in range(2):
                await saver.save()
        assert saver.problem == f"cannot save the local workspace to {path}: No space left on device"
        await saver.save()
        assert saver.problem is None

    asyncio.run(story())
    (line,) = [record for record in caplog.records if record.name == "deskhand.sandbox"]
    assert "No space left on device" in line.getMessage()
    assert line.exc_info is None
    assert "remember me" in path.read_text(encoding="utf-8")


def test_a_workspace_that_cannot_save_goes_on(serve_workspace: Any, tmp_path: Path) -> None:
    """People and the bot notice nothing when the state cannot be written."""
    (tmp_path / "state.json.new").mkdir()
    workspace = serve_workspace(state_file=tmp_path / "state.json")
    workspace.say("U0MAYA", "C0HELP", "one")
    threading.Event().wait(0.4)
    workspace.say("U0MAYA", "C0HELP", "two")
    assert len(workspace.sees("U0MAYA")["messages"]["C0HELP"]) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 99}', '{"version": 1, "channels": [{}]}'])
def test_a_wrong_file_is_refused_by_name(workspace: Any, tmp_path: Path, text: str) -> None:
    """A file that is not ours stops the start with its path, and is left alone."""
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="delete it to start afresh"):
        create_app(replace(workspace.world.config, state_file=path))
    assert path.read_text(encoding="utf-8") == text
