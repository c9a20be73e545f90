"""Shows whoever began an evaluation in Slack how far it is: one direct message, changed in place until the verdict.

What it shows is read from the rows of the run, so it goes on after any process has died, and two clocks show the same.
"""

from datetime import timedelta

from bot.slack.reports import eval_progress
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.releases import releases, run_progress
from bot.store.schema import EvalRun, Message, MessageKind, MessageState, RunState, now
from jobs.process import WorkerContext

PAUSE = timedelta(seconds=4)
"Least time between two changes of one message; Slack takes about fifty a minute of all messages together."


def begin(session: Session, run: EvalRun, agent: str) -> None:
    """Store the message with which somebody looks on at a run."""
    if run.shown_to is not None:
        body = eval_progress.message(run_progress.of(session, run), agent)
        key = _key(run.id)
        messages.add(session, key=key, kind=MessageKind.EVALUATION, lane=key, channel=run.shown_to, body=body)


def look(ctx: WorkerContext) -> int:
    """Change the messages of runs that went on or have ended; return how many."""
    with ctx.database.look() as session:
        due = run_progress.untold(session)
    return sum(_show(ctx, run_id) for run_id in due)


def _show(ctx: WorkerContext, run_id: int) -> bool:
    with ctx.database.write() as session:
        run = run_progress.lock(session, run_id)
        shown = messages.by_key(session, _key(run_id))
        if run is None:
            return False
        has_ended = run.state is not RunState.RUNNING
        if not has_ended and not _may_change(shown):
            return False
        release = releases.get(session, run.release)
        agent = "" if release is None else release.agent
        messages.revise(session, _key(run_id), eval_progress.message(run_progress.of(session, run), agent))
        if has_ended:
            run_progress.told(session, run)
    return True


def _may_change(shown: Message | None) -> bool:
    """Return whether Slack has the message as it is stored, and has had it for long enough."""
    if shown is None or shown.state is not MessageState.POSTED or shown.shown_revision != shown.revision:
        return False
    return shown.posted_at is not None and now() - shown.posted_at >= PAUSE


def _key(run_id: int) -> str:
    return f"evaluation:{run_id}"
