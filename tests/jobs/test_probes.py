"""The clock has the probes of a release played twice a day, once each time, and tells what they show: `jobs.probes`."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import Barrier, Thread
from typing import Any, cast

import pytest

from bot.evals import cases, plays, runs
from bot.evals.cases import Case, Suite
from bot.evals.plays import Play, PlayedCase
from bot.principals import AgentStatus
from bot.store.releases import eval_runs
from bot.store.schema import AlertKind, AuditRow, EvalRun, Message, OwnerAlert, RunKind, RunState, VerdictRow
from jobs import evals, owner_alerts, probes
from jobs.process import WorkerContext
from tests.support.factories import Clock, rows
from tests.support.release_rows import judged

OWNER, QUEUE = "U0OLIVIA", "C0QUEUE"


@pytest.fixture
def clock(ctx: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let it be Monday morning, at the moment at which the release has passed its evaluation."""
    clock = Clock().rule(monkeypatch)
    suite = cases.load(ctx.agents["access"])
    monkeypatch.setattr(cases, "load", lambda _agent: suite)  # reading 225 cases takes longer than all the rest
    evaluated(ctx)
    return clock


def suite_of(ctx: WorkerContext) -> Suite:
    """Return the suite that is served."""
    return cases.load(ctx.agents["access"])


def evaluated(ctx: WorkerContext, verdict: str = "pass") -> None:
    """Let the release that is served have a verdict; every probe case was played once and passed."""
    pair = ctx.pairs["access"]
    with ctx.database.write() as session:
        run_id = judged(session, pair.release, pair.suite, verdict)
        for case in suite_of(ctx).probes:
            of = PlayedCase.of(case)
            values = {"case_id": of.id, "case_sha": of.sha, "slice": of.slice, "hard": of.hard, "repeat": 1}
            eval_runs.add_result(session, run_id, **values, passed=True, duration_ms=1)


def begun(ctx: WorkerContext) -> list[int]:
    """Return the runs of the probes."""
    return [run.id for run in rows(ctx.database, EvalRun) if run.kind is RunKind.PROBE]


def played(ctx: WorkerContext, failed: Iterable[str] = ()) -> int:
    """Let the workers play the probes under way to the end, some failing, and return the run."""
    run_id, suite = begun(ctx)[-1], suite_of(ctx)
    for case in suite.probes:
        failures = ("wrong",) if case.id in failed else ()
        one = Play(PlayedCase.of(case), 1, failures, (), 5, 300, (), played=True)
        runs.keep(ctx.database, run_id, one, agent=ctx.agents["access"], cases=suite.probes)
    return run_id


def look(ctx: WorkerContext) -> None:
    """Let the clock look, and tell."""
    probes.look(ctx)
    owner_alerts.tell(ctx)


def told(ctx: WorkerContext) -> list[tuple[str, str]]:
    """Return what was told: where, and the heading."""
    return [(one.channel, str(one.body["text"]).split("*")[1]) for one in rows(ctx.database, Message)]


def alerts(ctx: WorkerContext, kind: AlertKind) -> list[tuple[str, bool]]:
    """Return the alerts of a kind: what each is about, and whether it is over."""
    return [(one.subject, one.closed_at is not None) for one in rows(ctx.database, OwnerAlert) if one.kind is kind]


def test_probes_are_played_twice_a_day(ctx: WorkerContext, clock: Clock) -> None:
    """For the first time half a day after the evaluation, by the workers, two at a time; never two runs at once."""
    for hours in (0, 11.9):
        clock.passes(hours=hours)
        look(ctx)
        assert begun(ctx) == []
    clock.passes(hours=0.2)
    look(ctx)
    look(ctx)
    [run] = [one for one in rows(ctx.database, EvalRun) if one.kind is RunKind.PROBE]
    assert (run.cases, run.repeats, run.width, run.played_by, run.started_by) == (30, 1, 2, "workers", "clock")
    assert [job.args[0] for job in ctx.queue.queue.get_jobs()] == [run.id]
    clock.passes(hours=1.5)
    look(ctx)
    assert begun(ctx) == [run.id]
    played(ctx)
    for _ in range(4):
        clock.passes(hours=3)
        look(ctx)
    assert len(begun(ctx)) == 2
    assert alerts(ctx, AlertKind.NO_PROBE) == alerts(ctx, AlertKind.PROBES_WORSE) == []


