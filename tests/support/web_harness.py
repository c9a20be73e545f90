"""The web door, served for real between a workspace that talks to it and the rows and jobs it leaves."""

import json
import logging
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select, update

from bot import web
from bot.casework import handoffs as casework
from bot.responders.people import People
from bot.sandbox.demo.serve import listen
from bot.sandbox.slack import blocks
from bot.sandbox.slack.seed import WorkspaceConfig
from bot.sandbox.slack.world import World
from bot.sandbox.workspace import create_app
from bot.settings import Settings
from bot.slack.handoffs import linked_threads
from bot.store import db, members
from bot.store.handoffs.moves import Moved
from bot.store.schema import (
    AuditRow,
    Handoff,
    HandoffMove,
    Message,
    now,
)
from bot.store.tickets import threads
from bot.web import server
from bot.web.entrance import ClientLimits
from jobs import process, undeliverable
from tests.support.dashboard_visits import CLIENT_ID, CLIENT_SECRET, PUBLIC
from tests.support.factories import open_for_people
from tests.support.front_workspace import PAGE_KEY, FrontWorkspace
from tests.support.json_object import Json
from tests.support.live_server import PATIENCE, PromptWorkspace, running_server, served_as
from tests.support.paths import CONFIG, DEMO_PEOPLE, MANIFEST
from tests.support.signed_requests import FRONT_SECRET
from tests.support.workspace_names import BOT, HELP, QUEUE, TEAM

TOKEN = "xoxb-front"
_LIMITS = ClientLimits(body_seconds=PATIENCE, head_seconds=PATIENCE, answer_seconds=PATIENCE)
_SECONDS = (
    "bot.web.app.LOOK_UP_SECONDS",
    "bot.web.doorway.FORM_SECONDS",
    "bot.web.pages.NAMES_SECONDS",
    "bot.web.slack_sign_in.SLACK_SECONDS",
    "bot.listeners.candidates.SECONDS",
    "bot.listeners.proposals.NAMES_SECONDS",
    "bot.health.readiness.SECONDS",
)
"What the web process gives up after, for the sake of Slack's three seconds: a busy machine may need more."
_PEOPLE = People(queue_channel=QUEUE, responders=("U0PRIYA", "U0BEN"), on_call="S0ONCALL")


@dataclass(frozen=True)
class Card:
    """A handoff as responders see it."""

    handoff: int
    requester: str
    thread_ts: str
    message: Json
    "The card in the queue channel."


