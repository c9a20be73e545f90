"""What needs no statistics: loops, other models, old evaluations, silence; and how owners are told: `jobs.watch`."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.agent.release import release_of
from bot.audit_chain import canonical, proofs
from bot.audit_chain.proofs import Checkpoint
from bot.store.figures import vital_signs
from bot.store.installation import heartbeats
from bot.store.releases import releases
from bot.store.schema import AlertKind, AuditRow, Message, OwnerAlert, Turn, TurnState
from jobs import owner_alerts, watch
from jobs.process import WorkerContext
from tests.support.factories import Clock, at_once, new_turn, put, rows
from tests.support.past_tickets import LOOKED_UP, UNLOCKED, PastTickets
from tests.support.release_rows import judged, verdict_of

SIGNED_IN = "recent_sign_ins"


@pytest.fixture
def past(ctx: WorkerContext) -> PastTickets:
    """Return tickets that are written down as they are added."""
    return PastTickets(ctx.database)


@pytest.fixture
def clock(ctx: WorkerContext, past: PastTickets, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let it be Monday morning, with a clock that has looked at all that was before."""
    clock = Clock(past.at).rule(monkeypatch)
    watch.look_at_turns(ctx)
    return clock


def look(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """Write down what was added, and let the clock look at it and tell."""
    past.write()
    clock.at = max(clock.at, past.at + timedelta(minutes=1))
    watch.look_at_turns(ctx)
    owner_alerts.tell(ctx)


def alerts(ctx: WorkerContext, kind: AlertKind) -> list[tuple[str, bool]]:
    """Return the alerts of a kind: what each is about, and whether it is over."""
    return [(one.subject, one.closed_at is not None) for one in rows(ctx.database, OwnerAlert) if one.kind is kind]


def told(ctx: WorkerContext) -> list[str]:
    """Return what owners were told, in order."""
    return [str(one.body["text"]) for one in rows(ctx.database, Message)]


@pytest.mark.parametrize(
    ("turn", "subject"),
    [
        ({"tools": (LOOKED_UP,), "ends_with": LOOKED_UP}, "same:look_up_my_account"),
        ({"tools": (f"{SIGNED_IN} a", f"{SIGNED_IN} b", f"{SIGNED_IN} a")}, "same:recent_sign_ins"),
        (
            {"tools": (f"{LOOKED_UP} 1", f"{SIGNED_IN} 1", f"{LOOKED_UP} 2", f"{SIGNED_IN} 2")},
            "alternating:look_up_my_account recent_sign_ins",
        ),
        ({"failures": 3, "attempt": 4}, "attempts"),
        ({"tools": (LOOKED_UP, UNLOCKED, LOOKED_UP)}, None),
        ({"tools": (f"{SIGNED_IN} a", f"{SIGNED_IN} b", f"{SIGNED_IN} c")}, None),
        ({"failures": 2, "attempt": 3}, None),
    ],
)
def test_a_turn_that_repeats_itself_is_told(
    ctx: WorkerContext, past: PastTickets, clock: Clock, turn: dict[str, object], subject: str | None
) -> None:
    """The same call twice, two tools in turn, or attempt after attempt; looking again after a change is no loop."""
    past.add("access@1", **turn)  # type: ignore[arg-type]
    look(ctx, past, clock)
    assert alerts(ctx, AlertKind.LOOP) == ([] if subject is None else [(subject, False)])
    assert len(told(ctx)) == (0 if subject is None else 1)


def test_a_loop_is_told_once_until_it_is_gone_for_a_day(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """However often it comes; its end is told once, and what was before the first look never."""
    for _ in range(3):
        past.add("access@1", tools=(LOOKED_UP,), ends_with=LOOKED_UP)
        look(ctx, past, clock)
    assert len(told(ctx)) == 1
    assert "access repeated itself: it called look_up_my_account twice in a turn" in told(ctx)[0]
    assert "For example in ticket 1 in <#C0HELP>" in told(ctx)[0]
    clock.passes(hours=23)
    look(ctx, past, clock)
    assert alerts(ctx, AlertKind.LOOP) == [("same:look_up_my_account", False)]
    clock.passes(hours=2)
    look(ctx, past, clock)
    look(ctx, past, clock)
    assert alerts(ctx, AlertKind.LOOP) == [("same:look_up_my_account", True)]
    assert len(told(ctx)) == 2
    assert [one.event for one in rows(ctx.database, AuditRow)] == ["alert.opened", "alert.closed"]


def test_the_heir_of_an_agent_that_is_gone_is_told(
    ctx: WorkerContext, past: PastTickets, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tickets are the heir's now; without an heir nobody answers for them, and nothing is opened."""
    [access] = ctx.agents.values()
    heir = replace(access, card=access.card.model_copy(update={"inherits": ("gone",)}))
    monkeypatch.setitem(cast("dict[str, Any]", ctx.agents), "access", heir)
    for agent in ("nobodys", "gone"):
        past.agent = agent
        past.add("gone@1", tools=(LOOKED_UP,), ends_with=LOOKED_UP)
    look(ctx, past, clock)
    assert [(one.agent, one.detail["ticket"]) for one in rows(ctx.database, OwnerAlert)] == [("access", 2)]
    assert len(told(ctx)) == 1


def test_what_is_past_at_the_first_look_is_not_told(
    ctx: WorkerContext, past: PastTickets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new clock begins with the turns that end from now on."""
    clock = Clock(past.at + timedelta(hours=1)).rule(monkeypatch)
    past.add("access@1", tools=(LOOKED_UP,), ends_with=LOOKED_UP)
    look(ctx, past, clock)
    look(ctx, past, clock)
    assert rows(ctx.database, OwnerAlert) == []


@pytest.mark.parametrize(
    ("answers", "about"),
    [
        (("stand-in-1", "stand-in-1"), []),
        (("stand-in-1-20260901", "stand-in-1-20260901"), []),
        (("stand-in-1", "stand-in-2"), ["stand-in-2"]),
        (("stand-in-1-20260901", "stand-in-1-20261101"), ["stand-in-1-20261101"]),
    ],
)
def test_another_model_is_told(
    ctx: WorkerContext, past: PastTickets, clock: Clock, answers: tuple[str, str], about: list[str]
) -> None:
    """A response that names another model than the pinned one, or than the dated one that it meant at first."""
    for answered in answers:
        past.add("access@1", answered_by=answered)
    look(ctx, past, clock)
    assert alerts(ctx, AlertKind.MODEL_CHANGED) == [(one, False) for one in about]
    assert len(told(ctx)) == len(about)


def test_the_right_model_again_is_told(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """Once, as soon as turns have ended in which no other one answered."""
    past.add("access@1")
    past.add("access@1", answered_by="other-model")
    look(ctx, past, clock)
    past.add("access@1")
    look(ctx, past, clock)
    look(ctx, past, clock)
    assert alerts(ctx, AlertKind.MODEL_CHANGED) == [("other-model", True)]
    assert ["`stand-in-1` was asked and `other-model` answered" in told(ctx)[0], len(told(ctx))] == [True, 2]


def put_verdict(ctx: WorkerContext, release: str) -> None:
    """Let a release pass its evaluation now."""
    with ctx.database.write() as session:
        judged(session, release, ctx.agents["access"].suite)


def test_an_old_verdict_is_told_and_so_is_a_missing_one(ctx: WorkerContext, clock: Clock) -> None:
    """After the days of the card, or an hour after the release was first seen; a new evaluation ends it."""
    release = str(release_of(ctx.settings, ctx.agents["access"]))
    with ctx.database.write() as session:
        releases.register(session, agent="access", fingerprint=release, body={})
    watch.look_around(ctx)
    assert alerts(ctx, AlertKind.EVALUATION_STALE) == []
    clock.passes(hours=2)
    watch.look_around(ctx)
    owner_alerts.tell(ctx)
    assert alerts(ctx, AlertKind.EVALUATION_STALE) == [(release, False)]
    assert f"{release} has no verdict" in told(ctx)[0]
    put_verdict(ctx, release)
    watch.look_around(ctx)
    assert alerts(ctx, AlertKind.EVALUATION_STALE) == [(release, True)]
    clock.passes(days=29)
    watch.look_around(ctx)
    assert len(alerts(ctx, AlertKind.EVALUATION_STALE)) == 1
    clock.passes(days=1)
    watch.look_around(ctx)
    owner_alerts.tell(ctx)
    assert alerts(ctx, AlertKind.EVALUATION_STALE) == [(release, True), (release, False)]
    assert [one for one in told(ctx) if "was evaluated 30 days ago" in one] != []
    assert verdict_of(ctx.database, release, ctx.agents["access"].suite) == "pass"


def weeks_of_traffic(past: PastTickets, weeks: int = 5) -> None:
    """Write down 20 requests of each working day, from nine to five."""
    begin = past.at - timedelta(weeks=weeks)
    for day in range(7 * weeks):
        at = begin + timedelta(days=day)
        for number in range(20 if at.weekday() < 5 else 0):
            past.at = at + timedelta(minutes=24 * number)
            past.add("access@1")
    past.write()


def test_silence_in_working_hours_is_told_and_a_weekend_is_none(
    ctx: WorkerContext, past: PastTickets, clock: Clock
) -> None:
    """Half a working day without a request is no accident; a weekend, and a Monday's first hours, are as they were."""
    monday = past.at
    weeks_of_traffic(past)
    for hours in range(-64, 4):
        clock.at = monday + timedelta(hours=hours)
        watch.look_around(ctx)
    assert alerts(ctx, AlertKind.NO_TRAFFIC) == []
    clock.at = monday + timedelta(hours=5)
    watch.look_around(ctx)
    owner_alerts.tell(ctx)
    assert alerts(ctx, AlertKind.NO_TRAFFIC) == [("requests", False)]
    assert "Nobody has asked access anything for" in told(ctx)[0]
    for days in range(1, 20):
        clock.at = monday + timedelta(days=days)
        watch.look_around(ctx)
    assert alerts(ctx, AlertKind.NO_TRAFFIC) == [("requests", False)]
    past.at = clock.at
    past.add("access@1")
    past.write()
    clock.passes(minutes=5)
    watch.look_around(ctx)
    owner_alerts.tell(ctx)
    assert alerts(ctx, AlertKind.NO_TRAFFIC) == [("requests", True)]
    assert told(ctx)[1:] == [told(ctx)[1]]


def test_a_part_that_is_silent_is_told_once(ctx: WorkerContext, clock: Clock) -> None:
    """A turn that waits while none ends, told to the owners of every agent; and its end."""
    turn = new_turn(ctx.database)
    put(ctx.database, Turn, turn, created_at=clock.at, queued_at=clock.at)
    with ctx.database.write() as session:
        heartbeats.give(session, "clock", who="host:1")
    for minutes in (9, 2, 1):
        clock.passes(minutes=minutes)
        watch.look_around(ctx)
        owner_alerts.tell(ctx)
    assert alerts(ctx, AlertKind.SILENT) == [("turn", False)]
    assert len(told(ctx)) == 1
    with ctx.database.read() as session:
        signs = {one.sign.name: one.silent for one in vital_signs.read(session)}
    assert (signs["clock"], signs["turn"]) == (True, True)
    put(ctx.database, Turn, turn, state=TurnState.DONE, finished_at=clock.at)
    watch.look_around(ctx)
    owner_alerts.tell(ctx)
    assert alerts(ctx, AlertKind.SILENT) == [("turn", True)]
    assert len(told(ctx)) == 2


def test_a_day_has_only_so_many_alerts(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """The others wait for the next day, unless they are over by then."""
    for number in range(8):
        past.add("access@1", answered_by=f"other-{number}")
    look(ctx, past, clock)
    look(ctx, past, clock)
    assert len(told(ctx)) == owner_alerts.MOST
    clock.passes(days=1)
    owner_alerts.tell(ctx)
    assert len(told(ctx)) == 8
    past.at = clock.at
    past.add("access@1")
    look(ctx, past, clock)
    assert len(told(ctx)) == 16


def test_what_is_over_before_it_was_told_is_never_told(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """Nobody reads of the end of what they never read of."""
    past.add("access@1", answered_by="other")
    past.write()
    clock.at = past.at + timedelta(minutes=1)
    watch.look_at_turns(ctx)
    past.add("access@1")
    look(ctx, past, clock)
    assert alerts(ctx, AlertKind.MODEL_CHANGED) == [("other", True)]
    assert told(ctx) == []


@pytest.mark.both_databases
def test_of_clocks_that_look_at_once_one_opens_an_alert(ctx: WorkerContext, past: PastTickets, clock: Clock) -> None:
    """One row, one record and one message for each cause, and the same at its end."""
    past.add("access@1", tools=(LOOKED_UP,), ends_with=LOOKED_UP)
    past.add("access@1", answered_by="other")
    past.write()
    clock.at = past.at + timedelta(minutes=1)
    at_once(4, lambda _: watch.look_at_turns(ctx))
    at_once(4, lambda _: owner_alerts.tell(ctx))
    assert [one.event for one in rows(ctx.database, AuditRow)] == ["alert.opened"] * 2
    assert len(told(ctx)) == 2
    clock.passes(days=30)
    at_once(4, lambda _: watch.look_at_turns(ctx))
    at_once(4, lambda _: owner_alerts.tell(ctx))
    assert len(told(ctx)) == 3


def test_of_clocks_that_look_around_at_once_one_opens_an_alert(ctx: WorkerContext, clock: Clock) -> None:
    """What is no turn has no mark that one clock moves; the guard is that a kind and subject has one open alert."""
    release = str(release_of(ctx.settings, ctx.agents["access"]))
    with ctx.database.write() as session:
        releases.register(session, agent="access", fingerprint=release, body={})
    clock.passes(hours=2)
    for _ in range(3):
        at_once(6, lambda _: watch.look_around(ctx))
        put_verdict(ctx, release)
        at_once(6, lambda _: watch.look_around(ctx))
        clock.passes(days=40)
    assert [one.event for one in rows(ctx.database, AuditRow) if one.event.startswith("alert.")] == [
        *("alert.opened", "alert.closed") * 3
    ]


def test_checkpoints_that_stop_are_told_once(ctx: WorkerContext, tmp_path: Path, clock: Clock) -> None:
    """By the time in the signer's file, which the clock reads; without a file nobody is expected to sign."""
    watch.note_checkpoint(ctx)
    file = tmp_path / "checkpoints"
    signing = replace(ctx, settings=ctx.settings.model_copy(update={"audit_checkpoints": file}))
    watch.look_around(signing)
    assert alerts(ctx, AlertKind.SILENT) == []
    key = proofs.derived(bytes(32))
    file.write_text(proofs.sign(Checkpoint(1, bytes(32), canonical.time_of(clock.at), "chain"), key) + "\n")
    for minutes in (80, 20, 5):
        with ctx.database.write() as session:
            heartbeats.give(session, "clock", who="host:1")
        watch.look_around(signing)
        clock.passes(minutes=minutes)
    assert alerts(ctx, AlertKind.SILENT) == [("checkpoint", False)]
    owner_alerts.tell(ctx)
    assert "No checkpoint of the audit log has been signed" in told(ctx)[0]
    file.write_text(proofs.sign(Checkpoint(2, bytes(32), canonical.time_of(clock.at), "chain"), key) + "\n")
    watch.look_around(signing)
    assert ("checkpoint", True) in alerts(ctx, AlertKind.SILENT)
