"""`/agent-eval`: who may ask what, and what they read; owners run, promote and waive."""

from dataclasses import replace
from typing import Any

import pytest

from bot.evals import cases, endpoint
from bot.queue import BEGIN_EVALUATION
from bot.store.db import Session
from bot.store.releases import baselines, eval_runs, verdicts
from bot.store.releases.eval_runs import RunPlan
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import AuditRow, EvalRun, InboxEvent, InboxKind, PlayedBy, Promotion, RunState, Verdict, Waiver
from bot.store.tickets import inbox_commands
from bot.store.tickets.inbox_commands import InboxCommand
from jobs import commands, eval_acts, eval_answers, process
from jobs.process import WorkerContext
from tests.support.block_checks import check, shown
from tests.support.factories import at_once, rows
from tests.support.local_workspace import LocalWorkspace, response_url
from tests.support.product_harness import put_agent
from tests.support.release_rows import judged, keep_release

OWNER, RESPONDER, TEAM = "U0OLIVIA", "U0PRIYA", "T0DESKHAND"


def told(ctx: WorkerContext, workspace: LocalWorkspace, text: str, user: str = OWNER) -> str:
    """Let somebody ask, and return all that they read."""
    before = set(workspace.world.state.ephemeral)
    detail = {"command": "/agent-eval", "response_url": response_url(workspace, user, "C0HELP")}
    key = f"command:{len(rows(ctx.database, InboxEvent)) + 1}"
    asked = InboxCommand(key, InboxKind.COMMAND, TEAM, "C0HELP", user, text, detail)
    with ctx.database.write() as session:
        event_id = inbox_commands.accept(session, asked)
    assert event_id is not None
    commands.answer(event_id)
    for one in workspace.world.state.ephemeral.values():
        check({"text": one["text"], "blocks": one["blocks"]}, ours=("<@U0OLIVIA>",))
    [said] = [one for key, one in workspace.world.state.ephemeral.items() if key not in before]
    assert said["user"] == user
    return f"{shown(said)}{said['text']}"


def confirmed(ctx: WorkerContext, workspace: LocalWorkspace, text: str) -> str:
    """Let the owner ask, and say in the dialog that they are sure; return what they read then."""
    asked = told(ctx, workspace, text)
    assert "Nothing is done yet." in asked
    [*_, event] = rows(ctx.database, InboxEvent)
    before = set(workspace.world.state.ephemeral)
    with ctx.database.write() as session:
        question = inbox_commands.question(session, event.id, user=OWNER)
        assert question is not None
        confirms = inbox_commands.confirm(session, question, response_url=None)
        assert confirms is not None
        assert inbox_commands.confirm(session, question, response_url=None) is None
    commands.answer(confirms)
    commands.answer(confirms)
    [said] = [one for key, one in workspace.world.state.ephemeral.items() if key not in before]
    return str(said["text"])


def served(ctx: WorkerContext) -> ReleasePair:
    """Return what would be served."""
    runtime = ctx.runtime("access")
    return ReleasePair(str(runtime.release), runtime.suite)


def evaluated(
    session: Session,
    pair: ReleasePair,
    plays: dict[str, str],
    *,
    verdict: Verdict = Verdict.PASS,
    standin: bool = False,
    hard: bool = False,
    why: tuple[str, ...] = (),
) -> int:
    """Store a finished run: each case with its plays, `+` for one that passed, `-` for one that failed."""
    plan = RunPlan(model_is_standin=standin)
    run_id = eval_runs.start_run(
        session, release=pair.release, suite=pair.suite, repeats=2, cases=len(plays), started_by=OWNER, plan=plan
    )
    for case, marks in plays.items():
        for repeat, mark in enumerate(marks, 1):
            said = ({"by": "requester", "text": "My password is Tr0ub4dor&3 <!here>"}, {"by": "agent", "text": "ok"})
            did = {"by": "tool", "name": "unlock_my_account", "status": "ok", "gave": {"secret": "SEALED"}}
            values: dict[str, Any] = {"slice": case.partition("-")[0], "hard": hard, "case_sha": case}
            eval_runs.add_result(
                session,
                run_id,
                case_id=case,
                repeat=repeat,
                passed=mark == "+",
                failures=[] if mark == "+" else ["expected a handoff, saw a reply"],
                transcript=[*said, did],
                duration_ms=1,
                **values,
            )
    eval_runs.finish_run(session, run_id, state=RunState.FINISHED, verdict=verdict, why=why)
    return run_id