@dataclass(frozen=True)
class FrontDoor(FrontWorkspace):
    """The web process with its workspace, and the handoffs between the two."""

    def hand_off(self, user: str = "U0LENA", text: str = "I lost my phone") -> Card:
        """Let a person ask for help and give the ticket to people."""
        return self.to_people(user, self.say(user, HELP, f"<@{BOT}> {text}"))

    def again(self, card: Card) -> Card:
        """Give the ticket of a handoff that has ended to people once more."""
        return self.to_people(card.requester, card.thread_ts)

    def to_people(self, user: str, ts: str, *, channel: str = HELP) -> Card:
        """Give the ticket of a thread to people."""
        with self.database.write() as session:
            ticket = threads.ticket_at(session, channel, ts)
            assert ticket is not None
            handoff = open_for_people(session, ticket.id)
            casework.opened(session, handoff, ticket, _PEOPLE)
        undeliverable.deliver(ticket.id)
        self.work()
        return Card(handoff.id, user, ts, self.card(handoff.id))

    def card(self, handoff: int) -> Json:
        """Return the card of a handoff as it stands in the queue channel now."""
        with self.database.read() as session:
            row = session.scalars(select(Message).where(Message.key == linked_threads.card_key(handoff))).one()
        [found] = [one for one in self.sees("U0PRIYA")["messages"][QUEUE] if one["ts"] == row.ts]
        return dict(found)

    def refreshed(self, card: Card) -> Card:
        """Return a card as it is shown now."""
        return replace(card, message=self.card(card.handoff))

    def press(self, user: str, card: Card, action: str, **more: Any) -> Json:
        """Press a button of a card as it was first shown; `forge` presses what is not there any more."""
        forged = {"value": str(card.handoff)} if more.get("forge") else {}
        answer = self.act("click", user, **action_value(card.message, QUEUE, action), **forged | more)
        self.work()
        return answer

    def press_at_home(self, user: str, action: str, handoff: int) -> None:
        """Press a button in App Home, which does not wait for the card; what it owes is queued."""
        person = {"user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "api_app_id": "A0"}
        pressed = {"action_id": f"handoff.{action}", "type": "button", "block_id": "b", "value": str(handoff)}
        where = {"container": {"type": "view", "view_id": "V0"}, "trigger_id": f"{handoff}.{action}.{user}"}
        assert self.payload({**person, **where, "type": "block_actions", "actions": [pressed]})[0] == 200

    def choose(self, user: str, message: Json, channel: str, action: str, **more: Any) -> Json:
        """Press a button of any message as it was when it was read; `forge` presses it gone, with any `value`."""
        answer = self.act("click", user, **action_value(message, channel, action), **more)
        self.work()
        return answer

    def fill(self, user: str, values: Json) -> Json:
        """Send the form that is open before somebody; return the answer, `errors` included."""
        view = self.sees(user)["view"]
        assert view is not None
        answer = self.act("submit", user, view_id=view["id"], values=values)
        self.work()
        return answer

    def claimed(self, user: str = "U0PRIYA", **more: Any) -> Card:
        """Hand a ticket off and let somebody claim it."""
        card = self.hand_off(**more)
        self.press(user, card, "claim")
        return self.refreshed(card)

    def expire(self, card: Card) -> None:
        """Let the claim of a handoff end by itself, as the clock does."""
        holder = str(self.handoff(card.handoff).claimed_by)
        with self.database.write() as session:
            session.execute(update(Handoff).where(Handoff.id == card.handoff).values(lease_until=now()))
            moved = casework.expire(session, card.handoff, holder=holder, people=_PEOPLE)
            assert isinstance(moved, Moved)
        undeliverable.deliver(moved.ticket.id)

    def leaves(self, user: str) -> None:
        """Let Slack have told that somebody is no member any more."""
        with self.database.write() as session:
            members.note_departure(session, user)

    def handoff(self, handoff: int) -> Handoff:
        """Return a handoff as it is now."""
        [row] = [one for one in self.rows(Handoff) if one.id == handoff]
        return row

    def stands(self, card: Card) -> tuple[str, str | None]:
        """Return a handoff's state and holder."""
        handoff = self.handoff(card.handoff)
        return handoff.state, handoff.claimed_by

    def moves(self) -> list[str]:
        """Return every move that any handoff has made."""
        return [move.move for move in self.rows(HandoffMove)]

    def refusals(self) -> list[tuple[str, str, str]]:
        """Return who was refused what, and why."""
        found = [row for row in self.rows(AuditRow) if row.event == "handoff.refused"]
        return [(row.actor, row.record["move"], row.record["why"]) for row in found]

    def thread(self, card: Card) -> list[Json]:
        """Return what the bot, or a responder through it, has said in the requester's thread."""
        messages = self.sees(card.requester)["messages"][HELP]
        return [one for one in messages if one.get("thread_ts") == card.thread_ts and one.get("bot_id")]

    def under_a_name(self, card: Card) -> list[tuple[str, str]]:
        """Return what responders have said through the bot in the requester's thread: name and text."""
        return [(one["username"], one["text"]) for one in self.thread(card) if one["username"] != "deskhand"]

    def below(self, card: Card) -> list[Json]:
        """Return the messages below a card, whoever wrote them."""
        ts = card.message["ts"]
        messages = self.sees("U0PRIYA")["messages"][QUEUE]
        return [one for one in messages if one.get("thread_ts") == ts != one["ts"]]

    def said_in(self, card: Card) -> list[str]:
        """Return what the requester was told in their thread."""
        return [one["text"] for one in self.thread(card)]

    def said_below(self, card: Card) -> list[str]:
        """Return what stands below a card, whoever wrote it."""
        return [json.dumps(one.get("blocks")) + one["text"] for one in self.below(card)]


@contextmanager
def web_opened(
    environ: pytest.MonkeyPatch,
    *,
    database_url: str,
    redis_url: str,
    config: Path = CONFIG,
    limits: ClientLimits | None = None,
    port: int = 0,
    modal_seconds: float = PATIENCE,
) -> Iterator[FrontDoor]:
    """Serve the door and a workspace until the block ends.

    Args:
        environ: the test's own environment is told the addresses, as a process is.
        database_url: a migrated database.
        redis_url: a real Redis.
        config: where agents and tariffs are read.
        limits: a client's; those of production, with time for a busy machine, by default.
        port: the door's; a free one by default.
        modal_seconds: the longest that it waits for Slack to open a form.
    """
    limits = limits or _LIMITS
    for name in _SECONDS:
        environ.setattr(name, PATIENCE)
    environ.setattr("bot.slack.api.async_client.MODAL_SECONDS", modal_seconds)
    with listen("127.0.0.1", 0) as listener:
        slack = f"http://127.0.0.1:{listener.getsockname()[1]}"
        told = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SLACK_API_URL": f"{slack}/api/"}
        for name, value in {**told, "SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": FRONT_SECRET}.items():
            environ.setenv(name, value)
        environ.setenv("DESKHAND_CONFIG", str(config))
        with (
            served_as(
                server.config(web.create_app(Settings.from_environment(), limits), limits=limits, port=port)
            ) as address,
            _workspace(listener, f"{address}/slack/events") as world,
            _hands(),
            closing(db.connect(database_url)) as database,
            Redis.from_url(redis_url) as redis,
        ):
            yield FrontDoor(f"{address}/slack/events", slack, world, database, redis)


@contextmanager
def opened_for_all(sqlite: Path, redis_url: str, folder: Path, **more: Any) -> Iterator[FrontDoor]:
    """Serve one door to all tests of a module, on an empty database and Redis of its own."""
    with Redis.from_url(redis_url) as redis:
        redis.flushall()  # or it would be another installation's
    file = shutil.copy(sqlite, folder / "deskhand.db")
    with (
        pytest.MonkeyPatch.context() as environ,
        web_opened(environ, database_url=f"sqlite:///{file}", redis_url=redis_url, **more) as front,
    ):
        yield front


def action_value(message: Json, channel: str, action: str) -> Json:
    """Return where a button of a message is, or was."""
    block = next(block for block, _ in blocks.interactive(message["blocks"]))
    return {"channel": channel, "ts": message["ts"], "block_id": block, "action_id": f"handoff.{action}"}


@contextmanager
def _workspace(listener: socket.socket, deliver_to: str) -> Iterator[World]:
    config = WorkspaceConfig(
        people=DEMO_PEOPLE,
        manifest=MANIFEST,
        bot_token=TOKEN,
        app_token="xapp-front",
        signing_secret=FRONT_SECRET,
        key=PAGE_KEY,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        redirect_url=f"{os.environ.get('DESKHAND_PUBLIC_URL', PUBLIC)}/dashboard/sign-in/done",
        deliver_to=deliver_to,
        retry_delays=(0.0, 0.05, 0.1),
        answer_seconds=PATIENCE,
        next_seconds=PATIENCE,
        rate_limits=False,
    )
    app = create_app(config)
    with running_server(PromptWorkspace(app), listener):
        yield app.state.world


@contextmanager
def _hands() -> Iterator[None]:
    """Let jobs run here, with the connections that the environment names now."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    process.current.cache_clear()
    yield
    root.handlers[:] = handlers  # a job configures the logs of what it takes for its own process
    root.setLevel(level)
    if process.current.cache_info().currsize:
        ctx = process.current()
        ctx.database.close()
        ctx.queue.close()
        ctx.meter.close()
    process.current.cache_clear()
