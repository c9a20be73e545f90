"""What a turn comes to before the agent plays it: what code knows at once, and thanks.

Production and evaluation both ask this, so that a case is answered as its requester would be.

A model is asked one thing here at most: whether words to a request that a person has closed are thanks and no more,
where code cannot tell.
"""

from collections.abc import Callable
from datetime import timedelta

from bot.admission import Admitted, NotAdmitted
from bot.agent import thanks
from bot.agent.asks_for_person import summary_if_asked
from bot.agent.attempt import only_thanks
from bot.agent.loop import Escalate, Outcome, Reply
from bot.agent.runtime import AgentRuntime
from bot.agent.thanks import Tone
from bot.principals import Reason, Subject
from bot.slack.sentences import say, spoken_by
from bot.store import releases
from bot.store.db import Session
from bot.store.handoffs import closings
from bot.store.schema import HandoffState, InboxKind, Ticket, now
from bot.store.tickets import threads, ticket_messages, turns
from bot.store.tickets.turns import Attempt

HOUR = timedelta(hours=1)
TOO_MANY_FAILURES = 5
"Workers that died or crashed over one turn; then a person gets it."
NO_AUTHOR = "root"
"In the detail of a thread's root: `app` where no person wrote it, `gone` where Slack does not show it."
ORPHAN = {
    "app": "An app began the thread, so no person could confirm that the request is theirs.",
    "gone": "Slack does not show the first message of the thread, so its author could not confirm the request.",
}
"By what is known of the root: why a person has to look."


def outcome(
    runtime: AgentRuntime,
    attempt: Attempt,
    who: Admitted | NotAdmitted | None,
    subject: Subject,
    *,
    catch_up: Callable[[], None],
) -> Outcome | NotAdmitted | None:
    """Return the outcome of a turn that the agent need not play, or None.

    Who asks comes first. Then it is what the requester wants, thanks, the ticket that a person had, or a person;
    whether this release may serve only decides what is left.

    Args:
        runtime: the agent at work.
        attempt: which.
        who: the requester as admission knows them; None when admission could not be decided.
        subject: on whose behalf.
        catch_up: looks up in Slack what came late; an evaluation has nothing to look up.

    Raises:
        Fenced: another attempt has taken the turn over, or what it answers has changed.
        Transient: Slack or the database is away; the turn is worth another try.
    """
    if isinstance(who, NotAdmitted):
        return Escalate(Reason.IDENTITY_MISMATCH, who.summary) if who.to_person else who
    if attempt.failures >= TOO_MANY_FAILURES:
        return Escalate(Reason.ERROR, f"{attempt.failures} attempts at this died or crashed.")
    with runtime.database.read() as session:
        barred = _may_not_serve(session, runtime)
        done_with = closings.precedes(session, attempt)
        language = spoken_by(session, attempt.ticket.requester)
        orphan = _orphaned(session, attempt.ticket)
        lately = turns.lately(session, attempt.ticket.id, since=now() - HOUR)
    by_person = attempt.last_handoff is not None and attempt.last_handoff.state is HandoffState.RESOLVED
    catch_up()
    if lately > runtime.agent.card.limits.turns_an_hour and all(
        event.kind is not InboxKind.NOTE for event in attempt.heard
    ):
        return Escalate(
            Reason.NO_PROGRESS, f"This thread had {lately} turns within an hour, as programs that answer us do."
        )
    if done_with and _thanked(runtime, attempt, subject, by_person=by_person, serves=barred is None):
        return Reply(say("agent.welcome", language), None, thanks=True)
    if by_person:
        said = " ".join(event.text for event in attempt.heard).replace('"', "'") or "(a file)"
        return Escalate(Reason.REOPENED, f'A person had resolved this. They now write: "{said}"')
    asked = summary_if_asked(attempt.heard)
    if asked is not None:
        return Escalate(Reason.REQUESTED, asked)
    return orphan or barred


def _may_not_serve(session: Session, runtime: AgentRuntime) -> Escalate | None:
    """Return why this release may not answer; an evaluation finds out whether it may, so it may there."""
    if runtime.purpose == "eval":
        return None
    if runtime.agent.card.status != "active":
        return Escalate(Reason.NOT_PERMITTED, f"The agent is {runtime.agent.card.status}.")
    if releases.verdict(session, str(runtime.release)) != "pass":
        return Escalate(
            Reason.NOT_RELEASED, f"Release {runtime.release} has no passing evaluation, so it does not answer."
        )
    return None


def _orphaned(session: Session, ticket: Ticket) -> Escalate | None:
    """Return the handoff of a request in a thread whose author cannot be asked; None where they can."""
    root = ticket_messages.heard_at(session, ticket.channel, ticket.thread_ts)
    why = None if root is None or threads.has_ended_turn(session, ticket) else root.detail.get(NO_AUTHOR)
    return None if why is None else Escalate(Reason.LOW_CONFIDENCE, ORPHAN[why])


def _thanked(runtime: AgentRuntime, attempt: Attempt, subject: Subject, *, by_person: bool, serves: bool) -> bool:
    """Return whether nothing but thanks was said to what was done with.

    Where a person did it, a model that may serve judges what code cannot tell; else the agent reads it anyway.
    """
    match thanks.tone_of_turn(attempt.heard):
        case Tone.THANKS:
            return True
        case Tone.UNCLEAR:
            return by_person and serves and only_thanks(runtime, attempt, subject)
        case Tone.MORE:
            return False
