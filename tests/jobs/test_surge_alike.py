"""Like requests that the agent hands off for one reason become one surge; different ones never do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.agent.conclusion import conclude
from bot.agent.loop import NeedsPerson
from bot.casework import handoffs as casework
from bot.casework import surging
from bot.principals import Reason
from bot.store.handoffs.moves import Moved
from bot.store.schema import (
    FollowerState,
    Handoff,
    Message,
    Surge,
    SurgeCause,
    SurgeEnd,
    Ticket,
    Turn,
    TurnOutcome,
    now,
)
from bot.store.tickets import turns
from jobs import requester
from tests.support import factories
from tests.support.crowd import member
from tests.support.real_requests import real_requests
from tests.support.scripted_models import Block, completion
from tests.support.surge_house import SurgeHouse, surge_house
from tests.support.workspace_names import BOT, HELP

GATEWAY = f"<@{BOT}> after signing in the Globex gateway shows error 503"
SUMMARY = "I cannot help with that."
HANDS_OFF: Block = ("hand_off", {"reason": "low_confidence", "summary": SUMMARY})


@pytest.fixture
def house(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, config: Path, tmp_path: Path
) -> Iterator[SurgeHouse]:
    """Open a house whose agent hands everything off, with a past of sixty requests."""
    with surge_house(
        monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config, file=tmp_path / "deskhand.db"
    ) as opened:
        opened.change_desk(call_model=lambda prompt: completion(HANDS_OFF, model=prompt.model))
        write(opened, real_requests()[-60:], first=100)
        with opened.front.database.write() as session:
            session.execute(update(Turn).values(state="done", outcome="reply", finished_at=now() - timedelta(days=1)))
            session.execute(update(Ticket).values(state="resolved", created_at=now() - timedelta(days=1)))
        yield opened


def write(house: SurgeHouse, texts: list[str], *, first: int = 0) -> None:
    """Let each of these be the request of somebody else, as the web door stores it."""
    for number, text in enumerate(texts, start=first):
        ts = f"1700{first:02d}{number:04d}.000100"
        message = replace(factories.FIRST, event_id=f"Ev{ts}", ts=ts, user=member(number % 200), text=text)
        factories.accept(house.front.database, message)


def test_like_requests_are_one_handoff_from_the_eighth_on(house: SurgeHouse) -> None:
    """The ninth is told and costs nothing, another problem is played, and a person's word ends it."""
    for number in range(8):
        house.front.say(member(number), HELP, f"{GATEWAY} ({number})")
        house.play_all()
    [surge] = house.front.rows(Surge)
    assert (surge.cause, surge.reason, len(house.front.rows(Handoff))) == (SurgeCause.ALIKE, "low_confidence", 8)
    assert {row.following for row in house.followers()} == {FollowerState.WITH_PEOPLE}
    steps = len(house.front.rows(Turn))
    ninth = house.front.say(member(8), HELP, f"<@{BOT}> error 503 at the gateway of Globex here too")
    house.front.say(member(9), HELP, f"<@{BOT}> my password has expired")
    house.play_all()
    [linked, own] = house.front.rows(Turn)[steps:]
    assert (linked.outcome, linked.reason, own.outcome) == (TurnOutcome.LINKED, "low_confidence", TurnOutcome.HANDOFF)
    assert "several people have just written about the same thing" in house.thread(member(8), ninth)[0]
    with house.front.database.write() as session:
        parent = surge.handoff_id
        assert isinstance(casework.claim(session, parent, "U0PRIYA", lease_minutes=30), Moved)
        resolved = casework.resolve(
            session, parent, "U0PRIYA", done="The gateway is up again.", category="other", agent_could=False
        )
        assert isinstance(resolved, Moved)
    house.look(times=2)
    house.play_all()
    [surge] = house.front.rows(Surge)
    assert surge.over_by is SurgeEnd.PEOPLE
    assert len(house.said("ended")) == 1
    assert house.front.rows(Turn)[-1].ticket_id == linked.ticket_id
    [notice] = [row for row in house.front.rows(Message) if row.kind == "surge"]
    assert "People have looked into this" in notice.body["text"]


def test_two_hundred_different_problems_in_a_minute_are_no_surge(house: SurgeHouse) -> None:
    """Real requests, each handed off for the same reason at the same time: each has its own handoff.

    Each turn is written down as a worker does it, without the model's calls and without what is said in Slack: only the
    words and the order count. In other orders, one of a hundred has eight about one thing among them.
    """
    write(house, real_requests()[:200])
    turns_owed = house.owed()
    assert len(turns_owed) == 200
    for turn in turns_owed:
        outcome, beginning = hand_off(house, turn)
        assert (type(outcome), beginning) == (NeedsPerson, None)
    assert len(house.front.rows(Handoff)) == 200
    assert house.front.rows(Surge) == []


def hand_off(house: SurgeHouse, turn: int) -> tuple[object, object]:
    """End a turn because the agent hands it off; return what came of it, and the surge that it begins."""
    runtime = house.ctx.runtime("access")
    with house.front.database.write() as session:
        attempt = turns.begin(session, turn, worker="w1", lease=60.0)
    assert attempt is not None
    asker = requester.unknown(attempt)
    with house.front.database.write() as session:
        decided = surging.decide(session, runtime, attempt, NeedsPerson(Reason.LOW_CONFIDENCE, SUMMARY))
        conclude(session, runtime, attempt, asker.subject, decided[0])
    return decided
