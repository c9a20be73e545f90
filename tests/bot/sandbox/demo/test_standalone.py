"""`deskhand sandbox`: what an installation is tried with, without the demo."""

import os
import signal
import socket
import stat
import time
from pathlib import Path

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from bot import env_file
from bot.errors import ConfigError
from bot.sandbox.demo import standalone
from bot.sandbox.demo.entrypoints import PAGE_KEY
from bot.sandbox.demo.processes import CannotRun
from tests.support import forked_processes
from tests.support.paths import CONFIG

PATIENCE = 120.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a checkout in which nothing has been set up."""
    (tmp_path / "config").symlink_to(CONFIG)
    monkeypatch.chdir(tmp_path)
    for name in (env_file.VARIABLE, "SLACK_API_URL", "SLACK_BOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def _answers(client: WebClient) -> bool:
    try:
        return bool(client.auth_test()["ok"])
    except (SlackClientError, OSError):
        return False


def test_the_workspace_answers_with_the_tokens_of_the_new_file(folder: Path) -> None:
    """They are for our account alone and shown nowhere; SIGTERM ends it cleanly, and a second start keeps them."""
    env, said = folder / ".env", folder / "log"
    with said.open("wb") as log:
        process = forked_processes.start(["bot.cli", "sandbox"], dict(os.environ), output=log)
        until = time.monotonic() + PATIENCE
        while "The workspace is up: " not in said.read_text():
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < until
            time.sleep(0.02)
        known, text = env_file.read(env), env.read_text()
        assert _answers(WebClient(token=known["SLACK_BOT_TOKEN"], base_url=known["SLACK_API_URL"]))
        assert not _answers(WebClient(token="xoxb-wrong", base_url=known["SLACK_API_URL"]))
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert not any(known[name] in said.read_text() for name in known if name.endswith("TOKEN"))
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    before = dict(os.environ)
    try:
        assert f":{standalone._provide(env).page}/" in known["SLACK_API_URL"]
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert env.read_text() == text


def test_a_second_sandbox_beside_the_first_is_refused(folder: Path) -> None:
    """It would show the first one's address as its own, and end when its ports are not to be had."""
    with socket.create_server(("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        (folder / ".env").write_text(
            f"{PAGE_KEY}=k\nSLACK_API_URL=http://127.0.0.1:{port}/api/\nANTHROPIC_BASE_URL=http://127.0.0.1:1\n"
        )
        before = dict(os.environ)
        try:
            with pytest.raises(CannotRun, match=rf"^\.env names port {port}, which is in use: a sandbox is running"):
                standalone.run(Path(".env"), print)
        finally:
            os.environ.clear()
            os.environ.update(before)


def test_the_file_of_an_installation_is_left_alone(folder: Path) -> None:
    """Its tokens are of another workspace, and the sandbox would hide them."""
    (folder / ".env").write_text("SLACK_BOT_TOKEN=xoxb-ours\n")
    with pytest.raises(ConfigError, match=r"^\.env: is of an installation, not of a sandbox"):
        standalone.run(Path(".env"), print)
    assert (folder / ".env").read_text() == "SLACK_BOT_TOKEN=xoxb-ours\n"
