"""A house whose directory can be silenced, with a crowd who ask, and many workers at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.agent.model import Completion, Prompt
from bot.directory import seed_file
from bot.directory.local import LocalDirectory
from bot.directory.outages import NamingOutages
from bot.errors import Transient
from bot.slack.api import status
from bot.store.schema import Message, MessageState, Surge, Ticket, Turn, TurnState, now
from bot.store.tickets import turns
from jobs import surges, undeliverable
from jobs.turn import run_turn
from tests.support import product_harness, web_harness
from tests.support.crowd import crowd_people
from tests.support.live_server import PATIENCE
from tests.support.product_harness import Place, furnished
from tests.support.scripted_models import completion
from tests.support.workspace_names import HELP

TURNS_IN_FLIGHT = 50
"Turns in flight at once, as one worker has them."


class SilentDirectory:
    """A directory that answers, or is down."""

    def __init__(self, real: LocalDirectory) -> None:
        self.real = real
        self.can = real.can
        self.is_down = False
        self.asked = 0
        self.meanwhile: Callable[[str], None] = lambda _call: None
        "Called with the name of each call, before it is answered."

    def __getattr__(self, name: str) -> Any:
        """Answer like the real one, unless it is down."""

        def call(*args: Any, **more: Any) -> Any:
            self.asked += 1
            self.meanwhile(name)
            if self.is_down:
                raise Transient("no answer")
            return getattr(self.real, name)(*args, **more)

        return call


class SurgeHouse(Place):
    """The house, whose directory a test silences."""

    directory: SilentDirectory
    asked_model: int

    def put_directory(self) -> None:
        """Put the directory that can be silenced where the product has its own."""
        self.directory = SilentDirectory(LocalDirectory(self.front.database))
        named = NamingOutages(self.directory)
        object.__setattr__(self.ctx, "directory", named)
        self.asked_model = 0
        self.change_desk(directory=named, sleep=lambda _seconds: None, call_model=self._answers)

    def _answers(self, prompt: Prompt) -> Completion:
        """Answer like a model that knows at once."""
        self.asked_model += 1
        return completion("Please try again now.", model=prompt.model)

    def ask_all(self, users: list[str], text: Callable[[str], str]) -> None:
        """Let people ask in the help channel, each once."""
        for user in users:
            self.front.say(user, HELP, text(user))

    def play_all(self, *, attempts: int = 12, at_once: int = TURNS_IN_FLIGHT) -> None:
        """Play every turn that is owed, many at once, and again those that are put back, so many times each."""
        begun_before: dict[int, int] = {}
        deadline = time.monotonic() + PATIENCE
        while True:
            begun = self._begun()
            tried = [turn for turn, count in begun.items() if count < begun_before.setdefault(turn, count) + attempts]
            if not tried:
                return
            with ThreadPoolExecutor(at_once) as hands:
                list(hands.map(run_turn, tried))
            if self._begun() == begun:  # a machine that is too busy lost their leases, which must run out first
                assert time.monotonic() < deadline, f"nobody can begin the turns {tried}"
                time.sleep(0.05)

    def owed(self) -> list[int]:
        """Return the turns that are not done."""
        return list(self._begun())

    def _begun(self) -> dict[int, int]:
        """Return how often each turn that is not done was begun."""
        with self.front.database.read() as session:
            query = select(Turn.id, Turn.attempt).where(Turn.state != TurnState.DONE, ~Turn.held_back)
            return {row.id: row.attempt for row in session.execute(query.order_by(Turn.id))}

    def look(self, times: int = 1) -> None:
        """Let the clock look, each time as if the last check was long ago, and send what it has stored."""
        for _ in range(times):
            with self.front.database.write() as session:
                long_ago = now() - timedelta(minutes=1)
                session.execute(update(Surge).values(checked_at=long_ago, shown_at=long_ago))
            surges.look(self.ctx)
        undeliverable.deliver_all(self.ctx)

    def followers(self) -> list[Ticket]:
        """Return the tickets that a surge is known of."""
        return [row for row in self.front.rows(Ticket) if row.surge_id is not None]

    def said(self, kind: str) -> list[Message]:
        """Return the messages to followers of one kind, such as `joined`."""
        return [row for row in self.front.rows(Message) if row.key.startswith("surge:") and f":{kind}:" in row.key]

    def unposted(self) -> list[str]:
        """Return the keys of messages that Slack does not have."""
        return [row.key for row in self.front.rows(Message) if row.state is not MessageState.POSTED]

    def age(self, ticket_ids: list[int], span: timedelta) -> None:
        """Move turns and tickets into the past."""
        with self.front.database.write() as session:
            for ticket_id in ticket_ids:
                ticket = session.get_one(Ticket, ticket_id)
                ticket.created_at -= span
            query = select(Turn.id).where(Turn.ticket_id.in_(ticket_ids))
            turns.backdate(session, session.scalars(query).all(), span)


@contextmanager
def surge_house(
    environ: pytest.MonkeyPatch, *, database_url: str, redis_url: str, config: Path, file: Path
) -> Iterator[SurgeHouse]:
    """Open a house with a crowd and a release that may serve."""
    people = crowd_people()
    environ.setattr(web_harness, "DEMO_PEOPLE", people)
    environ.setattr(product_harness, "_PEOPLE", seed_file.read(people))
    environ.setattr(status, "show", lambda *_: None)  # two calls of Slack a turn, which say nothing of a surge
    with furnished(environ, database_url=database_url, redis_url=redis_url, config=config) as front_and_model:
        house = SurgeHouse(*front_and_model, file)
        house.passes()
        house.put_directory()
        yield house
