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
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.ground import Ground
from bot.sandbox.demo import launch
from bot.sandbox.demo.tour import SCENES
from bot.store import db
from bot.store.installation import marks
from tests.e2e.generous_config import shorten
from tests.support import chosen_servers, command_line, redis_servers
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


@pytest.fixture
def _on_the_oldest_redis(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the demo find Redis 6.2, unless another was chosen for all tests or its wheel is not for this machine."""
    oldest = redis_servers.oldest_redis()
    if oldest is not None and chosen_servers.REDIS not in os.environ:
        monkeypatch.setenv("PATH", chosen_servers.path_with(Path(oldest), tmp_path_factory.mktemp("redis")))
        assert "v=6.2." in chosen_servers.summary()


@pytest.fixture
def _on_postgresql(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the demo a database on PostgreSQL, where all tests are to run on both."""
    if not request.config.option.both_databases:
        pytest.skip("played by `make check-databases`; the scene that differs is in test_surge.py")
    prepare, url = launch._database, request.getfixturevalue("postgres_url")

    def marked(url: str, ground: Ground) -> db.Database:
        with closing(db.connect(url)) as given:
            marks.put(given, ground)
        return prepare(url, ground)

    monkeypatch.setattr(launch, "database_url", lambda _: url)
    monkeypatch.setattr(launch, "_database", marked)


@pytest.mark.timeout(1_800)
@pytest.mark.usefixtures("forking", "_on_the_oldest_redis")
def test_the_tour_plays_every_scene(capsys: pytest.CaptureFixture[str]) -> None:
    """Every scene of the tour holds, with real processes, and its facts are printed as JSON."""
    play(capsys)


@pytest.mark.timeout(1_800)
@pytest.mark.usefixtures("forking", "_on_postgresql")
def test_the_tour_plays_every_scene_on_postgresql(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo has SQLite; what it shows holds on the other database as well, and behind a pooler."""
    play(capsys)


def play(capsys: pytest.CaptureFixture[str]) -> None:
    """Play the whole tour, and see that its facts are there."""
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
    assert results["audit"]["tampered"] == 8
    assert results["audit"]["explained"]["rule"] == "own_account"
    points = results["worker_killed"]["points"]
    assert len(points) == len({point["ticket"] for point in points}) == 5
    # Two at least: who took a turn over may be the next to die. The fifth died when its turn was done.
    assert [point["attempts"] >= 2 for point in points].count(True) == 4


class VisitedCrew(ForkingCrew):
    """A crew whose demo is told to end as soon as it has had a visitor."""

    def __init__(self, logs: Path, visit: Callable[[], None]) -> None:
        super().__init__(logs)
        self.visit = visit
        self.ended: dict[str, int | None] = {}
        "The exit code of each process once the demo was over."

    def watch(self) -> None:
        """Let the visitor in, then send TERM."""
        self.visit()
        os.kill(os.getpid(), signal.SIGTERM)
        super().watch()

    def end(self) -> None:
        """Note how each has ended."""
        super().end()
        self.ended = {name: process.poll() for name, process in self._running.items()}


def visit(printed: str, page: int) -> None:
    """See that the demo's page is served, by the cookie that the printed address gives."""
    address = f"http://127.0.0.1:{page}/"
    key = re.search(re.escape(address) + r"\?key=(\S+)", printed)
    assert key is not None
    page_of = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
    with page_of.open(key[0]) as answer:
        assert (answer.status, answer.url) == (200, address)


@pytest.mark.timeout(1_800)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only Linux ends orphans")
@pytest.mark.usefixtures("forking")
def test_the_demo_keeps_its_state_and_leaves_no_process(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo serves its page, ends all its processes on TERM and on KILL, and need not evaluate twice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        page = listener.getsockname()[1]
    told = ("--port", str(page), "--model-seconds", "0")
    crews, printed = list[VisitedCrew](), list[str]()

    def look() -> None:
        printed.append(capsys.readouterr().out)
        visit(printed[0], page)

    def crew(logs: Path) -> VisitedCrew:
        crews.append(VisitedCrew(logs, look))
        return crews[-1]

    monkeypatch.setattr(launch, "Supervisor", crew)
    assert command_line.deskhand("demo", *told) == 0
    assert "Evaluating" in printed[0]
    assert sorted(crews[0].ended) == ["clock", "redis", "stand-in", "web", "worker-1", "worker-2", "workspace"]
    assert None not in crews[0].ended.values()

    process = deskhand(checkout, *told)
    try:
        until_up(checkout, process)
        visit((checkout / "out").read_text(), page)
        ours = children(process.pid)
        assert len(ours) == len(crews[0].ended)
        process.kill()
        assert process.wait(120) == -signal.SIGKILL
    finally:
        process.kill()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{child}").exists() for child in ours):
        assert time.monotonic() < deadline, "a child has outlived the demo"
        time.sleep(0.05)
    assert "Evaluating" not in (checkout / "out").read_text()
