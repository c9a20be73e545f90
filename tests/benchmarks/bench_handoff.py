"""How long from the decision to hand off until the card stands in the queue channel, with 20 handoffs at once.

The whole house as processes (web, two workers, clock, Redis, SQLite), a stand-in model and a workspace
that adds no delay. Beside it, in the same run, the bare Slack call from as many threads at once.
"""

import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from slack_sdk import WebClient

from bot.sandbox.demo.scenes.stage import HELP, QUEUE, Stage
from bot.store.installation import revisions
from bot.store.schema import Handoff, Message
from tests.e2e.product import HTTP, moved_in, prepare
from tests.e2e.product_processes import TOKENS
from tests.support.json_object import Json

AT_ONCE, ROUNDS = 20, 6
PEOPLE = ("U0LENA", "U0IVAN", "U0AIKO", "U0SAM", "U0FINN")
TARGET_P99_MS = 1_000.0


def run(say: Callable[[str], None]) -> Json:
    """Measure; the result is in milliseconds unless a name says otherwise."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database_url = f"sqlite:///{folder / 'deskhand.db'}"
        revisions.migrate(database_url)
        say("handoff: evaluating the release that is to hand off")
        prepare(database_url, folder)
        with moved_in(HTTP, database_url, folder) as house:
            _one_round(house.stage, 1)  # Bolt asks Slack who it is, the desks are put up
            took: list[float] = []
            for number in range(ROUNDS):
                took += _one_round(house.stage, AT_ONCE)
                say(
                    f"handoff: round {number + 1} of {ROUNDS}, {AT_ONCE} at once: slowest {max(took[-AT_ONCE:]):.0f} ms"
                )
            bare = _bare_calls(house.environment["SLACK_API_URL"])
            cards = len(_cards(house.stage)) - 1
    expected = AT_ONCE * ROUNDS
    ours, theirs = _summary(took), _summary(bare)
    return {
        **ours,
        "at_once": AT_ONCE,
        "handoffs": expected,
        "cards": cards,
        "bare_call": theirs,
        "p50_ratio": round(ours["p50_ms"] / theirs["p50_ms"], 2),
        "p99_ratio": round(ours["p99_ms"] / theirs["p99_ms"], 2),
        "target_p99_ms": TARGET_P99_MS,
        "met": ours["p99_ms"] < TARGET_P99_MS and cards == len(took) == expected,
    }


def _one_round(stage: Stage, count: int) -> list[float]:
    """Let so many people write in the same moment; return each card's milliseconds after its decision."""
    before = len(_cards(stage))

    def ask(number: int) -> None:
        user = PEOPLE[number % len(PEOPLE)]
        text = "<@U0DESKHAND> I lost my phone and can't get the code to sign in."
        stage.act("say", user=user, channel=HELP, text=text)

    with ThreadPoolExecutor(count) as hands:
        list(hands.map(ask, range(count)))
    stage.wait("every card", lambda: len(_cards(stage)) == before + count, seconds=120)
    return list(_cards(stage).values())[before:]


def _cards(stage: Stage) -> dict[int, float]:
    """Return milliseconds from decision to card, by handoff, of those whose card is posted."""

    def query(session: Any) -> dict[int, float]:
        rows = session.query(Handoff.id, Handoff.opened_at, Message.posted_at).join(
            Message, Message.handoff_id == Handoff.id
        )
        posted = rows.filter(Message.kind == "card", Message.posted_at.is_not(None)).order_by(Handoff.id)
        return {row[0]: (row[2] - row[1]).total_seconds() * 1000 for row in posted}

    return stage.read(query)


def _bare_calls(url: str) -> list[float]:
    """Post as many messages with the bare client, as many at once; return the milliseconds of each."""
    client = WebClient(token=TOKENS["SLACK_BOT_TOKEN"], base_url=url)

    def post(number: int) -> float:
        began = time.perf_counter()
        client.chat_postMessage(channel=QUEUE, text=json.dumps({"yardstick": number}))
        return (time.perf_counter() - began) * 1000

    with ThreadPoolExecutor(AT_ONCE) as hands:
        return list(hands.map(post, range(AT_ONCE * ROUNDS)))


def _summary(took: list[float]) -> Json:
    ordered = sorted(took)
    return {
        "p50_ms": round(ordered[len(ordered) // 2], 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 1),
        "max_ms": round(ordered[-1], 1),
    }
