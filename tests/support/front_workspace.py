"""The workspace before the web process: what people and administrators do in it, what it leaves and what is seen."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, TypeVar, overload

from redis import Redis
from rq import Queue
from sqlalchemy import update

from bot.queue import RUN_TURN, open_queue
from bot.sandbox.guard import KEY_HEADER
from bot.sandbox.slack.world import World
from bot.store.audit import AuditRecord
from bot.store.db import Database
from bot.store.installation import marks
from bot.store.schema import (
    AuditRow,
    Base,
    Feedback,
    Handoff,
    HandoffMove,
    InboxEvent,
    Message,
    Ticket,
    Turn,
    now,
)
from tests.support import factories
from tests.support.json_object import Json
from tests.support.live_server import PATIENCE
from tests.support.signed_requests import DIRECT, SignedRequests
from tests.support.workspace_names import HELP

PAGE_KEY = "front-page"
_OWN_HEADERS = {KEY_HEADER: PAGE_KEY, "Content-Type": "application/json"}
"What the test sends along to the workspace."
KEPT = (InboxEvent, Ticket, Turn, Message, Handoff, HandoffMove, Feedback, AuditRow)
"Every table that Slack can make the web process write to."

_Row = TypeVar("_Row", bound=Base)


@dataclass(frozen=True)
class FrontWorkspace(SignedRequests):
    """A workspace that delivers to the web process, and the rows and jobs that this leaves."""

    slack: str
    "The workspace's address, without a slash at its end."
    world: World
    database: Database
    redis: Redis

    def faults(self, *faults: Json) -> None:
        """Make the workspace fail."""
        data = json.dumps(list(faults)).encode()
        request = urllib.request.Request(f"{self.slack}/sandbox/faults", data, _OWN_HEADERS, method="PUT")  # noqa: S310 - ours
        with DIRECT.open(request, timeout=PATIENCE):
            return

    def act(self, what: str, user: str, **fields: Any) -> Json:
        """Let a person do something in the workspace; events that it causes have arrived afterwards."""
        data = json.dumps({"user": user, **fields}).encode()
        request = urllib.request.Request(f"{self.slack}/sandbox/{what}", data, _OWN_HEADERS, method="POST")  # noqa: S310 - ours
        try:
            with DIRECT.open(request, timeout=PATIENCE) as answer:
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
        with DIRECT.open(request, timeout=PATIENCE) as answer:
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
        with DIRECT.open(asked, timeout=PATIENCE) as answer:
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

    @overload
    def rows(self, table: type[AuditRow]) -> list[AuditRecord]: ...  # type: ignore[overload-overlap]
    @overload
    def rows(self, table: type[_Row]) -> list[_Row]: ...
    def rows(self, table: type[Any]) -> list[Any]:
        """Return every row of a table, in the order they came; of the audit log, as people read them."""
        return factories.rows(self.database, table)

    def kept(self) -> dict[str, list[Json]]:
        """Return all that is stored, to be compared with what is stored later."""
        return {table.__tablename__: [_plain(row) for row in self.rows(table)] for table in KEPT}

    @cached_property
    def queue(self) -> Queue:
        """The queue by the mark of the database, which the web process has entered; Redis may lose its own."""
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


def _plain(row: Base | AuditRecord) -> Json:
    if isinstance(row, AuditRecord):
        return asdict(row)
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}
