"""The whole house in one process: what a worker holds, driven through the web door."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot.agent.card import Agent
from bot.agent.model import Completion, Prompt
from bot.directory import seed_file
from bot.listeners import rate_limit
from bot.queue import RUN_TURN
from bot.sandbox.standin import StandinConfig, create_app
from bot.store.accounts import accounts
from bot.store.schema import AccountRow, Handoff, Turn
from jobs import process
from jobs.process import WorkerContext
from jobs.turn import run_turn
from tests.support.json_object import Json
from tests.support.live_server import served
from tests.support.paths import CONFIG, DEMO_PEOPLE
from tests.support.release_rows import judged
from tests.support.web_harness import FrontDoor, web_opened
from tests.support.workspace_names import BOT, HELP, QUEUE

MANY = 1_000
OFTEN = ("tickets_an_hour", "tickets_a_day", "messages_an_hour")
LOCKED = f"<@{BOT}> I am locked out of my account"
_PEOPLE = seed_file.read(DEMO_PEOPLE)


@dataclass
class Place:
    """The whole house but for its processes: the web door, a workspace, the stand-in, and a worker's hands."""

    front: FrontDoor
    model: str
    "The stand-in's address."
    file: Path
    "The database."

    @property
    def ctx(self) -> WorkerContext:
        """What the worker holds."""
        return process.current()

    def passes(self) -> None:
        """Let the release that would serve now have passed its evaluation."""
        pair = self.ctx.pairs["access"]
        with self.front.database.write() as session:
            judged(session, *pair)
        self.ctx.runtime("access")

    def work(self) -> None:
        """Play every turn that is queued, and those that follow."""
        queue = self.ctx.queue.queue
        while waiting := [job for job in queue.get_jobs() if job.func_name == RUN_TURN]:
            for job in waiting:
                queue.remove(job)
                run_turn(job.args[0])

    def asks(self, user: str, text: str, **more: Any) -> str:
        """Let somebody write in the help channel and the worker work; return the ts of what was written."""
        ts = self.front.say(user, HELP, text, **more)
        self.work()
        return ts

    def asks_anew(self, user: str, text: str) -> str:
        """Let somebody ask in a thread of theirs and the worker work; return the ts of its first message."""
        ts = self.front.ask_anew(user, text)
        self.work()
        return ts

    def thread(self, user: str, ts: str) -> list[str]:
        """Return what the bot has said in a thread, as its requester sees it."""
        messages = self.front.sees(user)["messages"][HELP]
        return [one["text"] for one in messages if one.get("thread_ts") == ts and one.get("bot_id")]

    def queue(self) -> list[Json]:
        """Return what stands in the queue channel, threads included."""
        return list(self.front.sees("U0PRIYA")["messages"].get(QUEUE, []))

    def writes(self) -> list[tuple[str, str]]:
        """Return every change of the directory."""
        with self.front.database.read() as session:
            return [(row.account_id, row.action) for row in accounts.writes(session)]

    def status(self, account: str) -> str:
        """Return the state of an account."""
        with self.front.database.read() as session:
            return session.get_one(AccountRow, account).status

    def last_turn(self) -> Turn:
        """Return the newest turn."""
        return self.front.rows(Turn)[-1]

    def last_handoff(self) -> Handoff:
        """Return the newest handoff."""
        return self.front.rows(Handoff)[-1]

    def calls(self) -> list[Json]:
        """Return what the model was asked."""
        return list(httpx.get(f"{self.model}/calls").json())

    def change_desk(self, **changes: Any) -> None:
        """Put something else on the agent's desk."""
        self.ctx.runtimes["access"] = replace(self.ctx.runtime("access"), **changes)

    def while_thinking(self, happens: Callable[[], object]) -> None:
        """Let something happen once, in the middle of the first model call."""
        call, left = self.ctx.runtime("access").call_model, [happens]

        def interrupted(prompt: Prompt) -> Completion:
            while left:
                left.pop()()
            return call(prompt)

        self.change_desk(call_model=interrupted)


def end_worker(ctx: WorkerContext) -> None:
    """End a worker, so that the next turn is another process's."""
    ctx.database.close()
    ctx.queue.close()
    ctx.meter.close()
    process.current.cache_clear()


def put_agent(ctx: WorkerContext, agent: Agent) -> None:
    """Put an agent beside the others of a house, or in place of the one of its name."""
    object.__setattr__(ctx, "agents", {**ctx.agents, agent.card.name: agent})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a copy of the configuration that a test may change."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


@pytest.fixture
def spacious(config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let one person ask, write and press as often as a test plays; all the rest is as it is delivered."""
    monkeypatch.setattr(rate_limit, "AT_ONCE", MANY)
    change_card(config, lambda card: card["per_person"].update(dict.fromkeys(OFTEN, MANY)))
    return config


@pytest.fixture
def mentioned(config: Path) -> Path:
    """Let the agent hear only what mentions it: what is said before that is nobody's request yet."""
    change_card(config, lambda card: card.update(mention="required"))
    return config


def change_card(config: Path, change: Callable[[Json], None]) -> None:
    """Change the agent's card in a copy of the configuration."""
    file = config / "agents/access/card.yaml"
    card = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(card)
    file.write_text(yaml.safe_dump(card), encoding="utf-8")


@pytest.fixture
def bare(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, config: Path, tmp_path: Path
) -> Iterator[Place]:
    """Open the house with a release that was never evaluated."""
    with furnished(monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config) as front_and_model:
        yield Place(*front_and_model, tmp_path / "deskhand.db")


@pytest.fixture
def place(bare: Place) -> Place:
    """Open the house with a release that may serve."""
    bare.passes()
    return bare


@contextmanager
def furnished(
    environ: pytest.MonkeyPatch, *, database_url: str, redis_url: str, config: Path
) -> Iterator[tuple[FrontDoor, str]]:
    """Open a house that nobody has worked in, in any migrated database; yield its door and the stand-in's address."""
    with served(create_app(StandinConfig(latency=0))) as model:
        told = {"ANTHROPIC_BASE_URL": model, "ANTHROPIC_API_KEY": "none-needed", "DESKHAND_MODEL": "stand-in-1"}
        for name, value in told.items():
            environ.setenv(name, value)
        with web_opened(environ, database_url=database_url, redis_url=redis_url, config=config) as front:
            with front.database.write() as session:
                accounts.seed(session, _PEOPLE)
            yield front, model
