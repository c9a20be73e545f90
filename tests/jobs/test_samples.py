"""Which turns a clock keeps, that each is scored once, and what owners are told: `jobs.samples`."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.agent.release import release_of
from bot.sampling import draw, quality
from bot.sampling.quality import SampledQuality
from bot.store.figures import owner_alerts as alerts_of_owners
from bot.store.figures import vital_signs
from bot.store.releases import sample_judgements
from bot.store.releases import samples as stored
from bot.store.schema import AlertKind, AuditRow, Message, OwnerAlert, Sample, SampledWeek, Step, now
from bot.store.tickets import feedback
from jobs import owner_alerts, samples, watch
from jobs.process import WorkerContext
from tests.support.factories import Clock, at_once, put, rows
from tests.support.past_tickets import LOOKED_UP, UNLOCKED, PastTickets
from tests.support.release_rows import add_play, end_run, keep_release, open_run
from tests.support.sampled_turns import add_answered, answer, kept_for, look_later, smallest

RELEASE = "access@1"


def read(ctx: WorkerContext, release: str = RELEASE) -> SampledQuality:
    """Return what the samples say now."""
    with ctx.database.read() as session:
        return quality.read(session, "access", release)


@pytest.mark.both_databases
def test_the_sample_is_the_one_that_the_rule_gives(
    ctx: WorkerContext, past: PastTickets, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All handoffs, errors, loops, refused calls and unhelpful answers; of the rest those with the smallest numbers."""
    monkeypatch.setattr(samples, "BATCH", 20)
    usual = add_answered(past, RELEASE, 90)
    wanted = {
        past.add(RELEASE, outcome="handoff", reason="requested"): "handoff",
        past.add(RELEASE, outcome="handoff", reason="error"): "error",
        past.add(RELEASE, tools=(LOOKED_UP,), failures=1, attempt=2): "error",
        past.add(RELEASE, tools=(LOOKED_UP,), ends_with=LOOKED_UP): "loop",
    }
    refused, disliked = past.add(RELEASE, tools=(LOOKED_UP,)), past.add(RELEASE, tools=(LOOKED_UP,))
    left_out = [past.add(RELEASE, outcome="handoff", reason="not_released"), past.add(None, outcome="withdrawn")]
    past.write()
    [step] = [one.id for one in rows(ctx.database, Step) if one.turn_id == refused and one.kind == "tool"]
    put(ctx.database, Step, step, status="refused")
    with ctx.database.write() as session:
        feedback.store_thumb(session, disliked, user="U0MAYA", good=False)
    wanted |= {refused: "refused_call", disliked: "thumb_down"}
    for _ in range(6):
        look_later(ctx, past, clock)
    kept = kept_for(ctx.database)
    assert {turn: why for turn, why in kept.items() if why != "drawn"} == wanted
    drawn = [turn for turn, why in kept.items() if why == "drawn"]
    assert smallest(drawn, draw.AT_LEAST) == smallest(usual, draw.AT_LEAST)
    assert not kept.keys() & set(left_out)
    [week] = rows(ctx.database, SampledWeek)
    assert (week.week, week.turns) == ("2026-11-23", 96)
    seen = read(ctx)
    assert (seen.turns, seen.certain.kept, seen.drawn.kept, seen.all.scored) == (96, 6, 30, 36)


