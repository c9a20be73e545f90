"""Responders are told once that a release does not answer: `jobs.release_notices`."""

from dataclasses import replace
from datetime import timedelta

from bot.releases.pairs import Adopted
from bot.store.db import Database
from bot.store.installation import agents as principals
from bot.store.releases import waivers
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import AuditRow, Message, ReleaseNotice, now
from jobs import release_notices
from jobs.process import WorkerContext
from tests.support.factories import at_once, rows
from tests.support.release_rows import judged


def told(database: Database) -> list[str]:
    """Return what responders were told, in order."""
    return [row.body["text"] for row in rows(database, Message) if row.kind == "release"]


def another(ctx: WorkerContext) -> WorkerContext:
    """Return a second worker on the same database, which has read the same folders by itself."""
    return replace(ctx, known_pairs={}, runtimes={})


def pair(ctx: WorkerContext) -> ReleasePair:
    return ctx.pairs["access"]


def judge(ctx: WorkerContext, verdict: str, of: ReleasePair | None = None) -> int:
    """Let the suite say something of the release."""
    with ctx.database.write() as session:
        return judged(session, *(of or pair(ctx)), verdict=verdict)


def test_of_two_workers_one_tells(ctx: WorkerContext) -> None:
    """However often and at once they look; both messages go to the queue channel."""
    both = [ctx, another(ctx)]
    for _ in range(3):
        at_once(8, lambda number: release_notices.look(both[number % 2]))
    release = pair(ctx).release
    assert told(ctx.database) == [f"Release {release} has no verdict: every request goes to you until it is evaluated."]
    assert {(row.channel, row.state) for row in rows(ctx.database, Message)} == {("C0QUEUE", "stored")}
    judge(ctx, "block")
    at_once(8, lambda number: release_notices.look(both[number % 2]))
    assert len(told(ctx.database)) == 1
    judge(ctx, "pass")
    for _ in range(3):
        at_once(8, lambda number: release_notices.look(both[number % 2]))
    assert told(ctx.database)[1:] == [f"Release {release} answers requests now: it has passed its evaluation."]
    assert [row.over_at is None for row in rows(ctx.database, ReleaseNotice)] == [False]


def test_a_worker_tells_when_it_begins_to_serve(ctx: WorkerContext) -> None:
    """The first turn need not come, and no clock; what serves is told of to nobody."""
    ctx.runtime("access")
    assert len(told(ctx.database)) == 1
    second = another(ctx)
    second.runtime("access")
    second.runtime("access")
    assert len(told(ctx.database)) == 1


def test_what_serves_from_the_beginning_is_told_to_nobody(ctx: WorkerContext) -> None:
    """Nor is an agent that does not work anyway."""
    judge(ctx, "pass")
    release_notices.look(ctx)
    assert told(ctx.database) == []
    with ctx.database.write() as session:
        principals.suspend(session, "access", cause="a test", by="operator")
    release_notices.look_at(ctx, replace(ctx.pairs.adopted("access"), pair=ReleasePair("access@1", "s")))
    assert told(ctx.database) == []


def test_a_worker_that_has_not_read_the_new_folder_yet_does_not_say_that_it_serves(ctx: WorkerContext) -> None:
    """Only what is adopted after the notice ends it: the previous release, put back by a rollback, does."""
    judge(ctx, "pass")
    old = ctx.pairs.adopted("access")
    with ctx.database.write() as session:
        judged(session, "access@new", "s", "block")
    release_notices.look_at(ctx, Adopted(old.agent, ReleasePair("access@new", "s"), now()))
    assert len(told(ctx.database)) == 1
    release_notices.look_at(ctx, old)
    assert len(told(ctx.database)) == 1
    back = replace(old, since=now())
    release_notices.look_at(ctx, back)
    release_notices.look_at(ctx, back)
    assert told(ctx.database)[1:] == [f"Release {old.pair.release} answers requests now: it has passed its evaluation."]


def test_the_end_of_a_waiver_is_told_and_noted_once(ctx: WorkerContext) -> None:
    """It ends by itself: at its moment the release serves nobody, and the clock tells it and writes it down."""
    run = judge(ctx, "inconclusive")
    release_notices.look(ctx)
    assert "has an evaluation that decided nothing" in told(ctx.database)[0]
    with ctx.database.write() as session:
        ends = now() + timedelta(hours=1)
        waiver = waivers.sign(session, pair(ctx), run_id=run, owner="U0OLIVIA", reason="a test", ends_at=ends)
    release_notices.look(ctx)
    assert "by a waiver, U0OLIVIA answers for it until" in told(ctx.database)[1]
    with ctx.database.write() as session:
        session.merge(waiver).ends_at = now() - timedelta(seconds=1)
    for _ in range(2):
        release_notices.look(ctx)
    assert told(ctx.database)[2:] == [
        f"The waiver of release {pair(ctx).release} has ended: every request goes to you until a release passes."
    ]
    assert [row.event for row in rows(ctx.database, AuditRow)].count("waiver.expired") == 1
