import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.demo import launch
from bot.sandbox.demo.tour import SCENES
from tests.e2e.generous_config import shorten
from tests.support import command_line
from tests.support.forked_processes import ForkingCrew
from tests.support.paths import CONFIG, ROOT

pytestmark = pytest.mark.e2e


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder in which the demo finds its configuration, with a brief suite, and may keep its state."""
    shorten(Path(shutil.copytree(CONFIG, tmp_path / "config")))
    return tmp_path


def deskhand(checkout: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `deskhand demo` in a folder, its output in files."""
    environment = {name: value for name, value in os.environ.items() if name != "ANTHROPIC_API_KEY"}
    with (checkout / "out").open("w") as out, (checkout / "err").open("w") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "demo", *arguments],
            cwd=checkout,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=err,
            text=True,
        )


def children(process: int) -> list[int]:
    """Return the living children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text().rpartition(") ")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        state, parent = rest.split()[:2]
        if int(parent) == process and state != "Z":
            found.append(int(stat.parent.name))
    return found


def until_up(checkout: Path, process: subprocess.Popen[str], seconds: float = 600) -> None:
    """Wait until the demo says that it is up; it must not end before."""
    deadline = time.monotonic() + seconds
    while "Deskhand is up" not in (checkout / "out").read_text():
        assert process.poll() is None, (checkout / "err").read_text()
        assert time.monotonic() < deadline, "it was never seen"
        time.sleep(0.1)


@pytest.fixture
def forking(checkout: Path, monkeypatch: pytest.MonkeyPatch, quiet_logs: None) -> Iterator[None]:
    """Stand in the demo's folder, where its processes are forked: a tour starts dozens of them."""
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setattr(launch, "Supervisor", ForkingCrew)
    handled = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in handled.items():
        signal.signal(number, handler)


@pytest.mark.timeout(1_800)
@pytest.mark.usefixtures("forking")
def test_the_tour_plays_every_scene(capsys: pytest.CaptureFixture[str]) -> None:
    """Every scene of the tour holds, with real processes, and its facts are printed as JSON."""
    code = command_line.deskhand("demo", "--tour", "--json", "--model-seconds", "0")
    out, err = capsys.readouterr()
    results: dict[str, dict[str, Any]] = {row["scene"]: row for row in map(json.loads, out.splitlines())}
    assert [name for name, row in results.items() if not row["ok"]] == [], err
    assert code == 0, err
    assert list(results) == [scene.__name__ for scene in SCENES]
    assert results["unlock"]["directory"] == {
        "account": "acc-maya",
        "before": "locked",
        "after": "active",
        "writes": ["unlock"],
    }
    assert results["unlock"]["cost_nusd"] > 0
    assert results["budget_hard"]["cost_nusd"] == 0
    points = results["worker_killed"]["points"]
    assert len(points) == len({point["ticket"] for point in points}) == 5
    # Two at least: who took a turn over may be the next to die. The fifth died when its turn was done.
    assert [point["attempts"] >= 2 for point in points].count(True) == 4


@pytest.mark.timeout(1_800)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only Linux ends orphans")
def test_the_demo_keeps_its_state_and_leaves_no_process(checkout: Path) -> None:
    """The demo serves its page, ends all its processes on TERM and on KILL, and need not evaluate twice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        page = listener.getsockname()[1]
    address = f"http://127.0.0.1:{page}/"
    for end, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        process = deskhand(checkout, "--port", str(page), "--model-seconds", "0")
        try:
            until_up(checkout, process)
            key = re.search(re.escape(address) + r"\?key=(\S+)", (checkout / "out").read_text())
            assert key is not None
            page_of = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
            with page_of.open(key[0]) as answer:  # by the cookie that the printed address gives
                assert (answer.status, answer.url) == (200, address)
            ours = children(process.pid)
            assert len(ours) == 7  # redis, workspace, stand-in, web, two workers, clock
            process.send_signal(end)
            assert process.wait(120) == code
        finally:
            process.kill()
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{child}").exists() for child in ours):
            assert time.monotonic() < deadline, "a child has outlived the demo"
            time.sleep(0.05)
        evaluated = "Evaluating" in (checkout / "out").read_text()
        assert evaluated == (end is signal.SIGTERM)
