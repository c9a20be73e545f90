"""Writing an outcome down: the turn ends, the ticket is settled, a handoff gets all its context.

One transaction, so that a turn is never done without its outcome; what is then said in Slack is
added by the caller to the same transaction.

The agent does not hand off again for the same reason at once. What the model decides is refused in the
loop; what code decides before or around the model ends the turn all the same, since nothing ends in
silence, but card and notice then say that it was given back and still cannot go on.
"""

from dataclasses import dataclass, replace

from bot.admission import NotAdmitted
from bot.agent.attempt import why_given_back
from bot.agent.context import context_of
from bot.agent.loop import Escalate, Outcome, Reply
from bot.agent.runtime import AgentRuntime
from bot.principals import Reason, Subject
from bot.store import audit
from bot.store.db import Session
from bot.store.handoffs import closings, handoffs
from bot.store.schema import Handoff as HandoffRow
from bot.store.schema import HandoffContext, Ticket, TicketState, TurnOutcome
from bot.store.tickets import outcomes, tickets, turns, waiting_messages
from bot.store.tickets.turns import Attempt, Fenced

CANNOT_GO_ON = frozenset(
    {
        Reason.NOT_RELEASED,
        Reason.NOT_PERMITTED,
        Reason.IDENTITY_MISMATCH,
        Reason.BUDGET,
        Reason.BUSY,
        Reason.MODEL_UNAVAILABLE,
        Reason.ERROR,
    }
)
"Reasons that code knows, whatever a colleague has written in between."
"Outcome of a turn whose requester was not admitted."
STILL = "Given back by a colleague, but the agent still cannot go on:"


@dataclass(frozen=True, slots=True)
class Concluded:
    """What the outcome left to do."""

    next_turn: int | None
    handoff: HandoffRow | None
    again: bool = False
    "A colleague has just given it back, and it is handed off for the same reason."


def conclude(
    session: Session,
    runtime: AgentRuntime,
    attempt: Attempt,
    subject: Subject,
    outcome: Outcome | NotAdmitted,
    known: HandoffContext | None = None,
) -> Concluded:
    """End the turn.

    Args:
        session: the open write transaction.
        runtime: the agent at work.
        attempt: which ends.
        subject: on whose behalf it was played.
        outcome: what it came to.
        known: what a person gets with a handoff and no row tells.

    Raises:
        Fenced: another attempt has the turn; nothing is written.
    """
    ticket = tickets.lock(session, attempt.ticket.id)  # read again on purpose: the attempt's own is as it began
    outcomes.bind(ticket, subject.account)
    if ticket.state is TicketState.HANDED_OFF:
        # Who fetches a person during a turn stops the turn first, in the same transaction: it is no longer ours.
        raise Fenced(f"turn {attempt.turn_id}: a person has the ticket")
    match outcome:
        case Reply():
            return Concluded(_reply(session, runtime, attempt, ticket, outcome), None)
        case Escalate():
            context = replace(
                known or HandoffContext(),
                accounts=len(subject.accounts),
                of_account=bool(runtime.agent.card.needs_account),
            )
            again = _again(attempt, outcome.reason)
            return Concluded(None, _hand_off(session, runtime, attempt, ticket, outcome, context, again=again), again)
        case NotAdmitted():
            return Concluded(_turn_away(session, runtime, attempt, ticket), None)


def _turn_away(session: Session, runtime: AgentRuntime, attempt: Attempt, ticket: Ticket) -> int | None:
    """End a turn of somebody who may not ask: nothing of theirs stays open, and what was solved before stays so."""
    outcomes.turn_away(ticket)
    return turns.finish(
        session, attempt, outcome=TurnOutcome.REFUSED, reason=None, category=None, release=str(runtime.release)
    )


def _reply(session: Session, runtime: AgentRuntime, attempt: Attempt, ticket: Ticket, outcome: Reply) -> int | None:
    resolution = outcome.resolution
    if resolution is not None:
        outcomes.resolve(ticket, resolution.category, closed=resolution.closed)
        audit.append(
            session,
            "ticket.resolved" if resolution.closed else "ticket.answered",
            actor=f"agent:{runtime.release}",
            subject=ticket.requester,
            ticket_id=ticket.id,
            category=resolution.category,
        )
    elif outcome.thanks and closings.is_final(ticket):
        outcomes.close(ticket)
    category = None if resolution is None else resolution.category
    if outcome.thanks:
        category = ticket.category  # what waits for the directory to agree goes on waiting, and is thanked for again
    return turns.finish(
        session, attempt, outcome=TurnOutcome.REPLY, reason=None, category=category, release=str(runtime.release)
    )


def _again(attempt: Attempt, reason: Reason) -> bool:
    """Say if code ends the turn for the very reason for which the ticket was with whoever gave it back."""
    if reason not in CANNOT_GO_ON:
        return False
    return why_given_back(attempt) is reason


def _hand_off(
    session: Session,
    runtime: AgentRuntime,
    attempt: Attempt,
    ticket: Ticket,
    outcome: Escalate,
    known: HandoffContext,
    *,
    again: bool,
) -> HandoffRow:
    outcomes.contradict(ticket)
    turns.finish(
        session,
        attempt,
        outcome=TurnOutcome.HANDOFF,
        reason=outcome.reason,
        category=None,
        release=str(runtime.release),
    )
    handoff = handoffs.open_for(
        session,
        ticket.id,
        turn_id=attempt.turn_id,
        reason=outcome.reason,
        summary=f"{STILL} {outcome.summary}" if again else outcome.summary,
        context=context_of(session, ticket.id, turn_id=attempt.turn_id, last=attempt.last_handoff, known=known),
        queue_channel=runtime.agent.card.handoff.queue_channel,
        actor=f"agent:{runtime.release}",
    )
    waiting_messages.parked_for_people(session, ticket.id)
    return handoff
