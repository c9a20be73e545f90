"""Decides the outcome of turns that need no agent: when code knows it at once, and for thanks.

Production and evaluation both call it, so that a case is answered as its requester would be.

A model is asked one thing at most: whether a message to a request that a person has resolved is only thanks, where code
is not sure.
"""

from collections.abc import Callable
from datetime import timedelta

from bot.admission import Admitted, NotAdmitted
from bot.agent import standing_checks, thanks
from bot.agent.asks_for_person import summary_if_asked
from bot.agent.attempt import only_thanks
from bot.agent.linked import Linked
from bot.agent.loop import NeedsPerson, Outcome, Reply
from bot.agent.runtime import AgentRuntime
from bot.agent.thanks import Tone
from bot.casework import surging
from bot.principals import Reason, Subject
from bot.slack.sentences import say, spoken_by
from bot.store.db import Session
from bot.store.handoffs import closings
from bot.store.releases import verdicts
from bot.store.schema import HandoffState, InboxKind, Purpose, now
from bot.store.tickets import threads, ticket_messages, turns
from bot.store.tickets.turns import Attempt

HOUR = timedelta(hours=1)
TOO_MANY_FAILURES = 5
"After this many attempts that died or crashed, a person gets the turn."
NO_AUTHOR = "root"
"Key in the detail of a thread's root: `app` when an app wrote it, `gone` when Slack does not show it."
ORPHAN = {
    "app": "An app began the thread, so no person could confirm that the request is theirs.",
    "gone": "Slack does not show the first message of the thread, so its author could not confirm the request.",
}
"Why a person must look at the request, by the value of `NO_AUTHOR`."


def outcome(
    runtime: AgentRuntime,
    attempt: Attempt,
    who: Admitted | NotAdmitted | None,
    subject: Subject,
    *,
    catch_up: Callable[[], None],
) -> Outcome | NotAdmitted | Linked | None:
    """Return the outcome of a turn that the agent need not play, or None when it must.

    It checks in order: admission, failed attempts, a loop of programs, thanks, a ticket that a person had resolved,
    a request for a person, an author who cannot be asked, whether this release may serve, and a surge under way.

    Args:
        runtime: the agent that serves the ticket.
        attempt: the attempt at the turn.
        who: the result of admission; None when it could not be decided.
        subject: on whose behalf.
        catch_up: reads late messages in Slack; it does nothing in an evaluation.

    Raises:
        Fenced: another attempt has taken the turn over, or the message that it answers has changed.
        Transient: Slack or the database cannot be reached; the turn is worth another try.
    """
    if (known := _without_rows(attempt, who)) is not None:
        return known
    with runtime.database.look() as session:
        unfit = _may_not_serve(session, runtime)
        done_with = closings.precedes(session, attempt)
        orphan = _orphaned(session, attempt)
        lately = 1 if attempt.is_first else turns.count_since(session, attempt.ticket.id, since=now() - HOUR)
        linked = surging.met(session, runtime, attempt)
    by_person = attempt.last_handoff is not None and attempt.last_handoff.state is HandoffState.RESOLVED
    catch_up()
    if _is_loop(runtime, attempt, lately):
        why = f"This thread had {lately} turns within an hour, as programs that answer us do."
        return NeedsPerson(Reason.NO_PROGRESS, why)
    if done_with and _thanked(runtime, attempt, subject, by_person=by_person, serves=(unfit or linked) is None):
        return _welcome(runtime, attempt)
    if by_person:
        text = " ".join(event.text for event in attempt.heard).replace('"', "'") or "(a file)"
        return NeedsPerson(Reason.REOPENED, f'A person had resolved this. They now write: "{text}"')
    asked = summary_if_asked(attempt.heard)
    return NeedsPerson(Reason.REQUESTED, asked) if asked is not None else orphan or unfit or linked


def _welcome(runtime: AgentRuntime, attempt: Attempt) -> Reply:
    with runtime.database.read() as session:
        language = spoken_by(session, attempt.ticket.requester)
    return Reply(say("agent.welcome", language), None, thanks=True)


def _without_rows(attempt: Attempt, who: Admitted | NotAdmitted | None) -> NeedsPerson | NotAdmitted | None:
    """Return the outcome of a turn whose requester is not admitted, or that has failed too often; None otherwise."""
    if isinstance(who, NotAdmitted):
        return NeedsPerson(Reason.IDENTITY_MISMATCH, who.summary) if who.to_person else who
    if attempt.failures >= TOO_MANY_FAILURES:
        return NeedsPerson(Reason.ERROR, f"{attempt.failures} attempts at this died or crashed.")
    return None


def _is_loop(runtime: AgentRuntime, attempt: Attempt, lately: int) -> bool:
    """Return whether a program seems to answer us: there were too many turns, and this one has no responder's note."""
    has_note = any(event.kind is InboxKind.NOTE for event in attempt.heard)
    return lately > runtime.agent.card.limits.turns_an_hour and not has_note


def _may_not_serve(session: Session, runtime: AgentRuntime) -> NeedsPerson | None:
    """Return why this release may not answer, or None; in an evaluation it always may, since that decides it."""
    if runtime.purpose is Purpose.EVAL:
        return None
    if (stopped := standing_checks.outcome(session, runtime)) is not None:
        return stopped
    if verdicts.standing(session, str(runtime.release), runtime.suite).serves:
        return None
    return NeedsPerson(
        Reason.NOT_RELEASED, f"Release {runtime.release} has no passing evaluation, so it does not answer."
    )


def _orphaned(session: Session, attempt: Attempt) -> NeedsPerson | None:
    """Return the handoff of a request whose thread was begun by somebody who cannot be asked, or None."""
    ticket = attempt.ticket
    root = attempt.heard_root or ticket_messages.heard_at(session, ticket.channel, ticket.thread_ts)
    why = None if root is None else root.detail.get(NO_AUTHOR)
    if why is None or threads.has_ended_turn(session, ticket):
        return None
    return NeedsPerson(Reason.LOW_CONFIDENCE, ORPHAN[why])


def _thanked(runtime: AgentRuntime, attempt: Attempt, subject: Subject, *, by_person: bool, serves: bool) -> bool:
    """Return whether a message to a closed request is only thanks.

    If code is not sure, a model decides for a request that a person resolved, provided that the release may serve;
    otherwise the agent plays the turn.
    """
    match thanks.tone_of_turn(attempt.heard):
        case Tone.THANKS:
            return True
        case Tone.UNCLEAR:
            return by_person and serves and only_thanks(runtime, attempt, subject)
        case Tone.MORE:
            return False
