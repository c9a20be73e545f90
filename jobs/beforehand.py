"""What a turn comes to before the agent plays it: what code knows at once, and thanks.

A model is asked one thing here at most: whether words to a request that a person has closed are thanks and no more,
where code cannot tell.
"""

from collections.abc import Sequence
from datetime import timedelta

from bot.agent import thanks
from bot.agent.asks_for_person import wish
from bot.agent.attempt import only_thanks
from bot.agent.loop import Escalate, Outcome, Reply
from bot.agent.runtime import AgentRuntime
from bot.agent.thanks import Tone
from bot.principals import Reason, Subject
from bot.slack.sentences import say, spoken_by
from bot.store import releases
from bot.store.handoffs import closings, handoffs
from bot.store.schema import HandoffState, InboxEvent, InboxKind, now
from bot.store.tickets import tickets, turns
from bot.store.tickets.turns import Attempt
from jobs import begun, thread_backfill
from jobs.process import WorkerContext

HOUR = timedelta(hours=1)
TOO_MANY_FAILURES = 5
"Workers that died or crashed over one turn; then a person gets it."


def outcome(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt, subject: Subject) -> Outcome | None:
    """Return the outcome of a turn that the agent need not play, or None.

    What the requester wants comes first, thanks, the ticket that a person had, or a person; whether this release
    may serve only decides what is left.
    """
    if attempt.failures >= TOO_MANY_FAILURES:
        return Escalate(Reason.ERROR, f"{attempt.failures} attempts at this died or crashed.")
    with ctx.database.read() as session:
        verdict = releases.verdict(session, str(runtime.release))
        last = handoffs.last(session, attempt.ticket.id)
        by_person = last is not None and last.state is HandoffState.RESOLVED
        heard = tickets.messages_of(session, attempt.turn_id)
        done_with = closings.precedes(session, attempt.turn_id)
        language = spoken_by(session, attempt.ticket.requester)
        orphan = begun.orphaned(session, attempt.ticket)
        lately = turns.lately(session, attempt.ticket.id, since=now() - HOUR)
    thread_backfill.catch_up(ctx, attempt.ticket, heard)
    if lately > runtime.agent.card.limits.turns_an_hour and all(event.kind is not InboxKind.NOTE for event in heard):
        return Escalate(
            Reason.NO_PROGRESS, f"This thread had {lately} turns within an hour, as programs that answer us do."
        )
    serves = verdict == "pass" and runtime.agent.card.status == "active"
    if done_with and _thanked(runtime, attempt, subject, heard, by_person=by_person, serves=serves):
        return Reply(say("agent.welcome", language), None, thanks=True)
    if by_person:
        said = " ".join(event.text for event in heard).replace('"', "'") or "(a file)"
        return Escalate(Reason.REOPENED, f'A person had resolved this. They now write: "{said}"')
    asked = wish(heard)
    if asked is not None or orphan is not None:
        return orphan if asked is None else Escalate(Reason.REQUESTED, asked)
    if runtime.agent.card.status != "active":
        return Escalate(Reason.NOT_PERMITTED, f"The agent is {runtime.agent.card.status}.")
    if verdict != "pass":
        return Escalate(
            Reason.NOT_RELEASED, f"Release {runtime.release} has no passing evaluation, so it does not answer."
        )
    return None


def _thanked(
    runtime: AgentRuntime,
    attempt: Attempt,
    subject: Subject,
    heard: Sequence[InboxEvent],
    *,
    by_person: bool,
    serves: bool,
) -> bool:
    """Return whether nothing but thanks was said to what was done with.

    Where a person did it, a model that may serve judges what code cannot tell; else the agent reads it anyway.
    """
    match thanks.hear(heard):
        case Tone.THANKS:
            return True
        case Tone.UNCLEAR:
            return by_person and serves and only_thanks(runtime, attempt, subject, heard)
        case Tone.MORE:
            return False
