"""The web door, served for real between a workspace that talks to it and the rows and jobs it leaves."""

import hashlib
import hmac
import http.client
import json
import logging
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import inspect, select, update

from bot import web
from bot.casework import handoffs as casework
from bot.principals import Reason
from bot.queue import RUN_TURN, open_queue
from bot.responders.people import People
from bot.sandbox.demo.serve import listen
from bot.sandbox.guard import KEY_HEADER
from bot.sandbox.slack import blocks
from bot.sandbox.slack.seed import WorkspaceConfig
from bot.sandbox.slack.world import World
from bot.sandbox.workspace import create_app
from bot.settings import Settings
from bot.slack.handoffs import linked_threads
from bot.store import db, marks, members
from bot.store.db import Database
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.schema import (
    AuditRow,
    Base,
    Feedback,
    Handoff,
    HandoffContext,
    HandoffMove,
    InboxEvent,
    Message,
    Ticket,
    Turn,
    now,
)
from bot.store.tickets import threads, turns
from bot.web import server
from bot.web.entrance import ClientLimits
from jobs import process, undeliverable
from tests.support.json_object import Json
from tests.support.live_server import PATIENCE, PromptWorkspace, running_server, served_as
from tests.support.paths import CONFIG, DEMO_PEOPLE, MANIFEST

FRONT_SECRET, _PAGE_KEY = "front-door-secret", "front-page"
_OWN_HEADERS = {KEY_HEADER: _PAGE_KEY, "Content-Type": "application/json"}
"What the test sends along to the workspace."
TOKEN = "xoxb-front"
TEAM, BOT, HELP, QUEUE, RANDOM = "T0DESKHAND", "U0DESKHAND", "C0HELP", "C0QUEUE", "C0RANDOM"
_PEOPLE = People(queue_channel=QUEUE, responders=("U0PRIYA", "U0BEN"), on_call="S0ONCALL")
KEPT = (InboxEvent, Ticket, Turn, Message, Handoff, HandoffMove, Feedback, AuditRow)
"Every table that Slack can make the web process write to."

_Row = TypeVar("_Row", bound=Base)

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Card:
    """A handoff as responders see it."""

    handoff: int
    requester: str
    thread_ts: str
    message: Json
    "The card in the queue channel."


