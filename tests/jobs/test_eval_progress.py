"""The direct message that shows its owner how far an evaluation is, and how it ended: `jobs.eval_progress`."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.store.releases import eval_runs
from bot.store.schema import EvalRun, Message, MessageKind, RunState, Verdict, now
from jobs import eval_acts, eval_progress, undeliverable
from jobs.process import WorkerContext
from tests.support.block_checks import check, shown
from tests.support.factories import at_once, rows
from tests.support.local_workspace import LocalWorkspace

OWNER = "U0OLIVIA"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the address of a database on SQLite, or on the one that a test asks for."""
    return str(request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url"))


def test_one_message_shows_how_far_it_is_and_how_it_ended(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """It is changed in place, no oftener than every few seconds, and its last words are the verdict and who failed."""
    eval_acts.run(ctx, ctx.agents["access"], OWNER)
    undeliverable.deliver(0)
    [run] = rows(ctx.database, EvalRun)
    assert f"0 of {run.cases * run.repeats} plays" in said(workspace)
    play(ctx, run.id, {"locked-1": True, "locked-2": False})
    assert eval_progress.look(ctx) == 0, "it was changed a moment ago"
    later(ctx)
    assert eval_progress.look(ctx) == 1
    assert eval_progress.look(ctx) == 0, "Slack does not have the last change yet"
    undeliverable.deliver(0)
    assert f"2 of {run.cases * run.repeats} plays" in said(workspace)
    assert "1 passed, 1 did not" in said(workspace)
    assert "Failing: `locked-2`" in said(workspace)
    with ctx.database.write() as session:
        why = ("locked fell, exact p 0.004",)
        eval_runs.finish_run(session, run.id, state=RunState.FINISHED, verdict=Verdict.BLOCK, why=why)
    assert eval_progress.look(ctx) == 1, "the end is told at once"
    undeliverable.deliver(0)
    told = said(workspace)
    assert "*did not pass its evaluation*" in told
    assert "• locked fell, exact p 0.004" in told
    assert "1 of 2 plays passed" in told
    assert "`/agent-eval diff access` what changed" in told
    assert eval_progress.look(ctx) == 0
    [message] = [one for one in rows(ctx.database, Message) if one.kind is MessageKind.EVALUATION]
    assert message.revision == 3


@pytest.mark.both_databases
def test_of_clocks_that_see_the_end_one_tells_it(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Also when all that showed it before have died: what is shown is read from the rows."""
    eval_acts.run(ctx, ctx.agents["access"], OWNER)
    [run] = rows(ctx.database, EvalRun)
    with ctx.database.write() as session:
        eval_runs.finish_run(session, run.id, state=RunState.INVALID, verdict=Verdict.NOT_RUN, why=("it met outages",))
    assert sorted(at_once(3, lambda _: eval_progress.look(ctx))) == [0, 0, 1]
    undeliverable.deliver(0)
    assert "*was not evaluated*" in said(workspace)
    assert "it met outages" in said(workspace)


def test_a_run_of_the_command_line_is_shown_to_nobody(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Its terminal shows it."""
    release = str(ctx.runtime("access").release)
    with ctx.database.write() as session:
        about: dict[str, Any] = {"release": release, "suite": "s", "repeats": 1, "cases": 1, "started_by": "operator"}
        eval_runs.start_run(session, **about)
    assert eval_progress.look(ctx) == 0
    assert [one for one in rows(ctx.database, Message) if one.kind is MessageKind.EVALUATION] == []
    assert said(workspace) == ""


def said(workspace: LocalWorkspace) -> str:
    """Return the one direct message that the owner has, checked as Slack would; empty if there is none."""
    direct = [one for one in workspace.world.state.channels.values() if one.is_im and OWNER in one.members]
    found = [message for channel in direct for message in channel.messages.values()]
    for one in found:
        check({"text": one["text"], "blocks": one["blocks"]})
    assert len(found) <= 1
    return "".join(f"{shown(one)}{one['text']}" for one in found)


def later(ctx: WorkerContext) -> None:
    """Let the message have been shown for a while."""
    with ctx.database.write() as session:
        session.execute(update(Message).values(posted_at=now() - eval_progress.PAUSE - timedelta(seconds=1)))


def play(ctx: WorkerContext, run_id: int, passed: dict[str, bool]) -> None:
    """Store a play of each case."""
    values: dict[str, Any] = {"slice": "locked", "hard": False, "transcript": [], "duration_ms": 1, "failures": []}
    with ctx.database.write() as session:
        for case, has_passed in passed.items():
            eval_runs.add_result(session, run_id, case_id=case, repeat=1, passed=has_passed, **values)
