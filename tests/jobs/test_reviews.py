"""Owners are told once a week that a review is over: `jobs.reviews`."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.principals import AgentStatus
from bot.store import members
from bot.store.installation import agents
from bot.store.schema import Message
from jobs import reviews
from jobs.process import WorkerContext
from tests.support.factories import Clock, at_once, rows
from tests.support.product_harness import put_agent

DUE = date(2027, 5, 31)
"The day in the delivered card."


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let it be the last day of the review."""
    return Clock(datetime(2027, 5, 31, 23, 59, tzinfo=UTC)).rule(monkeypatch)


def told(ctx: WorkerContext) -> list[tuple[str, str]]:
    """Return what was told, in order: to whom and what."""
    return [(one.channel, str(one.body["text"])) for one in rows(ctx.database, Message)]


def test_owners_are_told_once_a_week_until_a_review_is_recorded(ctx: WorkerContext, clock: Clock) -> None:
    """Not before its day is over, in no other rhythm, and no more after the review, until that is over too."""
    reviews.remind(ctx)
    assert told(ctx) == []
    clock.passes(minutes=2)
    for _ in range(3):
        reviews.remind(ctx)
    [(owner, text)] = told(ctx)
    assert owner == "U0OLIVIA"
    assert "The review of access was due by 2027-05-31, 1 day ago" in text
    assert "`deskhand agents review access --until DATE`" in text
    clock.passes(days=6, hours=23)
    reviews.remind(ctx)
    assert len(told(ctx)) == 1
    clock.passes(hours=2)
    reviews.remind(ctx)
    assert len(told(ctx)) == 2
    with ctx.database.write() as session:
        agents.review(session, "access", until=DUE + timedelta(days=30), by="operator")
    clock.passes(days=14)
    reviews.remind(ctx)
    assert len(told(ctx)) == 2
    clock.passes(days=14)
    reviews.remind(ctx)
    assert "was due by 2027-06-30" in told(ctx)[-1][1]


def test_two_clocks_tell_it_once(ctx: WorkerContext, clock: Clock) -> None:
    """Each owner gets one message."""
    clock.passes(days=1)
    at_once(2, lambda _clock: reviews.remind(ctx))
    assert [owner for owner, _ in told(ctx)] == ["U0OLIVIA"]


def test_nobody_is_told_of_a_retired_agent_or_after_they_left(ctx: WorkerContext, clock: Clock) -> None:
    """Without an owner who is still there, the week is not used up."""
    clock.passes(days=1)
    agent = ctx.agents["access"]
    with ctx.database.write() as session:
        members.note_departure(session, "U0OLIVIA")
    reviews.remind(ctx)
    assert told(ctx) == []
    with ctx.database.write() as session:
        members.note_return(session, "U0OLIVIA")
    put_agent(ctx, replace(agent, card=agent.card.model_copy(update={"status": AgentStatus.RETIRED})))
    reviews.remind(ctx)
    assert told(ctx) == []
    put_agent(ctx, agent)
    reviews.remind(ctx)
    assert len(told(ctx)) == 1
