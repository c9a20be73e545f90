"""Many turns are kept and scored together, as each would be by itself: `jobs.samples`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from bot.errors import Transient
from bot.sampling import draw
from bot.store.db import Database, Session
from bot.store.figures import turn_evidence
from bot.store.figures.turn_evidence import TurnEvidence
from bot.store.releases import samples as stored
from bot.store.schema import Message, Sample, SampledFor, Turn
from jobs import samples
from jobs.process import WorkerContext
from tests.support.asked_statements import asked_of
from tests.support.factories import Clock, put, rows
from tests.support.past_tickets import LOOKED_UP, UNLOCKED, PastTickets
from tests.support.sampled_turns import add_answered, kept_for, look_later, smallest

RELEASE = "access@1"


def test_many_turns_take_no_more_statements_than_a_few(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """Three and thirty: answers, turns whose answer is lost and handoffs; each is kept and scored."""
    asked = []
    for count in (1, 10):
        add_answered(past, RELEASE, count)
        for _ in range(count):
            past.add(RELEASE, tools=(LOOKED_UP,))
            past.add(RELEASE, tools=(LOOKED_UP,), outcome="handoff", reason="requested")
        past.write()
        with asked_of(ctx.database) as of_this_look:
            look_later(ctx, past, clock)
        asked.append(of_this_look)
    found = rows(ctx.database, Sample)
    assert len(found) == 33
    assert Counter(one.passed for one in found) == {True: 11, False: 22}
    assert len(asked[1]) <= len(asked[0]), (Counter(asked[1]) - Counter(asked[0])).most_common()


def test_a_look_when_nothing_has_ended_asks_little(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """Seven statements: how far turns are read, and whether there is a turn, a thumb, a sample or an alert."""
    look_later(ctx, past, clock)
    with asked_of(ctx.database) as asked:
        samples.look(ctx)
    assert len(asked) <= 7, Counter(asked).most_common()


@pytest.mark.both_databases
def test_a_look_at_many_draws_whom_looks_at_each_would(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """A turn is drawn if it would be were its week to end with it; what is drawn counts for those after it."""
    usual = add_answered(past, RELEASE, 150)
    wanted = list[int]()
    for turn in usual:
        smaller = sum(draw.number(one) < draw.number(turn) for one in wanted)
        if draw.may_be_drawn(draw.number(turn), smaller=smaller):
            wanted.append(turn)
    assert draw.AT_LEAST < len(wanted) < 100
    look_later(ctx, past, clock)
    assert sorted(kept_for(ctx.database)) == wanted


@pytest.mark.both_databases
def test_what_is_kept_already_takes_no_other_turns_place(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """A turn with a small number that a thumb down has kept is not drawn, and the thirty others are."""
    turns = add_answered(past, RELEASE, draw.AT_LEAST + 1)
    [first] = smallest(turns[:-1], 1)
    put(ctx.database, Turn, max(turns, key=draw.number), finished_at=past.at + timedelta(seconds=1))
    key = stored.WeekKey("access", RELEASE, draw.week_of(past.at))
    with ctx.database.write() as session:
        stored.keep(session, [stored.NewSample(key, first, first, past.at, SampledFor.THUMB_DOWN, draw.number(first))])
    look_later(ctx, past, clock)
    kept = dict(kept_for(ctx.database))
    assert kept.pop(first) == "thumb_down"
    assert kept == dict.fromkeys(set(turns) - {first}, "drawn")


@pytest.mark.both_databases
def test_a_turn_that_cannot_be_scored_stops_no_other(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """One whose rows are broken, and one that has no outcome any longer: each is told, and tried again."""
    past.every = timedelta()
    turns = add_answered(past, RELEASE, 12)
    clock.at = past.at + timedelta(seconds=15)
    samples.look(ctx)
    assert {one.scored_at for one in rows(ctx.database, Sample)} == {None}
    broken, lost = turns[2], turns[7]
    with ctx.database.write() as session:
        session.execute(update(Message).where(Message.turn_id == broken).values(ts="never"))
        session.execute(update(Turn).where(Turn.id == lost).values(outcome=None))
    for _ in range(2):
        with capture_logs() as said:
            look_later(ctx, past, clock)
        assert {one["event"]: one["turn"] for one in said} == {"sample.not_scored": broken, "sample.not_read": lost}
        scored = {one.turn_id for one in rows(ctx.database, Sample) if one.scored_at is not None}
        assert scored == set(turns) - {broken, lost}


def test_a_database_that_is_away_is_no_fault_of_a_turn(
    ctx: WorkerContext, past: PastTickets, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look ends, and the clock says that it is delayed; nothing is said of the turns."""
    add_answered(past, RELEASE, 2)

    def away(_session: Session, turn_ids: Sequence[int]) -> Mapping[int, TurnEvidence]:
        raise Transient(f"database: away for {len(turn_ids)}")

    monkeypatch.setattr(turn_evidence, "of", away)
    with capture_logs() as said, pytest.raises(Transient, match="away for 2"):
        look_later(ctx, past, clock)
    assert said == []


def test_of_two_clocks_one_tells_what_it_has_found(
    ctx: WorkerContext, past: PastTickets, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that has scored the sample; the other, which has read the same rows, alerts nobody and logs nothing."""
    past.add(RELEASE, tools=(UNLOCKED,))
    past.write()
    read, looks = turn_evidence.of, [samples.look]

    def outrun(session: Session, turn_ids: Sequence[int]) -> Mapping[int, TurnEvidence]:
        found = read(session, turn_ids)
        while looks:
            looks.pop()(ctx)
        return found

    monkeypatch.setattr(turn_evidence, "of", outrun)
    with capture_logs() as said:
        look_later(ctx, past, clock)
    assert sorted(one["event"] for one in said) == ["alert.opened", "sample.failed"]


def test_of_two_clocks_neither_waits_for_the_samples_of_the_other(ctx: WorkerContext, past: PastTickets) -> None:
    """One scores what the other is not scoring, in whatever order they come; so they never wait for each other."""
    at, key = past.at, stored.WeekKey("access", RELEASE, draw.week_of(past.at))
    turns = add_answered(past, RELEASE, 3)
    with ctx.database.write() as session:
        stored.keep(
            session, [stored.NewSample(key, turn, turn, at, SampledFor.DRAWN, draw.number(turn)) for turn in turns]
        )
    first, second, third = (one.id for one in rows(ctx.database, Sample))
    assert _scores(ctx.database, [], []) == (set(), set())
    assert _scores(ctx.database, [second, first], [first, third, second]) == ({first, second}, {third})
    assert _scores(ctx.database, [first], [third]) == (set(), set())


def _scores(database: Database, some: list[int], others: list[int]) -> tuple[set[int], set[int]]:
    """Let two clocks score samples at the same time; return what each has scored."""
    with database.write() as one, database.write() as other:
        other.execute(text("SET LOCAL lock_timeout = '10s'"))
        return set(stored.score(one, some, [], to_judge=False)), set(stored.score(other, others, [], to_judge=False))