@dataclass(frozen=True)
class FrontDoor:
    """The door, and what stands on both sides of it."""

    url: str
    "The events address."
    slack: str
    "The workspace's address, without a slash at its end."
    world: World
    database: Database
    redis: Redis

    def post(
        self, body: bytes | str, *, kind: str = "application/json", at: object = None, signature: str | None = None
    ) -> tuple[int, str]:
        """Send a request as Slack signs it; return status and body.

        Args:
            body: the raw body.
            kind: its content type.
            at: the time stamp it is signed for, now by default.
            signature: another signature than the right one; an empty one is not sent.
        """
        raw = body if isinstance(body, bytes) else body.encode()
        stamp = str(int(time.time())) if at is None else str(at)
        headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": stamp}
        headers["X-Slack-Signature"] = sign(raw, stamp) if signature is None else signature
        return self.send(raw, {name: value for name, value in headers.items() if value})

    def send(self, raw: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """Send a request exactly as given."""
        place = urlsplit(self.url)
        with closing(http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)) as connection:
            connection.request("POST", place.path, raw, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def send_chunks(self, chunks: list[bytes], headers: dict[str, str]) -> int:
        """Send a body piece by piece, its length untold; return the status."""
        place = urlsplit(self.url)
        with closing(http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)) as connection:
            connection.request("POST", place.path, iter(chunks), headers, encode_chunked=True)
            return connection.getresponse().status

    def get(self, path: str) -> tuple[int, str]:
        """Ask for a page of the web process; return status and body."""
        try:
            with _DIRECT.open(f"{self.url.removesuffix('/slack/events')}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def faults(self, *faults: Json) -> None:
        """Make the workspace fail."""
        data = json.dumps(list(faults)).encode()
        request = urllib.request.Request(f"{self.slack}/sandbox/faults", data, _OWN_HEADERS, method="PUT")  # noqa: S310 - ours
        with _DIRECT.open(request, timeout=PATIENCE):
            return

    def event(self, event: Json, *, event_id: str = "Ev0FRONT", headers: dict[str, str] | None = None) -> int:
        """Deliver an event by a request of the test's own; return the status."""
        body = {"type": "event_callback", "team_id": TEAM, "event_id": event_id, "event": event}
        raw, stamp = json.dumps(body).encode(), str(int(time.time()))
        signed = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": sign(raw, stamp)}
        return self.send(raw, {"Content-Type": "application/json", **signed, **(headers or {})})[0]

    def form(self, fields: Json) -> tuple[int, str]:
        """Deliver a slash command's form."""
        return self.post(urlencode(fields), kind="application/x-www-form-urlencoded")

    def payload(self, payload: Json) -> tuple[int, str]:
        """Deliver an interaction: a click, a submission, a shortcut."""
        return self.form({"payload": json.dumps(payload)})

    def act(self, what: str, user: str, **fields: Any) -> Json:
        """Let a person do something in the workspace; events that it causes have arrived afterwards."""
        data = json.dumps({"user": user, **fields}).encode()
        request = urllib.request.Request(f"{self.slack}/sandbox/{what}", data, _OWN_HEADERS, method="POST")  # noqa: S310 - ours
        try:
            with _DIRECT.open(request, timeout=PATIENCE) as answer:
                done: Json = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{what}: {error.read()!r}") from error
        self.settle()
        return done

    def invite(self, channel: str) -> None:
        """Take the bot into a channel."""
        self._change(channel, bot_member=True)

    def archive(self, channel: str) -> None:
        """Archive a channel."""
        self._change(channel, archived=True)

    def share(self, channel: str) -> None:
        """Share a channel with another organisation."""
        self._change(channel, shared=True)

    def slack_says(self, user: str, **said: Any) -> None:
        """Let Slack say something else of a person, and tell us that they have changed."""
        self.act("user", user, says=said)

    def remove(self, channel: str, ts: str) -> None:
        """Let an administrator delete a message; we have heard of it afterwards, and said what it asks for."""
        self._administer("remove", channel=channel, ts=ts)
        self.settle()
        self.work()

    def workflow(self, channel: str, text: str, **more: Any) -> str:
        """Let Workflow Builder post a message; return its ts."""
        ts = str(self._administer("workflow", channel=channel, text=text, **more)["ts"])
        self.settle()
        return ts

    def _change(self, channel: str, **changes: Any) -> None:
        self._administer("channel", channel=channel, **changes)

    def _administer(self, what: str, **fields: Any) -> Json:
        data = json.dumps(fields).encode()
        request = urllib.request.Request(f"{self.slack}/sandbox/{what}", data, _OWN_HEADERS, method="POST")  # noqa: S310 - ours
        with _DIRECT.open(request, timeout=PATIENCE) as answer:
            done: Json = json.load(answer)
            return done

    def say(self, user: str, channel: str, text: str, **more: Any) -> str:
        """Let a person say something; return its ts."""
        return str(self.act("say", user, channel=channel, text=text, **more)["ts"])

    def ask_anew(self, user: str, text: str) -> str:
        """Let a person ask in a thread of theirs; at the top level it would be added to what they have open there."""
        root = self.say(user, HELP, "good morning all")
        self.say(user, HELP, text, thread_ts=root)
        return root

    def resolve_all(self) -> None:
        """Let no request be open any more, so that what its requester says next opens another one."""
        with self.database.write() as session:
            session.execute(update(Ticket).values(state="resolved", resolved_at=now()))

    def settle(self) -> None:
        """Wait until every event of the workspace was answered."""
        deadline = time.monotonic() + PATIENCE
        while set(self.world.journal._events) - {str(one.get("event_id")) for one in list(self.world.journal.entries)}:
            if time.monotonic() > deadline:
                raise AssertionError("the door does not answer")
            time.sleep(0.005)

    def sees(self, user: str) -> Json:
        """Return what a person sees."""
        asked = urllib.request.Request(f"{self.slack}/sandbox/state?user={user}", headers=_OWN_HEADERS)  # noqa: S310 - ours
        with _DIRECT.open(asked, timeout=PATIENCE) as answer:
            seen: Json = json.load(answer)
            return seen

    def only(self) -> list[tuple[str, str]]:
        """Return what one person alone was told, whether or not Slack could show it: who, and the words."""
        return [(row.user or row.channel, row.body["text"]) for row in self.rows(Message) if row.kind == "only_you"]

    def directly(self, user: str) -> list[str]:
        """Return what the bot has written into somebody's direct messages, after the workers have said it."""
        self.work()
        found = {name: said for name, said in self.sees(user)["messages"].items() if name.startswith("D")}
        return [one["text"] for said in found.values() for one in said if one.get("bot_id")]

    def whispers(self, user: str) -> list[str]:
        """Return what only this person sees, after the workers have said it."""
        self.work()
        return [one["text"] for one in self.sees(user)["ephemeral"]]

    def rows(self, table: type[_Row]) -> list[_Row]:
        """Return every row of a table, in the order they came."""
        [key] = inspect(table).primary_key
        with self.database.read() as session:
            return list(session.scalars(select(table).order_by(key)))

    def kept(self) -> dict[str, list[Json]]:
        """Return all that is stored, to be compared with what is stored later."""
        return {table.__tablename__: [_plain(row) for row in self.rows(table)] for table in KEPT}

    @property
    def queue(self) -> Queue:
        """Return the queue by the mark of the database, for Redis may have lost its own."""
        with self.database.read() as session:
            seen = marks.read(session)
        return open_queue(self.redis, None if seen is None else seen.ground)

    def jobs(self, name: str) -> list[int]:
        """Return the arguments of the jobs of a name that wait in the queue."""
        queue = self.queue
        return [job.args[0] for job in queue.get_jobs() if job.func_name == name]

    def work(self) -> None:
        """Do what waits in the queue, turns left aside, as a worker would."""
        queue = self.queue
        for job in queue.get_jobs():
            if job.func_name != RUN_TURN:
                queue.remove(job)
                job.perform()

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
            turns.stop(session, ticket.id)
            handoff = handoffs.open_for(
                session,
                ticket.id,
                turn_id=None,
                reason=Reason.OUT_OF_POLICY,
                summary="A lost phone.",
                context=HandoffContext(),
                queue_channel=QUEUE,
                actor="agent:access",
            )
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
            members.left(session, user)

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
) -> Iterator[FrontDoor]:
    """Serve the door and a workspace until the block ends.

    Args:
        environ: the test's own environment is told the addresses, as a process is.
        database_url: a migrated database.
        redis_url: a real Redis.
        config: where agents and tariffs are read.
        limits: other ones than production's.
    """
    with listen("127.0.0.1", 0) as listener:
        slack = f"http://127.0.0.1:{listener.getsockname()[1]}"
        told = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SLACK_API_URL": f"{slack}/api/"}
        for name, value in {**told, "SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": FRONT_SECRET}.items():
            environ.setenv(name, value)
        environ.setenv("DESKHAND_CONFIG", str(config))
        with (
            served_as(server.config(web.create_app(Settings.from_environment(), limits), limits=limits)) as address,
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


def sign(raw: bytes, stamp: str, secret: str = FRONT_SECRET) -> str:
    """Return Slack's v0 signature, built by hand."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256).hexdigest()


@contextmanager
def _workspace(listener: socket.socket, deliver_to: str) -> Iterator[World]:
    config = WorkspaceConfig(
        people=DEMO_PEOPLE,
        manifest=MANIFEST,
        bot_token=TOKEN,
        app_token="xapp-front",
        signing_secret=FRONT_SECRET,
        key=_PAGE_KEY,
        deliver_to=deliver_to,
        retry_delays=(0.0, 0.05, 0.1),
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


def _plain(row: Base) -> Json:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}
