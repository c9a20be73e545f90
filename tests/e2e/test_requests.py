"""Two hundred requests in real people's words, through every process there is.

The two kinds of house share them: each gets one half.
"""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Timer

import pytest
from sqlalchemy import func, select

from bot.sandbox.demo.scenes.checks import Json
from bot.sandbox.demo.scenes.stage import BOT, HELP, QUEUE, Stage
from bot.store.db import Session
from bot.store.schema import Message, Ticket, Turn
from tests.e2e.product import HOUSE_KINDS, House, HouseOrder
from tests.support import crowd
from tests.support.pooler import Pooler
from tests.support.real_requests import real_requests
from tests.support.volumes import volume

REQUESTS = crowd.SIZE
SECONDS = 500.0
"On a machine that does nothing else it takes 7 (SQLite) or 10 (PostgreSQL, Socket Mode); a busy one may take longer."
AWAY_SECONDS = 2.0
"How long the pooler is away after half of the requests."

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def requests() -> list[str]:
    """Return what people asked, in their own words."""
    return real_requests()[:REQUESTS]


def test_each_request_is_asked_in_one_kind_of_house() -> None:
    """The shares of the kinds are the 200 requests, and in each share half are direct messages."""
    shares = [_share(kind) for kind in HOUSE_KINDS]
    assert {number for share in shares for number in share} == set(range(200))
    assert [2 * sum(number % 2 for number in share) for share in shares] == [len(share) for share in shares]


@pytest.mark.usefixtures("untroubled")
def test_every_request_ends_in_one_answer(house: House, requests: list[str]) -> None:
    """Each of 200 requests, every other one in a direct message, gets one reply or one handoff; none is silent.

    The pooler of the house that has one is killed in the middle, and events are sent again meanwhile.
    """
    stage, share = house.stage, _share(house.order)
    began = time.monotonic()
    earlier = stage.read(_answered)
    half = len(share) // 2
    asked = _ask_all(stage, {number: requests[number] for number in share[:half]})
    with _away(house.pooler):
        asked += _ask_all(stage, {number: requests[number] for number in share[half:]})
    assert len(asked) == len(share)
    wanted = earlier + len(asked)
    stage.wait("every request to be answered", lambda: stage.read(_answered) == wanted, seconds=SECONDS)
    took = time.monotonic() - began
    tickets = stage.read(_tickets)
    assert set(tickets) >= {(channel, ts) for _, channel, ts in asked}
    seen = {user: _by_thread(stage.sees(user)["messages"]) for user, _, _ in asked}
    posts = [one for one in stage.sees("U0PRIYA")["messages"][QUEUE] if one.get("thread_ts", one["ts"]) == one["ts"]]
    cards = Counter(_ticket_of(one) for one in posts)
    for user, channel, ts in asked:
        ticket, outcome = tickets[channel, ts]
        assert len(seen[user][channel, ts]) == 1, (ticket, outcome, seen[user][channel, ts])
        assert cards[ticket] == (outcome == "handoff"), (ticket, outcome)
    outcomes = Counter(tickets[channel, ts][1] for _, channel, ts in asked)
    stage.say(f"{took:.1f} s, {dict(outcomes)}")
    assert set(outcomes) == {"reply", "handoff"}


def _share(kind: HouseOrder) -> range:
    """Return the numbers of the requests that are asked in a kind of house: its half, or all of them."""
    size = volume(REQUESTS // len(HOUSE_KINDS), long=REQUESTS)
    first = HOUSE_KINDS.index(kind) * size % REQUESTS
    return range(first, first + size)


@contextmanager
def _away(pooler: Pooler | None) -> Iterator[None]:
    """Kill the pooler of a house that has one, and start it again after some seconds while the block goes on."""
    if pooler is None:
        yield
        return
    pooler.kill()
    start = Timer(AWAY_SECONDS, pooler.start)
    start.start()
    yield
    start.join()


def _ask_all(stage: Stage, requests: Mapping[int, str]) -> list[tuple[str, str, str]]:
    """Let people ask, several at once and each one thing; return who asked where."""

    def ask(number: int) -> tuple[str, str, str]:
        user, text, channel, said = crowd.member(number), requests[number], HELP, f"<@{BOT}> {requests[number]}"
        if number % 2:
            channel, said = str(stage.act("dm", user=user)["channel"]), text
        return user, channel, str(stage.act("say", user=user, channel=channel, text=said)["ts"])

    with ThreadPoolExecutor(4) as people:
        return list(people.map(ask, requests))


def _answered(session: Session) -> int:
    """Count the turns that have ended, once nothing is left to say."""
    unsaid = select(func.count()).select_from(Message).where(Message.state.in_(("stored", "sending")))
    done = select(func.count()).select_from(Turn).where(Turn.state == "done")
    return 0 if session.scalars(unsaid).one() else session.scalars(done).one()


def _tickets(session: Session) -> dict[tuple[str, str], tuple[int, str | None]]:
    """Return the id of every ticket and the outcome of its last turn, by its thread."""
    rows = session.execute(select(Ticket, Turn.outcome).join(Turn, Turn.ticket_id == Ticket.id).order_by(Turn.id))
    return {(ticket.channel, ticket.thread_ts): (ticket.id, outcome) for ticket, outcome in rows}


def _by_thread(messages: dict[str, list[Json]]) -> dict[tuple[str, str], list[str]]:
    """Return what the app said, by thread."""
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, ones in messages.items():
        for one in ones:
            if one.get("bot_id"):
                said[channel, one.get("thread_ts", "")].append(one["text"])
    return said


def _ticket_of(card: Json) -> int:
    found = re.match(r"Ticket (\d+) ", card["text"])
    assert found, card["text"]
    return int(found[1])
