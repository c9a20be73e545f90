"""The workspace as a process."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConfigError
from bot.sandbox.demo.serve import WorkspaceServer, listen
from bot.sandbox.workspace import create_app
from bot.slack.api.connections import REUSE_SECONDS
from tests.support.busy_machine import SOON
from tests.support.local_workspace import OWN_HEADERS, WORKSPACE
from tests.support.paths import ROOT
from tests.support.redis_servers import free_port

PROGRAM = """
import sys
from pathlib import Path
from bot.sandbox.demo.serve import serve
from bot.sandbox.workspace import WorkspaceConfig
serve(WorkspaceConfig(
    people=Path("bot/sandbox/demo/people.yaml"), manifest=Path("config/slack-manifest.yaml"),
    bot_token="xoxb-local", app_token="xapp-local", signing_secret="s", key="local-page-key",
    state_file=Path(sys.argv[2]),
), "127.0.0.1", int(sys.argv[1]))
"""


def started(port: int, state: Path) -> subprocess.Popen[bytes]:
    """Start the process and wait until it answers."""
    command = [sys.executable, "-c", PROGRAM, str(port), str(state)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    for _ in range(6_000):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").close()
        except OSError:
            time.sleep(0.01)
        else:
            return process
    process.kill()
    process.communicate()
    raise AssertionError("the workspace did not start")


def say(port: int, text: str) -> None:
    """Say something as Maya."""
    body = json.dumps({"user": "U0MAYA", "channel": "C0HELP", "text": text}).encode()
    opened(port, "say", body).close()


def opened(port: int, what: str, body: bytes | None = None) -> Any:
    """Ask the workspace as one of our own programs does."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/sandbox/{what}", body, OWN_HEADERS)
    return urllib.request.urlopen(asked)  # noqa: S310 our own address


@pytest.mark.e2e
def test_sigterm_ends_it_politely_with_a_page_open(tmp_path: Path) -> None:
    """SIGTERM ends the process soon though a page follows, and the last message is saved."""
    port, state = free_port(), tmp_path / "state.json"
    process = started(port, state)
    stream = opened(port, "events?user=U0MAYA")
    say(port, "last words")
    process.send_signal(signal.SIGTERM)
    _out, err = process.communicate(timeout=SOON)
    stream.close()
    assert b"Traceback" not in err
    assert "last words" in state.read_text(encoding="utf-8")


@pytest.mark.e2e
def test_kill_9_leaves_a_state_that_loads(tmp_path: Path) -> None:
    """However often the process is killed while it saves, the next one starts and shows what was saved."""
    port, state = free_port(), tmp_path / "state.json"
    for round_number in range(3):
        process = started(port, state)
        for number in range(30):
            say(port, f"{round_number}-{number}" + "x" * 5000)
            time.sleep(0.007 + 0.001 * round_number)
        process.kill()
        process.communicate()
        json.loads(state.read_text(encoding="utf-8"))
    process = started(port, state)
    with opened(port, "state?user=U0MAYA") as response:
        seen: Any = json.load(response)
    process.terminate()
    process.communicate()
    assert seen["messages"]["C0HELP"][0]["text"].startswith("0-0")


def test_it_closes_no_connection_that_the_bot_may_just_be_using() -> None:
    """What is sent meanwhile would be lost, and the bot could not know whether it was done."""
    assert WorkspaceServer(create_app(WORKSPACE)).config.timeout_keep_alive > 2 * REUSE_SECONDS


def test_a_taken_port_is_said_in_words() -> None:
    """A port in use is a ConfigError that names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}: Address already in use"):
            listen("127.0.0.1", port)
