"""`deskhand eval run` with real processes: it plays every case once, whatever dies, and ends with its run."""

import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from bot.agent import card
from bot.releases.pairs import pair_of
from bot.sandbox.standin import StandinConfig, create_app
from bot.settings import Settings
from bot.store import db
from bot.store.db import Database
from bot.store.releases import run_plays
from bot.store.schema import EvalResult, EvalRun
from tests.support import forked_processes
from tests.support.factories import rows
from tests.support.forked_processes import Forked
from tests.support.live_server import served
from tests.support.paths import CONFIG
from tests.support.redis_users import EVERYTHING, redis_user
from tests.support.release_rows import judged
from tests.support.worker_harness import wait_for

NUMBERS = range(16)
NUMBER = re.compile(r"this is case (\d+)")
CASE = """
  - id: case-{0}
    accounts: {{kim: {{}}}}
    says: ["good morning, this is case {0}"]
    expect: {{outcome: reply, ticket: open}}
"""
SUITE = "hard: false\ncases:" + "".join(CASE.format(number) for number in NUMBERS)


@dataclass
class EvalHouse:
    """What a command is run on, and the commands that were started."""

    folder: Path
    environment: dict[str, str]
    model: str
    database: Database
    commands: list[Forked] = field(default_factory=list)

    def start(self, *options: str, command: str = "run", workers: int | None = 1) -> Forked:
        """Start the command."""
        given = [] if workers is None else ["--repeats=1", f"--workers={workers}"]
        module = ["bot.cli", "eval", command, *given, *options]
        with (self.folder / f"{len(self.commands)}.txt").open("w") as output:
            self.commands.append(forked_processes.start(module, self.environment, output=output))
        return self.commands[-1]

    def said(self, number: int) -> str:
        """Return what a command has said."""
        return (self.folder / f"{number}.txt").read_text()

    def hold(self, after: int | None) -> None:
        """Let the model be silent for half a minute after some more calls; None: let it answer again."""
        faults = [] if after is None else [{"kind": "slow", "seconds": 30, "times": -1, "after": after}]
        httpx.put(f"{self.model}/faults", json=faults, headers={"x-api-key": "k"}).raise_for_status()

    def done(self) -> set[str]:
        """Return the cases that have a result."""
        return {row.case_id for row in rows(self.database, EvalResult)}

    def begun(self) -> Counter[str]:
        """Return how often the model was asked the first question of each case."""
        calls: Any = httpx.get(f"{self.model}/calls", headers={"x-api-key": "k"}).json()
        first = [json.dumps(call["request"]["messages"]) for call in calls if len(call["request"]["messages"]) == 1]
        return Counter(f"case-{NUMBER.findall(one)[-1]}" for one in first)

    def run(self) -> EvalRun:
        """Return the only run."""
        [run] = rows(self.database, EvalRun)
        return run


