"""`deskhand worker` and `deskhand clock`: that they start and end, and what they say when they cannot."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.principals import Effect
from bot.tools import registry
from bot.tools.registry import NoArgs, ToolUse
from jobs import clock, process, worker
from tests.support import forked_processes
from tests.support.commanded_installation import process_environment
from tests.support.paths import ROOT


def _ended_worker(log: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Return the exit code of a worker that does not start, and what it says."""
    with log.open("wb") as output:
        code = forked_processes.start(["bot.cli", "worker"], environment, output=output).wait(300)
    return code, log.read_text()


@pytest.mark.parametrize("process", ["worker", "clock"])
def test_a_process_says_it_is_ready_and_ends_on_sigterm(process: str, sqlite_url: str, redis_url: str) -> None:
    """The process of `deskhand worker` and `deskhand clock` is RQ's and ours, and stops when told to."""
    started = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", process],
        cwd=ROOT,
        env=process_environment(sqlite_url, redis_url),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    while not (line := started.stderr.readline()).startswith("{") or json.loads(line)["event"] != f"{process}.started":
        assert line, "it ended"  # Slack is not there: the client's own complaints come before
    time.sleep(0.2)  # into its loop
    started.send_signal(signal.SIGTERM)
    _, rest = started.communicate(timeout=120)
    assert started.returncode == 0, rest
    assert "Traceback" not in rest


def test_a_worker_without_its_agents_key_refuses_to_start(sqlite_url: str, redis_url: str, tmp_path: Path) -> None:
    """The variable that the card names is in the message."""
    environment = process_environment(sqlite_url, redis_url)
    del environment["ANTHROPIC_API_KEY"]
    code, said = _ended_worker(tmp_path / "worker.log", environment)
    assert code == 2
    assert "ANTHROPIC_API_KEY is not set" in said
    assert "Traceback" not in said


def test_a_worker_without_a_delegation_key_refuses_to_start(sqlite_url: str, redis_url: str, tmp_path: Path) -> None:
    """No key is made in its place; the message says what to run."""
    environment = process_environment(sqlite_url, redis_url)
    del environment["DESKHAND_DELEGATION_KEYS"]
    code, said = _ended_worker(tmp_path / "worker.log", environment)
    assert code == 2
    assert "DESKHAND_DELEGATION_KEYS is not set" in said
    assert "run `deskhand keys generate`" in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("installation", "quiet_logs")
@pytest.mark.parametrize("start", [worker.main, clock.main])
def test_a_tool_that_is_declared_wrong_is_one_sentence(
    start: Callable[[], int | None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is declared while modules are imported, and said as a wrong card is: which file, which tool, what to do."""
    monkeypatch.setattr(registry, "MISTAKES", [])
    monkeypatch.setattr(process, "current", process.current.__wrapped__)
    monkeypatch.setattr(sys, "argv", ["deskhand"])
    for module, begins in ((worker, "_worker"), (clock, "start")):
        monkeypatch.delattr(module, begins)  # what would go on for ever

    @registry.tool(effect=Effect.WRITE, scope="fruit:pick")
    def pick_fruit(_call: ToolUse, _args: NoArgs) -> dict[str, Any]:
        """Pick fruit."""
        return {}

    with pytest.raises(SystemExit) as ended:
        sys.exit(start())
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert re.match(
        r"deskhand (worker|clock): tests/bot/cli/test_starting\.py: pick_fruit: it writes and has no `as_promised`",
        said,
    )
    assert said.count("\n") == 1
