"""People who ask: so many tickets under way at any time, each of a person with an account of their own."""

import json
import random
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.principals import AccountStatus
from bot.sandbox.demo.scenes.stage import BOT, HELP
from bot.store.db import Database, Session
from bot.store.schema import AccountRow, InboxEvent, Message, Turn
from tests.e2e.chaos import population
from tests.e2e.chaos.slack import ANSWER_SECONDS, RETRY_DELAYS
from tests.e2e.product_processes import KEYS
from tests.support.json_object import Json

SECOND_THOUGHT_SECONDS = (3.0, 6.0)
"When a person who writes twice writes again."
CHANGE_SECONDS = (0.1, 6.0)
"When a person who edits or deletes their message does so: before the agent sees it, at its work, or after."
ELSEWHERE = "C0RANDOM"
"A channel without the bot."
SHARED, _STRANGER = "C0SHARED", "U0PETRA"
"A channel that is shared with another organisation, and somebody of theirs."

GIVEN_UP = timedelta(seconds=sum(RETRY_DELAYS) + 4 * ANSWER_SECONDS + 30)
"Slack has sent an event for the last time by then, however busy the machine is, and given up waiting for its answer."

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Kind:
    """A kind of request."""

    text: str
    status: AccountStatus = AccountStatus.ACTIVE
    "How the account stands when its owner asks."
    writes: int = 0
    "Changes of the directory that an answer by the agent takes."
    more: str | None = None
    "What is written next in the thread."


TYPED = "too many failed sign-ins"
_LOCKED = Kind("I am locked out of my account, please unlock it.", AccountStatus.LOCKED, 1)
KINDS: Sequence[tuple[int, Kind]] = (
    (4, _LOCKED),
    (2, Kind("My password has expired and I cannot sign in.", AccountStatus.PASSWORD_EXPIRED, 1)),
    (1, Kind("I want to talk to a person, please.")),
    (1, Kind("I lost my phone and can't get the code to sign in.")),
    (1, Kind("When is the next payday?")),
    (2, Kind(_LOCKED.text, AccountStatus.LOCKED, 1, more="And when is the next payday?")),
)
"With how likely each is."


@dataclass
class TrafficRequest:
    """One request, and what its person has said."""

    user: str
    kind: Kind
    channel: str
    ts: str
    at: datetime
    said: list[str]
    "The ts of everything that they wrote."
    next_at: float | None
    "When they write again, on the monotonic clock."
    change_at: float | None = None
    "When they edit their message, or delete it where `edited` is None."
    edited: str | None = None
    "What it says once they have edited it."
    deleted: bool = False
    changed_at: datetime | None = None
    "When they did."
    heard: bool = False
    "Their first message was stored; when it comes late, what they have said below it by then is looked up."
    done: bool = False


