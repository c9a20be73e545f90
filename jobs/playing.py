"""From an attempt to its outcome: what code alone knows, then what the agent reaches, or the directory that is down.

A turn that the directory fails is put back and tried again, as after any outage. It ends once so many tickets are
failed that they are a surge, or after `PATIENCE`: then a person gets it.
"""

from datetime import timedelta

from bot.admission import NotAdmitted
from bot.agent.attempt import play
from bot.agent.linked import Linked
from bot.agent.loop import NeedsPerson, Outcome
from bot.agent.runtime import AgentRuntime
from bot.casework import beforehand, surging
from bot.errors import DirectoryDown
from bot.principals import Reason
from bot.store.tickets import surge_signs, turns
from bot.store.tickets.turns import Attempt
from jobs import requester, thread_backfill
from jobs.process import WorkerContext
from jobs.requester import Asker

PATIENCE = timedelta(minutes=2)
"A turn waits this long for a directory that fails few others; then a person gets it."


def outcome(
    ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt, asker: Asker
) -> Outcome | NotAdmitted | Linked:
    """Return the outcome that code alone decides, or else the one that the agent reaches.

    Raises:
        Transient: Slack, the database or the directory cannot be reached; the turn is worth another try.
    """
    try:
        first = beforehand.outcome(
            runtime,
            attempt,
            asker.who,
            asker.subject,
            catch_up=lambda: thread_backfill.catch_up(ctx, attempt.ticket, attempt.heard),
        )
        if first is not None:
            return first
        if asker.silent is not None and not _is_alone(ctx, runtime, attempt):
            raise asker.silent
        played = play(runtime, attempt, asker.subject, rebind=lambda: requester.still(ctx, runtime, attempt))
    except DirectoryDown as silent:
        return _without_directory(ctx, runtime, attempt, silent)
    unbound = isinstance(played, NeedsPerson) and played.reason is Reason.IDENTITY_MISMATCH
    if asker.silent is not None and unbound:  # nobody could tell whose account it is
        return NeedsPerson(Reason.REPEATED_FAILURE, surging.SILENT)
    return played


def _without_directory(
    ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt, silent: DirectoryDown
) -> NeedsPerson:
    """Return the outcome of a turn that the directory fails, or raise its failure while the turn may still wait."""
    alone = _is_alone(ctx, runtime, attempt)
    with ctx.database.write() as session:
        turns.hold(session, attempt)
        surge_signs.directory_failed(session, attempt)
        due = surging.is_due(session, runtime.agent)
    if not due and not alone and attempt.working < PATIENCE:
        raise silent
    return NeedsPerson(Reason.REPEATED_FAILURE, surging.SILENT, directory=not alone)


def _is_alone(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt) -> bool:
    """Return whether the requester has said that theirs is not the problem of the surge under way."""
    with ctx.database.read() as session:
        return surging.stays_out(session, runtime.agent, attempt.ticket)