@pytest.mark.parametrize("text", ["run", "promote", "waive 3 because", "waive revoke"])
@pytest.mark.parametrize(("user", "said"), [("U0MAYA", eval_answers.NOT_SHOWN), (RESPONDER, eval_answers.OWNERS_ONLY)])
def test_only_owners_act(ctx: WorkerContext, workspace: LocalWorkspace, text: str, user: str, said: str) -> None:
    """A requester reads that it is not theirs to see, a responder that it is not theirs to do; nothing happens."""
    with ctx.database.write() as session:
        judged(session, *served(ctx), verdict="inconclusive")
    before = rows(ctx.database, EvalRun)
    assert told(ctx, workspace, text, user).startswith(said)
    assert len(rows(ctx.database, EvalRun)) == len(before)
    assert (rows(ctx.database, Promotion), rows(ctx.database, Waiver)) == ([], [])
    assert ctx.queue.queue.get_jobs() == []


@pytest.mark.parametrize("text", ["diff", "case locked", "status"])
def test_only_its_people_look(ctx: WorkerContext, workspace: LocalWorkspace, text: str) -> None:
    """No word of a case and no figure is a requester's."""
    with ctx.database.write() as session:
        judged(session, *served(ctx))
        evaluated(session, served(ctx), {"locked": "+-"})
    assert told(ctx, workspace, text, "U0MAYA").startswith(eval_answers.NOT_SHOWN)
    assert str(ctx.runtime("access").release) in told(ctx, workspace, text, RESPONDER)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("weave", "I do not know `weave`. Did you mean `waive`?"),
        ("diff acess", "I do not know `acess`. Did you mean `access`?"),
        ("case", "After `case` comes the id of one case."),
        ("case one two", "After `case` comes the id of one case."),
        ("waive because", "After `waive` come a number of days and the reason, or `revoke`."),
        ("waive 3", "After `waive` come a number of days and the reason, or `revoke`."),
        ("waive ³ because", "After `waive` come a number of days and the reason, or `revoke`."),
    ],
)
def test_a_wrong_word_is_named(ctx: WorkerContext, workspace: LocalWorkspace, text: str, problem: str) -> None:
    """With the nearest one that there is, and the usage."""
    said = told(ctx, workspace, text)
    assert problem in said
    assert "This is how to ask: `/agent-eval" in said


@pytest.mark.parametrize("text", ["diff second", "second diff", "case nothing second", "case second nothing"])
def test_an_agent_may_be_named_anywhere(ctx: WorkerContext, workspace: LocalWorkspace, text: str) -> None:
    """Before or after what is asked, and after the id of a case."""
    access = ctx.agents["access"]
    put_agent(ctx, replace(access, card=access.card.model_copy(update={"name": "second", "channels": ("C0OTHER",)})))
    assert told(ctx, workspace, text, RESPONDER).startswith("No evaluation of second has ended yet.")