@dataclass
class Traffic:
    """Everybody who asks in one trial."""

    slack: str
    "Address of the workspace."
    database: Database
    rng: random.Random
    changes: Mapping[str, float] = field(default_factory=dict)
    """How likely it is that somebody edits (`edit`) or deletes (`delete`) what they wrote, asks by forwarding a message
    (`forward`), or asks in a shared channel, too (`shared`)."""
    asked: list[TrafficRequest] = field(default_factory=list)
    strangers: int = 0
    "Requests in the channel that is shared."

    def keep_up(self, wanted: int) -> None:
        """Let people ask until so many tickets are under way, and let those write again who want to."""
        for one in self.asked:
            if one.next_at is not None and time.monotonic() >= one.next_at:
                one.next_at = None
                above = {"thread_ts": one.ts} if one.channel == HELP or self.rng.random() < 0.5 else {}
                if not (one.deleted and above):  # below what is gone no one writes
                    one.said.append(self._says(one.user, one.channel, str(one.kind.more), **above))
            if one.change_at is not None and time.monotonic() >= one.change_at:
                self._change(one)
        for _ in range(wanted - len(self.under_way())):
            self._ask()

    def under_way(self) -> list[TrafficRequest]:
        """Return the requests that are not answered yet; one that Slack gave up sending is no longer waited for."""
        given_up = datetime.now(UTC) - GIVEN_UP
        return [one for one in self.asked if not one.done and (one.heard or one.at > given_up)]

    def look(self) -> None:
        """Find out which requests have been answered, and all of it said."""
        open_ones = [one for one in self.under_way() if one.next_at is None and one.change_at is None]
        unheard = {one.ts: one for one in self.under_way() if not one.heard}
        with self.database.read() as session:
            settled = answered(session, open_ones)
            stored = session.scalars(select(InboxEvent.ts).where(InboxEvent.ts.in_(unheard))).all()
        for ts in stored:
            unheard[str(ts)].heard = True
        for one in settled:
            one.done = True

    def _ask(self) -> None:
        weights, kinds = zip(*KINDS, strict=True)
        [kind] = self.rng.choices(kinds, weights)
        busy, times = {one.user for one in self.asked if not one.done}, Counter(one.user for one in self.asked)
        free = [person for person in population.people() if person not in busy]
        fewest = min(times[person] for person in free)  # a request of somebody whose last one people have is theirs
        user = self.rng.choice([person for person in free if times[person] == fewest])
        with self.database.write() as session:
            account = session.get_one(AccountRow, population.account_of(user), with_for_update=True)
            account.status = kind.status
            account.lock_reason = TYPED if kind.status is AccountStatus.LOCKED else None
        private = self.rng.random() < 0.3
        channel = str(self._act("dm", user=user)["channel"]) if private else HELP
        at = datetime.now(UTC)
        text, forwards = kind.text if private else f"<@{BOT}> {kind.text}", self._chance("forward")
        ts = self._forwards(user, channel, text) if forwards else self._says(user, channel, text)
        more_at = time.monotonic() + self.rng.uniform(*SECOND_THOUGHT_SECONDS) if kind.more else None
        one = TrafficRequest(user, kind, channel, ts, at, [ts], more_at)
        chance = self.rng.random()
        edits = not forwards and chance < self.changes.get("edit", 0.0)
        if edits or chance > 1.0 - self.changes.get("delete", 0.0):
            one.change_at = time.monotonic() + self.rng.uniform(*CHANGE_SECONDS)
            one.edited = f"{kind.text} It is for {self.rng.choice(('ALPHA', 'BRAVO'))}." if edits else None
        self.asked.append(one)
        if self._chance("shared"):
            self.strangers += 1
            self._says(self.rng.choice((_STRANGER, user)), SHARED, f"<@{BOT}> {kind.text}")

    def _change(self, one: TrafficRequest) -> None:
        """Let somebody edit or delete what they first wrote."""
        one.change_at, one.changed_at = None, datetime.now(UTC)
        if one.edited is None:
            one.deleted = True
            self._act("delete", user=one.user, channel=one.channel, ts=one.ts)
        else:
            text = one.edited if one.channel != HELP else f"<@{BOT}> {one.edited}"
            self._act("edit", user=one.user, channel=one.channel, ts=one.ts, text=text)

    def _says(self, user: str, channel: str, text: str, **more: str) -> str:
        return str(self._act("say", user=user, channel=channel, text=text, **more)["ts"])

    def _chance(self, what: str) -> bool:
        return self.rng.random() < self.changes.get(what, 0.0)

    def _forwards(self, user: str, channel: str, text: str) -> str:
        """Let somebody forward what was said elsewhere, and add what they ask."""
        talk = {"from_channel": ELSEWHERE, "ts": self._says(user, ELSEWHERE, "Lunch at noon?")}
        return str(self._act("forward", user=user, channel=channel, text=text, **talk)["ts"])

    def _act(self, what: str, **fields: Any) -> Json:
        return post(f"{self.slack}sandbox/{what}", fields)


def answered(session: Session, asked: Sequence[TrafficRequest]) -> list[TrafficRequest]:
    """Return those of whom everything is heard as it is in Slack by now, and in whose ticket nothing is left to do."""
    every = [ts for one in asked for ts in one.said]
    events = {(row.channel, row.ts): row for row in session.scalars(select(InboxEvent).where(InboxEvent.ts.in_(every)))}
    tickets = {row.ticket_id for row in events.values()}
    playing = select(Turn.ticket_id).where(Turn.ticket_id.in_(tickets), Turn.state != "done")
    unsaid = select(Message.ticket_id).where(
        Message.ticket_id.in_(tickets),
        (Message.state.in_(("stored", "sending")))
        | ((Message.state == "posted") & (Message.revision > Message.shown_revision)),
    )
    busy = {*session.scalars(playing), *session.scalars(unsaid)}
    return [one for one in asked if _is_settled(one, [events.get((one.channel, ts)) for ts in one.said], busy)]


def _is_settled(one: TrafficRequest, heard: Sequence[InboxEvent | None], busy: Collection[int | None]) -> bool:
    if any(event is None or event.state == "parked" or event.ticket_id in busy for event in heard):
        return False
    return follows(one, heard[0]) or (one.changed_at is not None and one.changed_at < datetime.now(UTC) - GIVEN_UP)


def follows(one: TrafficRequest, first: InboxEvent | None) -> bool:
    """Return whether the row of somebody's first message says what Slack says."""
    if first is None or one.changed_at is None:
        return True
    return (first.state, first.text) == ("withdrawn", "") if one.deleted else first.text == one.edited


def post(url: str, body: object, method: str = "POST") -> Json:
    """Send JSON to one of the trial's own servers."""
    request = urllib.request.Request(  # noqa: S310 - ours
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **KEYS}, method=method
    )
    try:
        with _OPENER.open(request, timeout=30) as response:
            answer: Json = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {url}: {error.code} {error.read(300)!r}") from error


def get(url: str) -> Json:
    """Ask one of the trial's own servers."""
    with _OPENER.open(urllib.request.Request(url, headers=KEYS), timeout=30) as response:  # noqa: S310 - ours
        answer: Json = json.load(response)
        return answer
