"""What runs when: `jobs.clock`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier, Event
from types import MappingProxyType
from typing import Any

import pytest
from slack_sdk.web import SlackResponse

from bot.errors import Transient
from bot.store.handoffs import handoffs
from bot.store.schema import Handoff, Heartbeat, Message, now
from jobs import clock, process
from jobs.process import WorkerContext
from tests.support.busy_machine import SOON
from tests.support.factories import handed_off, put, rows, store
from tests.support.local_workspace import LocalWorkspace


@contextmanager
def running(ctx: WorkerContext) -> Iterator[None]:
    """Let all rounds go on until the block ends."""
    stop = clock.start(ctx)
    try:
        yield
    finally:
        stop()


def wait(what: Callable[[], object]) -> None:
    """Look until something is so."""
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_slow_slack_delays_no_lease(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim ends on time while a message waits for Slack's answer."""
    answers, post = Event(), ctx.slack.chat_postMessage

    def late(**message: Any) -> SlackResponse:
        assert answers.wait(4 * SOON)
        return post(**message)

    monkeypatch.setattr(ctx.slack, "chat_postMessage", late)
    found = handed_off(ctx.database).id
    with ctx.database.write() as session:
        handoffs.claim(session, found, "U0PRIYA", lease_minutes=30)
    store(ctx.database, "slow")
    with running(ctx):
        wait(lambda: rows(ctx.database, Message)[0].state == "sending")
        put(ctx.database, Handoff, found, lease_until=now())
        wait(lambda: rows(ctx.database, Handoff)[0].state == "open")
        assert rows(ctx.database, Message)[0].state == "sending"
        answers.set()
        wait(lambda: rows(ctx.database, Message)[0].state == "posted")


def test_what_a_look_writes_down_is_said_soon(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Nobody but the clock is there to say it."""
    with running(ctx):
        store(ctx.database, "owed")
        wait(lambda: rows(ctx.database, Message)[0].state == "posted")
    assert [one["text"] for one in workspace.world.state.channels["C0HELP"].messages.values()] == ["owed"]


def test_a_clock_shows_that_it_lives(ctx: WorkerContext) -> None:
    """From its first moment, so that operators can tell."""
    with running(ctx):
        wait(lambda: rows(ctx.database, Heartbeat))
    [sign] = rows(ctx.database, Heartbeat)
    assert (sign.kind, sign.who) == ("clock", process.name())


def test_a_round_that_fails_goes_on(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away and a bug are both got over, and neither keeps the other rounds."""
    seen: list[str] = []

    def away(_house: WorkerContext) -> None:
        seen.append("away")
        raise Transient("the database is away")

    def broken(_house: WorkerContext) -> None:
        seen.append("broken")
        raise ValueError

    def sound(_house: WorkerContext) -> None:
        seen.append("sound")

    monkeypatch.setattr(clock, "ROUNDS", MappingProxyType({away: 0.01, broken: 0.01, sound: 0.01}))
    with running(ctx):
        wait(lambda: min(seen.count(name) for name in ("away", "broken", "sound")) > 2)


def test_the_end_waits_for_what_is_at_work(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that is in the middle of something ends it; one that would take too long is left."""
    seen, begun, over = list[str](), Barrier(3), Event()

    def quick(_house: WorkerContext) -> None:
        begun.wait(SOON)
        time.sleep(0.1)
        seen.append("quick")

    def endless(_house: WorkerContext) -> None:
        begun.wait(SOON)
        over.wait(4 * SOON)
        seen.append("endless")

    monkeypatch.setattr(clock, "END_SECONDS", 1.0)
    monkeypatch.setattr(clock, "ROUNDS", MappingProxyType({quick: 60.0, endless: 60.0}))
    stop = clock.start(ctx)
    begun.wait(SOON)
    began = time.monotonic()
    stop()
    assert time.monotonic() - began < SOON
    assert seen == ["quick"]
    over.set()