@pytest.mark.both_databases
def test_two_clocks_keep_and_score_each_turn_once(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """However often both look at the same time: one row a turn, each turn counted once, each alert opened once."""
    add_answered(past, RELEASE, 40)
    leaking = past.add(RELEASE, tools=(LOOKED_UP,), failures=1)
    past.write()
    answer(ctx.database, [leaking], body={"text": "The code is 481 516."})
    clock.at = past.at + timedelta(minutes=1)
    for _ in range(3):
        at_once(3, lambda _number: samples.look(ctx))
    assert [week.turns for week in rows(ctx.database, SampledWeek)] == [41]
    found = rows(ctx.database, Sample)
    assert len({one.turn_id for one in found}) == len(found) >= 31
    assert all(one.scored_at is not None for one in found)
    assert [one.turn_id for one in found if not one.passed] == [leaking]
    assert [row.event for row in rows(ctx.database, AuditRow)] == ["alert.opened"]


@pytest.mark.both_databases
def test_of_many_who_score_or_judge_a_sample_one_does(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """The others learn that somebody else has, and store nothing."""
    past.add(RELEASE, outcome="handoff", reason="requested")
    past.write()
    clock.at = past.at + timedelta(seconds=15)
    samples.look(ctx)
    [sample] = rows(ctx.database, Sample)
    assert sample.scored_at is None

    def score(number: int) -> bool:
        with ctx.database.write() as session:
            return stored.score(session, [sample.id], [("no_loop", f"by {number}")], to_judge=True) == {sample.id}

    def take(_number: int) -> int | None:
        with ctx.database.write() as session:
            return sample_judgements.take_to_judge(session, sample.id)

    scored = at_once(6, score)
    assert sorted(scored) == [False] * 5 + [True]
    assert rows(ctx.database, Sample)[0].failures == [["no_loop", f"by {scored.index(True)}"]]
    assert sorted(at_once(6, take), key=str) == [1, *[None] * 5]
    clock.passes(minutes=16)
    assert take(0) == 2


@pytest.mark.both_databases
def test_an_answer_that_did_not_help_is_kept_whenever_that_is_said(
    ctx: WorkerContext, past: PastTickets, clock: Clock
) -> None:
    """One that was not drawn is kept; those that were drawn no longer are, and the next ones are, one for each."""
    usual = add_answered(past, RELEASE, 60)
    look_later(ctx, past, clock)
    before = kept_for(ctx.database)
    disliked = [*smallest(usual, 20), next(turn for turn in usual if turn not in before)]
    with ctx.database.write() as session:
        for turn in disliked:
            feedback.store_words(session, turn, user="U0MAYA", words="It is still locked.")
    samples.look(ctx)
    kept = kept_for(ctx.database)
    assert {turn for turn, why in kept.items() if why == "thumb_down"} == set(disliked)
    now_drawn = {turn for turn, why in kept.items() if why == "drawn"}
    assert smallest(now_drawn, 30) == smallest(set(usual) - set(disliked), 30)
    assert now_drawn - before.keys()
    samples.look(ctx)
    assert kept_for(ctx.database) == kept
    seen = read(ctx)
    assert (seen.turns, seen.certain.kept, seen.drawn.kept) == (60, 21, 30)


def test_what_was_before_the_first_look_is_not_sampled(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a thumb for it; what ends afterwards is."""
    past = PastTickets(ctx.database)
    [before] = add_answered(past, RELEASE, 1)
    clock = Clock(past.at + timedelta(hours=1)).rule(monkeypatch)
    samples.look(ctx)
    with ctx.database.write() as session:
        feedback.store_thumb(session, before, user="U0MAYA", good=False)
    past.at = clock.at
    [after] = add_answered(past, RELEASE, 1)
    look_later(ctx, past, clock)
    assert kept_for(ctx.database) == {after: "drawn"}


def test_an_answer_on_its_way_is_waited_for(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """For an hour; then it has not arrived, and that is found."""
    turn = past.add(RELEASE, tools=(LOOKED_UP,))
    past.write()
    answer(ctx.database, [turn], state="stored", posted_at=None, ts=None)
    look_later(ctx, past, clock)
    assert [one.scored_at for one in rows(ctx.database, Sample)] == [None]
    clock.passes(hours=1)
    samples.look(ctx)
    [found] = rows(ctx.database, Sample)
    assert found.failures == [["one_answer", "Its answer did not reach Slack."]]


def test_owners_are_told_at_once_of_a_secret_and_of_a_write_without_a_right(
    ctx: WorkerContext, past: PastTickets, clock: Clock
) -> None:
    """Each once, with the ticket, however many alerts that day has seen; and once when a day has passed without it."""
    with ctx.database.write() as session:
        for number in range(owner_alerts.MOST):
            alerts_of_owners.open_(session, "access", AlertKind.LOOP, f"x{number}", {"how": "it did", "ticket": 1})
    owner_alerts.tell(ctx)
    before = len(rows(ctx.database, Message))
    for _ in range(2):
        turn = past.add(RELEASE, tools=(LOOKED_UP, UNLOCKED), failures=1)
        past.write()
        answer(ctx.database, [turn], body={"text": "Your password is Sommer-2026!"})
        look_later(ctx, past, clock)
        owner_alerts.tell(ctx)
    told = [str(one.body["text"]) for one in rows(ctx.database, Message) if one.kind == "owner_alert"][before:]
    assert len(told) == 2
    assert "`no_secret_said` did not hold in a turn of access" in told[0]
    assert "`right_to_write` did not hold" in told[1]
    assert "unlock_my_account changed an account and no decision allowed it. It was found in ticket 1" in told[1]
    assert "Sommer" not in "".join(told)
    clock.passes(hours=25)
    samples.look(ctx)
    kinds = {(one.kind, one.closed_at is not None) for one in rows(ctx.database, OwnerAlert) if one.agent == "access"}
    assert (AlertKind.SAMPLE_FAILED, True) in kinds
    assert (AlertKind.SAMPLE_FAILED, False) not in kinds


def test_owners_are_told_once_when_turns_go_worse_than_the_baseline(
    ctx: WorkerContext, past: PastTickets, clock: Clock
) -> None:
    """The whole interval lies below; a share that is a little low is no alert, and the end is told once."""
    release = str(release_of(ctx.settings, ctx.agents["access"]))
    keep_release(ctx.database, release)
    run = open_run(ctx.database, release)
    for number in range(60):
        add_play(ctx.database, run, f"case-{number}")
    end_run(ctx.database, run)
    add_answered(past, release, 28)
    lost = [past.add(release, tools=(LOOKED_UP,)) for _ in range(2)]
    past.write()
    look_later(ctx, past, clock)
    samples.compare(ctx)
    seen = read(ctx, release)
    assert seen.baseline is not None
    assert seen.good is not None
    assert (seen.all.scored, seen.all.passed, seen.below_baseline) == (30, 28, False)
    assert rows(ctx.database, OwnerAlert) == []
    lost += [past.add(release, tools=(LOOKED_UP,), failures=1) for _ in range(25)]
    past.write()
    look_later(ctx, past, clock)
    for _ in range(2):
        samples.compare(ctx)
        owner_alerts.tell(ctx)
    [alert] = rows(ctx.database, OwnerAlert)
    assert (alert.kind, alert.subject, alert.detail["scored"]) == (AlertKind.SAMPLED_QUALITY, release, 55)
    [told] = [str(one.body["text"]) for one in rows(ctx.database, Message) if one.kind == "owner_alert"]
    assert "go worse than the plays of the baseline" in told
    clock.passes(weeks=5)
    samples.compare(ctx)
    owner_alerts.tell(ctx)
    assert [one.closed_at is not None for one in rows(ctx.database, OwnerAlert)] == [True]
    assert len([one for one in rows(ctx.database, Message) if one.kind == "owner_alert"]) == 2


def test_a_sampler_that_is_silent_for_a_day_is_told_once(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """Only if there was something to sample or to score; and its end is told."""

    def silent() -> list[bool]:
        watch.look_at_parts(ctx, alive=watch.CLOCK)
        return [one.closed_at is not None for one in rows(ctx.database, OwnerAlert) if one.subject == "sample"]

    clock.passes(days=3)
    assert silent() == []
    past.at = clock.at
    add_answered(past, RELEASE, 1)
    clock.passes(hours=23)
    assert silent() == []
    clock.passes(hours=2)
    assert silent() == silent() == [False]
    samples.look(ctx)
    assert silent() == [True]
    with ctx.database.read() as session:
        assert {one.sign.name: one.last for one in vital_signs.read(session)}["sample"] is None
    assert now() > datetime(2026, 11, 25, tzinfo=UTC)
