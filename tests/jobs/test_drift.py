"""A release that moves away from its own past: `jobs.drift`, and what its owners read of it."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import update

from bot.agent.release import release_of
from bot.drift import comparison
from bot.slack.outbox import outbox
from bot.store.db import Database
from bot.store.figures import drift_checks, first_turns
from bot.store.figures.first_turns import KnownTurns
from bot.store.money import digests
from bot.store.schema import AuditRow, DriftStream, Message, OwnerAlert, Ticket, Watermark
from jobs import drift, owner_alerts
from jobs.process import WorkerContext
from tests.support.factories import Clock, at_once, put, rows
from tests.support.local_workspace import LocalWorkspace
from tests.support.past_tickets import LOOKED_UP, UNLOCKED, PastTickets


class Story:
    """Tickets that an agent serves, and the checks of the clock between them."""

    def __init__(self, ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ctx, self.random = ctx, Random(5)
        self.release = str(release_of(ctx.settings, ctx.agents["access"]))
        self.past = PastTickets(ctx.database)
        self.past.release(self.release)
        self.clock = Clock(self.past.at).rule(monkeypatch)

    def serve(self, count: int, *, handoffs: float = 0.15, release: str | None = None) -> None:
        """Serve tickets of which a share is handed over."""
        for _ in range(count):
            over = self.random.random() < handoffs
            outcome, tools = ("handoff", (LOOKED_UP,)) if over else ("reply", (LOOKED_UP, UNLOCKED))
            seconds = self.random.lognormvariate(1.5, 0.5)
            self.past.add(release or self.release, outcome=outcome, tools=tools, seconds=seconds)
        self.past.write()
        self.clock.at = self.past.at + timedelta(minutes=1)

    def serve_and_check(self, count: int, *, handoffs: float = 0.15) -> None:
        """Serve tickets, and check as often as the clock does."""
        for _ in range(count // comparison.EVERY):
            self.serve(comparison.EVERY, handoffs=handoffs)
            self.look()

    def look(self) -> None:
        """Let the clock check, and tell what it found."""
        drift.check(self.ctx)
        owner_alerts.tell(self.ctx)

    def events(self) -> list[str]:
        """Return what the audit log says of drift."""
        return [one.event for one in rows(self.ctx.database, AuditRow) if one.event.startswith("drift.")]


@pytest.fixture
def story(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Return an agent that has served nobody yet."""
    return Story(ctx, monkeypatch)


def texts(database: Database) -> list[str]:
    """Return what owners were told, in order."""
    return [str(one.body["text"]) for one in rows(database, Message)]


def test_drift_is_told_once_and_so_is_its_end(ctx: WorkerContext, story: Story, workspace: LocalWorkspace) -> None:
    """With what moved, how sure that is, what the window can find, and examples; while it goes on nothing is told."""
    story.serve(1400)
    story.serve_and_check(100)
    assert texts(ctx.database) == []
    story.serve_and_check(250, handoffs=0.45)
    story.serve(200, handoffs=0.45)
    story.serve_and_check(50, handoffs=0.45)
    [told] = texts(ctx.database)
    assert f"{story.release} does not behave as it did before" in told
    assert "*Outcome*, last 100 tickets: `handoff` from 1" in told
    assert "such a window finds a shift of" in told
    assert told.count("ticket ") >= 5
    assert f"1,000 tickets of {story.release}" in told
    [alert] = rows(ctx.database, OwnerAlert)
    examples = alert.detail["examples"]
    assert len(examples) == 5
    with ctx.database.read() as session:
        by_id = {one.ticket_id: one for one in first_turns.last(session, story.release, limit=1000)}
    assert {by_id[one].outcome for one in examples} == {"handoff"}
    story.serve(750)
    story.serve_and_check(200)
    assert len(texts(ctx.database)) == 2
    assert "behaves as it did before, in three checks in a row" in texts(ctx.database)[1]
    assert [story.events()[0], story.events()[-1]] == ["drift.found", "drift.ended"]
    assert outbox.deliver(ctx.database, ctx.slack) == 2
    said = [
        one["text"] for one in workspace.world.state.channels[rows(ctx.database, Message)[0].channel].messages.values()
    ]
    assert said == texts(ctx.database)


