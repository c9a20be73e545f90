"""One hostile person beside many ordinary ones, through the whole stack, with the bounds that are shipped.

make hostile ARGS="--seconds 120 --seed 1"

At twenty desks three people ask once each, for what one person says while a request is open is added to it, at
moments that the seed chooses: alone first, then again on new ground beside somebody who floods the help channel,
direct messages and their own threads, writes 40,000 characters, edits, deletes, presses whatever can be pressed, and
sends commands. Progress goes to stderr; the last line of stdout is one JSON object. Exit code 1 when an ordinary
request went unanswered, was answered twice, or took more than twice as long as the slowest of its desk alone.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from sqlalchemy import func, select

from bot.principals import AccountStatus
from bot.sandbox.demo.scenes.stage import BOT, HELP
from bot.sandbox.slack import blocks
from bot.store import db
from bot.store.db import Database
from bot.store.schema import AccountRow, Handoff, InboxEvent, Message, Ticket, Turn
from tests.e2e.chaos import population, services
from tests.e2e.chaos.traffic import get, post
from tests.support.json_object import Json

ORDINARY, ASKS = 20, 3
_WORDS = (
    "I am locked out of my account, please unlock it.",
    "When is the next payday?",
    "I lost my phone and can't get the code to sign in.",
)
"What an ordinary person asks, one after another: an answer with a change, an answer without, a handoff."
_WORKERS = 2
HANDS, ACTS_A_SECOND = 4, 10.0
"The hostile person's."
_PATIENCE_SECONDS = 300.0
"How long the last ones are waited for."
MOST_RATIO = 2.0
_LONG = "& a\n" * 10_000


@dataclass
class HostileRequest:
    """One ordinary request."""

    desk: int
    "Which of the twenty it is, or a colleague of theirs."
    ts: str
    at: float
    "When it was written, in seconds since the epoch."
    took: float | None = None
    "Seconds until its first answer stood in Slack."
    answers: int = 0


@dataclass
class Scene:
    """One time of it: alone, or beside the hostile person."""

    asked: list[HostileRequest] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    "What the hostile person did, and what Slack refused them."
    hostile: Json = field(default_factory=dict)
    "What of theirs there is in the end."

    def slowest(self) -> dict[int, float]:
        """Return the slowest answer at each desk, in seconds; what was never answered is infinitely slow."""
        found: dict[int, float] = {}
        for one in self.asked:
            found[one.desk] = max(found.get(one.desk, 0.0), float("inf") if one.took is None else one.took)
        return found


class Hostile:
    """Somebody who does everything that a person can, as fast as Slack lets them."""

    def __init__(self, slack: str, user: str, seed: int) -> None:
        self._slack, self._user, self._rng = slack, user, random.Random(seed)
        self._threads: list[tuple[str, str]] = []
        self._said: list[tuple[str, str]] = []
        self.done: Counter[str] = Counter()

    def goes_on(self, over: Event) -> None:
        """Do one thing after another until it is over, with as many hands as it takes."""
        acts: Sequence[Callable[[], object]] = (
            *[self.asks] * 3,
            *[self.asks_directly, self.writes_on] * 2,
            *(self.writes_long, self.wants_a_person, self.edits, self.deletes),
            *(self.presses, self.commands, self.opens_home),
        )

        def act(_number: int) -> None:
            what = self._rng.choice(acts)
            try:
                what()
            except (RuntimeError, OSError, LookupError):
                self.done["refused"] += 1
            else:
                self.done[what.__name__] += 1

        with ThreadPoolExecutor(HANDS) as hands:
            number = 0
            while not over.wait(1 / ACTS_A_SECOND):
                hands.submit(act, number)
                number += 1
            hands.shutdown(wait=True, cancel_futures=True)

    def asks(self) -> None:
        """Open another request in the help channel."""
        self._threads.append((HELP, self._says(HELP, f"<@{BOT}> {self._rng.choice(_WORDS)}")))

    def asks_directly(self) -> None:
        """Open another request in direct messages."""
        channel = str(self._act("dm")["channel"])
        self._threads.append((channel, self._says(channel, self._rng.choice(_WORDS))))

    def writes_on(self) -> None:
        """Write into a thread of theirs."""
        channel, thread = self._rng.choice(self._threads)
        self._says(channel, "And another thing!", thread_ts=thread)

    def writes_long(self) -> None:
        """Write as much as Slack takes, of what grows when it is shown."""
        channel, thread = self._rng.choice(self._threads)
        self._says(channel, _LONG, thread_ts=thread)

    def wants_a_person(self) -> None:
        """Ask for a person in a thread of theirs."""
        channel, thread = self._rng.choice(self._threads)
        self._says(channel, "I want to talk to a person!", thread_ts=thread)

    def edits(self) -> None:
        """Write something else in place of what they wrote."""
        channel, ts = self._rng.choice(self._said)
        self._act("edit", channel=channel, ts=ts, text=f"<@{BOT}> {self._rng.random()} {_LONG[:4_000]}")

    def deletes(self) -> None:
        """Delete something that they wrote."""
        channel, ts = self._rng.choice(self._said)
        self._act("delete", channel=channel, ts=ts)

    def presses(self) -> None:
        """Press a button, a thumb, anything, of whatever message of the bot."""
        shown = get(f"{self._slack}sandbox/state?user={self._user}")["messages"]
        found = [
            (channel, one["ts"], block, element)
            for channel, messages in shown.items()
            for one in messages
            for block, element in blocks.interactive(one.get("blocks"))
        ]
        channel, ts, block, element = self._rng.choice(found)
        value = self._rng.choice([element.get("value"), "good:1", "bad:2", "1"])
        what = {"action_id": element["action_id"], "block_id": block, "value": value, "forge": True}
        self._act("click", channel=channel, ts=ts, **what)

    def commands(self) -> None:
        """Ask what it all has cost."""
        self._act("command", channel=HELP, command=self._rng.choice(["/agent-cost", "/agent-eval"]), text="")

    def opens_home(self) -> None:
        """Look at the App Home."""
        self._act("home")

    def _says(self, channel: str, text: str, **more: str) -> str:
        ts = str(self._act("say", channel=channel, text=text, **more)["ts"])
        self._said.append((channel, ts))
        return ts

    def _act(self, what: str, **fields: Any) -> Json:
        return post(f"{self._slack}sandbox/{what}", {"user": self._user, **fields})


def play_hostile(folder: Path, *, seconds: float, seed: int, beside: bool, say: Callable[[str], None]) -> Scene:
    """Play it once on ground of its own."""
    scene, rng = Scene(), random.Random(seed)
    people = population.people()[: ORDINARY * ASKS + 1]
    moments = sorted(
        (rng.uniform(0.05, 0.9) * seconds / ASKS + number * seconds / ASKS, desk, number)
        for desk in range(ORDINARY)
        for number in range(ASKS)
    )
    folder.mkdir(parents=True)
    with services.broken(folder, shipped=True) as stands, closing(db.connect(stands.postgres.url)) as database:
        site = stands.site
        workers = [site.worker(number) for number in range(1, _WORKERS + 1)]
        for program in (site.web(), *workers, site.clock()):
            stands.supervisor.start(program)  # one after another: a machine that is busy has them all up in time
        slack, over = site.address("slack"), Event()
        hostile = Hostile(slack, people[-1], seed)
        raging = Thread(target=hostile.goes_on, args=(over,), daemon=True)
        began = time.monotonic()
        if beside:
            raging.start()
        for at, desk, number in moments:
            time.sleep(max(0.0, began + at - time.monotonic()))
            user = people[desk * ASKS + number]
            scene.asked.append(HostileRequest(desk, *_asks(slack, database, user, number)))
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        over.set()
        until = time.monotonic() + _PATIENCE_SECONDS
        while _look(database, scene) and time.monotonic() < until:
            time.sleep(0.5)
        scene.done, scene.hostile = hostile.done, _left(database, people[-1])
    say(f"{'beside' if beside else 'alone'}: {_figures(scene)}")
    return scene


def _asks(slack: str, database: Database, user: str, number: int) -> tuple[str, float]:
    """Let somebody ask in the help channel; return the ts by Slack, and when it was by our clock."""
    if number == 0:
        with database.write() as session:
            account = session.get_one(AccountRow, population.account_of(user), with_for_update=True)
            account.status, account.lock_reason = AccountStatus.LOCKED, "too many failed sign-ins"
    at = time.time()
    text = f"<@{BOT}> {_WORDS[number]}"
    ts = str(post(f"{slack}sandbox/say", {"user": user, "channel": HELP, "text": text})["ts"])
    return ts, at


def _look(database: Database, scene: Scene) -> int:
    """Note what has been answered; return how many requests still wait."""
    by_ts = {one.ts: one for one in scene.asked}
    said = (
        select(Ticket.thread_ts, func.min(Message.posted_at), func.count())
        .join(Message, Message.ticket_id == Ticket.id)
        .where(Message.kind.in_(("reply", "notice")), Message.state == "posted", Ticket.thread_ts.in_(by_ts))
        .group_by(Ticket.thread_ts)
    )
    with database.read() as session:
        for ts, at, count in session.execute(said):
            if at is not None:
                by_ts[ts].took, by_ts[ts].answers = at.timestamp() - by_ts[ts].at, count
    return sum(one.took is None for one in scene.asked)


def _left(database: Database, user: str) -> Json:
    """Count what there is of somebody."""
    mine = select(Ticket.id).where(Ticket.requester == user)
    counts = {
        "tickets": select(func.count()).select_from(Ticket).where(Ticket.requester == user),
        "turns": select(func.count()).select_from(Turn).where(Turn.ticket_id.in_(mine)),
        "messages_kept": select(func.count()).select_from(InboxEvent).where(InboxEvent.user == user),
        "handoffs": select(func.count()).select_from(Handoff).where(Handoff.ticket_id.in_(mine)),
        "posts_of_ours": select(func.count()).select_from(Message).where(Message.ticket_id.in_(mine)),
        "said_to_them_alone": select(func.count()).select_from(Message).where(Message.user == user),
    }
    with database.read() as session:
        return {name: session.scalars(query).one() for name, query in counts.items()}


def _figures(scene: Scene) -> Json:
    took = sorted(one.took for one in scene.asked if one.took is not None)
    return {
        "asked": len(scene.asked),
        "answered": len(took),
        "answered_more_than_once": sum(one.answers > 1 for one in scene.asked),
        "p50_s": round(took[len(took) // 2], 2) if took else None,
        "p95_s": round(took[int(len(took) * 0.95)], 2) if took else None,
        "max_s": round(took[-1], 2) if took else None,
    }


def compare(alone: Scene, beside: Scene) -> Json:
    """Return how much longer was waited at each desk, by its slowest answer."""
    before, after = alone.slowest(), beside.slowest()
    ratios = sorted(after[desk] / before[desk] for desk in before)
    figures = {"alone": _figures(alone), "beside": _figures(beside)}
    answered = all(one["answered"] == one["asked"] == ORDINARY * ASKS for one in figures.values())
    once = not any(one["answered_more_than_once"] for one in figures.values())
    return {
        **figures,
        "ratio_p50": round(ratios[len(ratios) // 2], 2),
        "ratio_p95": round(ratios[int(len(ratios) * 0.95)], 2),
        "ratio_max": round(ratios[-1], 2),
        "hostile_did": dict(beside.done),
        "hostile_has": beside.hostile,
        "met": answered and once and ratios[-1] <= MOST_RATIO,
    }


def main() -> int:
    """Play both, and report."""
    parser = argparse.ArgumentParser(
        prog="make hostile", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="how long each lasts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what everything is chosen by (default: %(default)s)")
    parser.add_argument("--keep", type=Path, help="keep logs and all in this folder")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="deskhand-hostile-"))

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    scenes = [
        play_hostile(folder / name, seconds=given.seconds, seed=given.seed, beside=name == "beside", say=say)
        for name in ("alone", "beside")
    ]
    if given.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    report = {"seconds": given.seconds, "seed": given.seed, **compare(*scenes)}
    sys.stdout.write(f"{json.dumps(report)}\n")
    return 0 if report["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