def test_two_clocks_begin_one_run(ctx: WorkerContext, clock: Clock) -> None:
    """Both find that the probes are due, and one begins them."""
    clock.passes(hours=13)
    ctx.runtime("access")
    for number in range(1, 4):
        both = Barrier(2)

        def begin(both: Barrier = both) -> None:
            both.wait()
            probes.look(ctx)

        threads = [Thread(target=begin) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(begun(ctx)) == number
        played(ctx)
        clock.passes(hours=13)


def test_a_run_whose_workers_died_is_begun_again(ctx: WorkerContext, clock: Clock) -> None:
    """It is ended after an hour, and the next one begins; owners are told once that there is none, and of the end."""
    release = ctx.pairs["access"].release
    clock.passes(hours=13)
    look(ctx)
    for _ in range(11):
        clock.passes(minutes=62)
        evals.look(ctx)
        look(ctx)
    states = [run.state for run in rows(ctx.database, EvalRun) if run.kind is RunKind.PROBE]
    assert states == [*[RunState.INVALID] * 11, RunState.RUNNING]
    assert alerts(ctx, AlertKind.NO_PROBE) == [(release, False)]
    played(ctx)
    look(ctx)
    assert alerts(ctx, AlertKind.NO_PROBE) == [(release, True)]
    assert [where for where, _ in told(ctx)] == [OWNER, OWNER]
    assert told(ctx)[0][1] == f"The probes of {release} have not been played for a day"


def test_an_installation_that_was_off_for_days_gets_time_for_its_probes(ctx: WorkerContext, clock: Clock) -> None:
    """It begins them when it is back, and alerts only if they do not end within an hour."""
    clock.passes(days=3)
    look(ctx)
    assert (len(begun(ctx)), alerts(ctx, AlertKind.NO_PROBE)) == (1, [])
    clock.passes(minutes=59)
    look(ctx)
    assert alerts(ctx, AlertKind.NO_PROBE) == []
    clock.passes(minutes=2)
    look(ctx)
    assert len(alerts(ctx, AlertKind.NO_PROBE)) == 1


def test_a_release_that_is_worse_is_told_once(ctx: WorkerContext, clock: Clock) -> None:
    """To its owners and in its queue channel, however often it is seen; and once when it is as before."""
    release, bad = ctx.pairs["access"].release, [case.id for case in suite_of(ctx).probes if not case.hard]
    for _ in range(2):
        clock.passes(hours=12)
        look(ctx)
        run_id = played(ctx, failed=bad)
        look(ctx)
        look(ctx)
    assert alerts(ctx, AlertKind.PROBES_WORSE) == [(release, False)]
    assert told(ctx) == [(where, f"{release} does worse than in its own evaluation") for where in (OWNER, QUEUE)]
    assert f"Run {run_id - 1}: 14 of 30 probes passed" in str(rows(ctx.database, Message)[0].body["text"])
    for _ in range(14):
        clock.passes(hours=12)
        look(ctx)
        played(ctx)
        look(ctx)
    assert alerts(ctx, AlertKind.PROBES_WORSE) == [(release, True)]
    assert told(ctx)[2:] == [(where, "It is over:") for where in (OWNER, QUEUE)]
    assert [row.event for row in rows(ctx.database, AuditRow) if row.event.startswith("alert.")] == [
        "alert.opened",
        "alert.closed",
    ]
    assert [one.verdict for one in rows(ctx.database, VerdictRow)] == ["pass"]


def test_another_release_ends_what_was_said_of_the_one_before(
    ctx: WorkerContext, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not recovered: it serves no longer."""
    clock.passes(hours=12)
    look(ctx)
    played(ctx, failed=[case.id for case in suite_of(ctx).probes])
    look(ctx)
    other = ctx.pairs["access"]._replace(release="access@2")
    monkeypatch.setattr(type(ctx), "pairs", {"access": other})
    look(ctx)
    assert [closed for _, closed in alerts(ctx, AlertKind.PROBES_WORSE)] == [True]
    assert "no longer serves" in str(rows(ctx.database, Message)[-1].body["text"])


@pytest.mark.parametrize("why", ["blocked", "retired", "no probes"])
def test_only_what_serves_is_probed(
    ctx: WorkerContext, clock: Clock, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """A release that may not serve, an agent whose card says that it does not work, and one that pins no probes."""
    agent = ctx.agents["access"]
    card = agent.card
    if why == "blocked":
        evaluated(ctx, "block")
    elif why == "retired":
        card = card.model_copy(update={"status": next(one for one in AgentStatus if one is not AgentStatus.ACTIVE)})
    else:
        card = card.model_copy(update={"evals": card.evals.model_copy(update={"probes": 0})})
    monkeypatch.setitem(cast("dict[str, Any]", ctx.agents), "access", replace(agent, card=card))
    clock.passes(days=2)
    look(ctx)
    assert (begun(ctx), alerts(ctx, AlertKind.NO_PROBE)) == ([], [])


@pytest.fixture
def answered_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what says which model answers in plays from now on; each case passes."""

    def let(model: str) -> None:
        def play(case: Case, repeat: int, _runtime_for: object, _judge: object, *, place: object) -> Play:
            models = (("stand-in-1", model),)
            return Play(PlayedCase.of(case), repeat, (), (), 5, 300, (), played=True, models=models)

        monkeypatch.setattr(plays, "play", play)

    return let


def test_another_model_in_a_probe_is_told_at_once(
    ctx: WorkerContext, clock: Clock, answered_by: Callable[[str], None]
) -> None:
    """After the first play in which it answers, once for each id; and once when a whole run has not seen it."""
    clock.passes(hours=12)
    look(ctx)
    run_id, probe_cases = begun(ctx)[-1], [case.id for case in suite_of(ctx).probes]
    evals.begin(run_id)
    for number, model in enumerate(["stand-in-1", "other-model", "other-model", "stand-in-1-20260901"]):
        answered_by(model)
        evals.play(f"{run_id}:{probe_cases[number]}:1")
        owner_alerts.tell(ctx)
        seen = ["other-model"] * (number > 0)
        assert alerts(ctx, AlertKind.MODEL_CHANGED) == [(one, False) for one in seen]
        assert len(told(ctx)) == len(seen)
    assert f"first in the probe `{probe_cases[1]}`" in str(rows(ctx.database, Message)[0].body["text"])
    played(ctx)
    look(ctx)
    assert alerts(ctx, AlertKind.MODEL_CHANGED) == [("other-model", False)]
    clock.passes(hours=12)
    look(ctx)
    played(ctx)
    look(ctx)
    assert alerts(ctx, AlertKind.MODEL_CHANGED) == [("other-model", True)]
    assert len(told(ctx)) == 2