def test_a_check_waits_for_fifty_new_tickets(ctx: WorkerContext, story: Story) -> None:
    """And replaces the readings of the one before; a release that serves as before has no drift."""
    story.serve(1149)
    story.look()
    story.serve(49)
    story.look()
    with ctx.database.read() as session:
        first = drift_checks.latest(session, "access", story.release)
    assert {one.window for one in first} == {100, 300}
    assert {one.stream for one in first} == set(DriftStream)
    assert not any(one.drifted for one in first)
    story.serve(1)
    story.look()
    with ctx.database.read() as session:
        second = drift_checks.latest(session, "access", story.release)
    assert len(second) == len(first)
    assert second[0].at > first[0].at
    assert rows(ctx.database, OwnerAlert) == []


def test_a_check_finds_what_one_that_knows_nothing_would_find(ctx: WorkerContext, story: Story) -> None:
    """Release after release, however many checks were made before: readings, what moved, and examples."""
    story.past.release("access@before", at=story.past.at - timedelta(days=1))
    story.serve(600, release="access@before")
    for count, handoffs in ((250, 0.15), (400, 0.6), (500, 0.3), (50, 0.1), (950, 0.5)):
        story.serve(count, handoffs=handoffs)
        with ctx.database.read() as session:
            known, anew = (
                drift._compare(session, "access", story.release, turns) for turns in (ctx.known_turns, KnownTurns())
            )
        assert known.readings
        assert known == anew


def test_a_new_release_is_compared_with_the_one_before(ctx: WorkerContext, story: Story) -> None:
    """Until it has a past of its own; the drift of the one before is over as soon as it serves."""
    story.past.release("access@before", at=story.past.at - timedelta(days=1))
    story.serve(600, handoffs=0.15, release="access@before")
    story.serve_and_check(200, handoffs=0.6)
    [alert] = rows(ctx.database, OwnerAlert)
    assert (alert.subject, alert.closed_at) == (story.release, None)
    assert "600 tickets of access@before" in texts(ctx.database)[0]
    put(ctx.database, OwnerAlert, alert.id, subject="access@gone")
    story.serve_and_check(50, handoffs=0.15)
    gone, *_ = rows(ctx.database, OwnerAlert)
    assert gone.closed_at is not None
    assert any("access@gone no longer serves" in told for told in texts(ctx.database))


def test_a_private_example_has_no_link(ctx: WorkerContext, story: Story) -> None:
    """Of a direct message owners read that it was one, and its number."""
    story.serve(1000)
    story.serve(300, handoffs=0.6)
    with ctx.database.write() as session:
        session.execute(update(Ticket).values(private=True))
    story.look()
    [told] = texts(ctx.database)
    assert told.count("in a direct message") == 5
    assert "C0HELP" not in told


def two_clocks(story: Story, act: Callable[[WorkerContext], None]) -> None:
    """Let several clocks do the same at the same moment."""
    at_once(4, lambda _: act(story.ctx))


def test_of_clocks_that_check_at_once_one_stores_what_it_found(ctx: WorkerContext, story: Story) -> None:
    """One mark, one alert and one record of it; and one message to each owner, however many tell it."""
    story.serve(1000)
    story.serve(300, handoffs=0.6)
    two_clocks(story, drift.check)
    assert len(rows(ctx.database, OwnerAlert)) == 1
    assert story.events() == ["drift.found"]
    two_clocks(story, owner_alerts.tell)
    assert len(texts(ctx.database)) == len(ctx.agents["access"].card.owners)
    for _ in range(3):
        story.serve(50)
        two_clocks(story, drift.check)
    [alert] = rows(ctx.database, OwnerAlert)
    assert alert.detail["clean"] <= 3


def test_a_clock_that_dies_within_a_check_leaves_it_to_the_next(
    ctx: WorkerContext, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mark, readings and alert are stored together or not at all; what was found is told by the clock that comes."""
    story.serve(1000)
    story.serve(300, handoffs=0.6)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(drift, "_note", die)
        with pytest.raises(KeyboardInterrupt):
            drift.check(ctx)
    assert rows(ctx.database, Watermark) == []
    drift.check(ctx)
    with monkeypatch.context() as patch:
        patch.setattr(digests, "say", die)
        with pytest.raises(KeyboardInterrupt):
            owner_alerts.tell(ctx)
    assert texts(ctx.database) == []
    owner_alerts.tell(ctx)
    assert len(texts(ctx.database)) == 1
