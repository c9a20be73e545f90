"""People who ask: so many tickets under way at any time, each of a person with an account of their own."""

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.principals import AccountStatus
from bot.store.db import Database, Session
from bot.store.schema import AccountRow, InboxEvent, Message, Ticket, Turn
from tests.e2e.chaos import town
from tests.e2e.chaos.slack import RETRY_DELAYS
from tests.e2e.site import KEYS

HELP, BOT = "C0HELP", "U0DESKHAND"
SECOND_THOUGHT_SECONDS = (3.0, 6.0)
"When a person who writes twice writes again."

GIVEN_UP = timedelta(seconds=sum(RETRY_DELAYS) + 10)
"Slack has sent an event for the last time by then."

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Json = dict[str, Any]


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
LOCKED = Kind("I am locked out of my account, please unlock it.", AccountStatus.LOCKED, 1)
KINDS: Sequence[tuple[int, Kind]] = (
    (4, LOCKED),
    (2, Kind("My password has expired and I cannot sign in.", AccountStatus.PASSWORD_EXPIRED, 1)),
    (1, Kind("I want to talk to a person, please.")),
    (1, Kind("I lost my phone and can't get the code to sign in.")),
    (1, Kind("When is the next payday?")),
    (2, Kind(LOCKED.text, AccountStatus.LOCKED, 1, more="And when is the next payday?")),
)
"With how likely each is."


@dataclass
class Asked:
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
    asked: list[Asked] = field(default_factory=list)

    def keep_up(self, wanted: int) -> None:
        """Let people ask until so many tickets are under way, and let those write again who want to."""
        for one in self.asked:
            if one.next_at is not None and time.monotonic() >= one.next_at:
                one.said.append(self._says(one.user, one.channel, str(one.kind.more), thread_ts=one.ts))
                one.next_at = None
        for _ in range(wanted - len(self.under_way())):
            self._ask()

    def under_way(self) -> list[Asked]:
        """Return the requests that are not answered yet; one that Slack gave up sending is no longer waited for."""
        given_up = datetime.now(UTC) - GIVEN_UP
        return [one for one in self.asked if not one.done and (one.heard or one.at > given_up)]

    def look(self) -> None:
        """Find out which requests have been answered, and all of it said."""
        open_ones = {one.ts: one for one in self.under_way() if one.next_at is None}
        unheard = {one.ts: one for one in self.under_way() if not one.heard}
        with self.database.read() as session:
            finished = answered(session, open_ones.keys())
            stored = session.scalars(select(InboxEvent.ts).where(InboxEvent.ts.in_(unheard))).all()
        for ts in stored:
            unheard[str(ts)].heard = True
        for ts, count in finished.items():
            open_ones[ts].done = count >= len(open_ones[ts].said)

    def _ask(self) -> None:
        weights, kinds = zip(*KINDS, strict=True)
        [kind] = self.rng.choices(kinds, weights)
        busy = {one.user for one in self.asked if not one.done}
        user = self.rng.choice([person for person in town.people() if person not in busy])
        with self.database.write() as session:
            account = session.get_one(AccountRow, town.account_of(user), with_for_update=True)
            account.status = kind.status
            account.lock_reason = TYPED if kind.status is AccountStatus.LOCKED else None
        private = self.rng.random() < 0.3
        channel = str(self._act("dm", user=user)["channel"]) if private else HELP
        at = datetime.now(UTC)
        ts = self._says(user, channel, kind.text if private else f"<@{BOT}> {kind.text}")
        more_at = time.monotonic() + self.rng.uniform(*SECOND_THOUGHT_SECONDS) if kind.more else None
        self.asked.append(Asked(user, kind, channel, ts, at, [ts], more_at))

    def _says(self, user: str, channel: str, text: str, **more: str) -> str:
        return str(self._act("say", user=user, channel=channel, text=text, **more)["ts"])

    def _act(self, what: str, **fields: Any) -> Json:
        return post(f"{self.slack}sandbox/{what}", fields)


def answered(session: Session, threads: Collection[str]) -> dict[str, int]:
    """Return, for each thread in which nothing is left to do or say, how many of its messages were heard."""
    turns = select(Ticket.thread_ts, Ticket.id, Turn.state).join(Turn, Turn.ticket_id == Ticket.id)
    tickets: dict[int, tuple[str, bool]] = {}
    for ts, ticket, state in session.execute(turns.where(Ticket.thread_ts.in_(threads))):
        tickets[ticket] = (ts, state == "done" and tickets.get(ticket, (ts, True))[1])
    unsaid = select(Message.ticket_id).where(
        Message.ticket_id.in_(tickets),
        (Message.state.in_(("stored", "sending")))
        | ((Message.state == "posted") & (Message.revision > Message.shown_revision)),
    )
    busy = set(session.scalars(unsaid))
    heard = select(InboxEvent.ticket_id).where(InboxEvent.ticket_id.in_(tickets), InboxEvent.state != "parked")
    counts: dict[int, int] = {}
    for ticket_id in session.scalars(heard):
        counts[int(ticket_id or 0)] = counts.get(int(ticket_id or 0), 0) + 1
    return {ts: counts.get(ticket, 0) for ticket, (ts, done) in tickets.items() if done and ticket not in busy}


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