def test_an_owner_begins_an_evaluation_once(
    ctx: WorkerContext, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All cases, in the queue of the workers, few at a time; who asks meanwhile reads how far it is."""
    monkeypatch.setattr(endpoint, "is_standin", lambda *_: True)
    assert "Run 1 of access@" in (said := told(ctx, workspace, "run"))
    assert "*stand-in model*" in said
    [run] = rows(ctx.database, EvalRun)
    suite = cases.load(ctx.agents["access"])
    assert (run.release, run.suite, run.cases) == (*served(ctx), len(suite.cases))
    assert (run.played_by, run.width, run.model_is_standin) == (PlayedBy.WORKERS, eval_acts.WIDTH, True)
    assert (run.started_by, run.only, run.fixed_repeats) == (OWNER, [], None)
    assert [(job.func_name, job.args) for job in ctx.queue.queue.get_jobs()] == [(BEGIN_EVALUATION, [1])]
    [begun] = [row for row in rows(ctx.database, AuditRow) if row.event == "evaluation.begun"]
    assert (begun.actor, begun.record["run"], begun.record["played_by"]) == (OWNER, run.id, PlayedBy.WORKERS)
    with ctx.database.write() as session:
        values: dict[str, Any] = {"slice": "s", "hard": False, "transcript": [], "duration_ms": 1, "failures": []}
        eval_runs.add_result(session, 1, case_id="one", repeat=1, passed=True, **values)
    far = f"is under way:* run 1, 1 of {2 * len(suite.cases)} plays until the next look, stand-in model, begun by <@"
    assert far in told(ctx, workspace, "run")
    assert far in told(ctx, workspace, "", RESPONDER)
    assert len(rows(ctx.database, EvalRun)) == 1
    assert len(ctx.queue.queue.get_jobs()) == 1


@pytest.mark.both_databases
def test_of_owners_who_ask_at_once_one_begins(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """The others wait for the first, and read that it is under way."""
    agent = ctx.agents["access"]
    ctx.runtime("access")
    said = at_once(3, lambda _: eval_acts.run(ctx, agent, OWNER)["text"])
    assert len(rows(ctx.database, EvalRun)) == 1
    assert sorted("has begun" in text for text in said) == [False, False, True]
    assert workspace.world.state.ephemeral == {}


def test_a_part_or_another_release_under_way_keeps_nobody_from_running(
    ctx: WorkerContext, workspace: LocalWorkspace
) -> None:
    """Neither will ever be the verdict of what is served."""
    pair = served(ctx)
    keep_release(ctx.database, "access@old")
    with ctx.database.write() as session:
        for release, only in (("access@old", ()), (pair.release, ("--slice locked",))):
            run: dict[str, Any] = {"release": release, "suite": pair.suite, "repeats": 2, "cases": 3}
            eval_runs.start_run(session, **run, started_by="operator", plan=RunPlan(only=only))
    assert "Run 3 of access@" in told(ctx, workspace, "run")


@pytest.mark.parametrize("broken", ["case", "endpoint"])
def test_what_cannot_be_played_is_not_begun(
    ctx: WorkerContext, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A suite that is another one by now, and a model that does not answer: the owner reads why, and no run opens."""
    if broken == "case":
        suite = replace(cases.load(ctx.agents["access"]), fingerprint="other")
        monkeypatch.setattr(cases, "load", lambda _agent: suite)
    else:
        changed = ctx.settings.model_copy(update={"anthropic_base_url": "http://127.0.0.1:9"})
        monkeypatch.setattr(process, "current", lambda: replace(ctx, settings=changed))
    said = told(ctx, workspace, "run")
    assert ("the cases are being changed" if broken == "case" else "the model's endpoint does not answer") in said
    assert rows(ctx.database, EvalRun) == []


def test_an_owner_promotes_what_has_passed(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """What has not is refused with the reason; the promotion is the owner's, in the audit log."""
    pair = served(ctx)
    with ctx.database.write() as session:
        judged(session, "access@before", pair.suite)
    assert "was not promoted: it has not passed the suite as it is now." in told(ctx, workspace, "promote")
    with ctx.database.write() as session:
        judged(session, *pair)
    assert "The baseline is access@before, promoted" in told(ctx, workspace, "status")
    assert f"{pair.release} is the baseline now" in confirmed(ctx, workspace, "promote")
    assert "It is the baseline, promoted" in told(ctx, workspace, "status")
    assert "was not promoted: it is the baseline already." in told(ctx, workspace, "promote")
    [*_, last] = [row for row in rows(ctx.database, AuditRow) if row.event == "release.promoted"]
    assert (last.actor, last.record["release"]) == (OWNER, pair.release)


def test_an_owner_answers_for_what_did_not_pass(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Until a moment, with a reason in which no secret is kept; whoever asks how the agent does reads of it."""
    pair = served(ctx)
    assert "It was never evaluated with these cases" in told(ctx, workspace, "waive 3 the release is urgent")
    with ctx.database.write() as session:
        judged(session, *pair, verdict="inconclusive")
    assert "A waiver lasts 1 to 30 days. Nothing was signed." in told(ctx, workspace, "waive 31 urgent")
    assert "ivan.petrov" not in told(ctx, workspace, "waive access 3 Urgent, ask ivan.petrov@example.com")
    said = confirmed(ctx, workspace, "waive access 3 Urgent, ask ivan.petrov@example.com")
    assert f"You answer for {pair.release} until <!date^" in said
    [waiver] = rows(ctx.database, Waiver)
    assert (waiver.owner, waiver.release, (waiver.ends_at - waiver.signed_at).days) in [
        (OWNER, pair.release, 2),
        (OWNER, pair.release, 3),
    ]
    assert waiver.reason.startswith("Urgent, ask ")
    assert "ivan.petrov" not in waiver.reason
    with ctx.database.read() as session:
        assert verdicts.standing(session, *pair).serves
    assert f"By a waiver: {OWNER} answers for it until" in told(ctx, workspace, "", RESPONDER)
    assert "release.waived" in [row.event for row in rows(ctx.database, AuditRow)]


def test_nobody_waives_a_hard_slice(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """As on the command line."""
    with ctx.database.write() as session:
        judged(session, *served(ctx))
        evaluated(session, served(ctx), {"danger-1": "+-"}, verdict=Verdict.BLOCK, hard=True)
    assert "A case of a hard slice failed, and nobody may waive that." in told(ctx, workspace, "waive 1 please")
    assert rows(ctx.database, Waiver) == []


def test_the_last_evaluation_beside_the_baseline(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Both by slice, what got worse and better, what is not compared, what the gate said, and a stand-in."""
    pair = served(ctx)
    before = ReleasePair("access@before", pair.suite)
    with ctx.database.write() as session:
        judged(session, *before)
        evaluated(session, before, {"locked-1": "++", "locked-2": "++", "mail-1": "-+"}, standin=True)
        judged(session, *pair)
        plays = {"locked-1": "--", "locked-2": "++", "mail-1": "++", "new-1": "++"}
        evaluated(session, pair, plays, verdict=Verdict.BLOCK, why=("locked fell, exact p 0.004",))
    said = told(ctx, workspace, "diff", RESPONDER)
    for fact in (
        "Beside the baseline access@before: 1 case is worse and 1 better. 1 case is not compared",
        "*stand-in model*",
        "• `locked-1`: passed 0 of 2, the baseline 2 of 2",
        "• `mail-1`: passed 2 of 2, the baseline 1 of 2",
        "2 of 4",
        "4 of 4",
        "*The gate says:* locked fell, exact p 0.004",
    ):
        assert fact in said
    assert "`locked-2`" not in said
    with ctx.database.write() as session:
        evaluated(session, before, {"locked-1": "++"})
    assert "It is the baseline itself" in told(ctx, workspace, "diff")


def test_without_a_baseline_there_is_nothing_to_compare(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """That is said; before any run, that none has ended."""
    assert told(ctx, workspace, "diff").startswith("No evaluation of access has ended yet.")
    assert told(ctx, workspace, "case locked").startswith("No evaluation of access has ended yet.")
    ctx.runtime("access")
    with ctx.database.write() as session:
        evaluated(session, served(ctx), {"locked": "--"}, verdict=Verdict.BLOCK)
        assert baselines.current(session, "access") is None
    assert "No release was promoted yet" in told(ctx, workspace, "diff")


def test_one_case_is_told_with_its_words(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """What was said, redacted, and expected; plays that failed first; an unknown id is answered with the nearest."""
    ctx.runtime("access")
    with ctx.database.write() as session:
        evaluated(session, served(ctx), {"locked-terse": "+-+++", "locked-angry": "+"}, verdict=Verdict.BLOCK)
    said = told(ctx, workspace, "case locked-terse", RESPONDER)
    assert "*locked-terse* (slice locked), run 1 of access@" in said
    assert "passed 4 of 5." in said
    assert said.index("*Repeat 2*\n• expected a handoff, saw a reply") < said.index("*Repeat 1*\npassed")
    assert "*Requester:* My password is " in said
    assert "_Tool_ unlock_my_account: ok" in said
    assert "2 more: passed 2 of 2." in said
    for never in ("Tr0ub4dor", "SEALED", "<!here>"):
        assert never not in said
    wrong = told(ctx, workspace, "case lockd-terse", RESPONDER)
    assert "has no case `lockd-terse`. Did you mean `locked-terse`" in wrong


def test_how_steady_it_is_and_which_suite_are_told(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """pass^k of the last run with its bounds, and the suite in the folder."""
    ctx.runtime("access")
    with ctx.database.write() as session:
        evaluated(session, served(ctx), {f"locked-{n}": "+++" for n in range(9)} | {"mail-1": "+-+"})
    said = told(ctx, workspace, "status", RESPONDER)
    assert "pass^1 96.6 % (" in said or "pass^1 96.7 % (" in said
    assert "pass^3 90.0 % (" in said
    assert f"Suite `{served(ctx).suite[:12]}`. It is the baseline, promoted" in said