@pytest.fixture
def house(sqlite_url: str, redis_url: str, tmp_path: Path) -> Iterator[EvalHouse]:
    """Yield a small suite on real services, with a model that takes its time."""
    config = shutil.copytree(CONFIG, tmp_path / "config")
    shutil.rmtree(config / "agents/access/evals")
    (config / "agents/access/evals").mkdir()
    (config / "agents/access/evals/small.yaml").write_text(SUITE)
    (config / "agents/access/evals/coverage.yaml").write_text(f"small: {len(NUMBERS)}\n")
    card = config / "agents/access/card.yaml"
    card.write_text(
        card.read_text().replace("pass_at_least: 0.8", "pass_at_least: 0.5").replace("probes: 30", "probes: 2")
    )
    (config / "agents/access/evals/probes.yaml").write_text("[case-3, case-5]\n")
    with served(create_app(StandinConfig(latency=0.4))) as model, closing(db.connect(sqlite_url)) as database:
        environment = {
            "DATABASE_URL": sqlite_url,
            "REDIS_URL": redis_url,
            "DESKHAND_CONFIG": str(config),
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": model,
            "DESKHAND_MODEL": "stand-in-1",
            "DESKHAND_DELEGATION_KEYS": os.environ["DESKHAND_DELEGATION_KEYS"],
            "PATH": os.environ["PATH"],
        }
        house = EvalHouse(tmp_path, environment, model, database)
        yield house
        for command in house.commands:
            command.kill()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that live."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ended(*pids: int) -> Callable[[], bool]:
    """Return what tells whether processes are gone."""
    return lambda: not any(Path(f"/proc/{pid}/cmdline").exists() and _lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_run_goes_on_where_it_was(house: EvalHouse, redis_url: str) -> None:
    """Interrupted, then killed, then with a worker killed: no finished case is played again, and nothing is left."""
    house.hold(after=4)
    first = house.start()
    wait_for("the first results", lambda: len(house.done()) >= 2)
    workers = children(first.pid)
    first.send_signal(signal.SIGTERM)  # as Ctrl-C, which a job in the background of a shell ignores
    assert first.wait(60) == 2
    wait_for("the workers to end", ended(*workers))
    assert "it was interrupted" in house.said(0)
    finished, played = house.done(), house.begun()
    assert (house.run().state, house.run().verdict, house.run().held_by) == ("running", None, None)

    house.hold(after=4)
    second = house.start()
    wait_for("another result", lambda: len(house.done()) > len(finished))
    workers = children(second.pid)
    second.kill()
    second.wait(60)
    wait_for("the orphans to end", ended(*workers))
    again = {case: number for case, number in house.begun().items() if case in finished and number != played[case]}
    assert again == {}
    finished, played = house.done(), house.begun()
    assert (house.run().state, house.run().verdict) == ("running", None)

    house.hold(after=None)
    third = house.start("--json", workers=2)
    wait_for("workers", lambda: len(children(third.pid)) == 2)
    os.kill(children(third.pid)[0], signal.SIGKILL)
    assert third.wait(120) == 0, house.said(2)
    assert f"Run {house.run().id} goes on; {len(finished)} plays are done." in house.said(2)
    assert house.done() == {f"case-{number}" for number in NUMBERS}
    again = {case: number for case, number in house.begun().items() if case in finished and number != played[case]}
    assert again == {}
    said = json.loads(house.said(2).splitlines()[-1])
    assert (said["verdict"], said["model_is_standin"]) == ("pass", True)
    with Redis.from_url(redis_url) as client:
        assert client.keys("rq:queue:*eval*") == []


def test_two_commands_on_one_run(house: EvalHouse) -> None:
    """One plays it and the other looks on: both tell the verdict, and each case is played once."""
    commands = [house.start(workers=2), house.start(workers=2)]
    assert [command.wait(120) for command in commands] == [0, 0], house.said(0) + house.said(1)
    assert house.begun() == {f"case-{number}": 1 for number in NUMBERS}
    assert "looks on" in house.said(0) + house.said(1)
    assert all("16/16 played" in house.said(number) and "\nPASS: " in house.said(number) for number in (0, 1))
    assert all("A STAND-IN MODEL answered" in house.said(number) for number in (0, 1))
    with house.database.read() as session:
        assert [len(run_plays.stored(session, run.id)) for run in rows(house.database, EvalRun)] == [16]


def test_a_right_in_redis_that_is_missing_says_nothing_of_the_release(house: EvalHouse, redis_url: str) -> None:
    """The budget cannot be asked, so nothing is played: it is no verdict, and the earlier one stays."""
    with redis_user(redis_url, f"{EVERYTHING} -info") as house.environment["REDIS_URL"]:
        assert house.start().wait(120) == 2
    [line] = house.said(0).splitlines()
    assert line.startswith("deskhand: NOT RUN: redis: the user of REDIS_URL may not use INFO; docs/how-to/install.md")
    assert rows(house.database, EvalRun) == []


def test_probes_are_played_by_the_command(house: EvalHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what has a verdict, each once, by processes of its own; of what was never evaluated none is."""
    house.start("--json", command="probe", workers=None)
    assert house.commands[0].wait(120) == 2
    assert "was never evaluated with these cases: run `deskhand eval run` first" in house.said(0)
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    pair = pair_of(Settings.from_environment(), card.load(Path(house.environment["DESKHAND_CONFIG"]) / "agents/access"))
    with house.database.write() as session:
        judged(session, *pair)
    house.start("--json", command="probe", workers=None)
    assert house.commands[1].wait(120) == 0, house.said(1)
    said = json.loads(house.said(1).splitlines()[-1])
    assert (said["kind"], said["probe"]["passed"], said["model_is_standin"]) == ("probe", 2, True)
    assert house.begun() == {"case-3": 1, "case-5": 1}
