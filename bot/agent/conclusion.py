"""Writing an outcome down: the turn ends, the ticket is settled, a handoff gets its context.

It is one transaction, so a turn is never done without its outcome. The caller adds what is then said in Slack to the
same transaction.

The agent does not hand off twice in a row for the same reason. The loop refuses what the model decides. What code
decides before or around the model still ends the turn, since every turn must end, but card and notice then say that the
ticket was given back and the agent still cannot go on.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from bot.admission import NotAdmitted
from bot.agent import standing_checks
from bot.agent.attempt import why_given_back
from bot.agent.context import context_of
from bot.agent.linked import Linked, LinkKind
from bot.agent.loop import AwaitsApproval, NeedsPerson, Outcome, Reply
from bot.agent.runtime import AgentRuntime
from bot.errors import Transient
from bot.principals import Reason, Subject
from bot.store import audit
from bot.store.db import Session
from bot.store.handoffs import closings, handoffs
from bot.store.schema import Handoff as HandoffRow
from bot.store.schema import HandoffContext, InboxKind, Ticket, TicketState, TurnOutcome
from bot.store.tickets import followers, outcomes, suspended_turns, tickets, turns, waiting_messages
from bot.store.tickets.turns import Attempt, Fenced

CANNOT_GO_ON = frozenset(
    {
        Reason.NOT_RELEASED,
        Reason.AGENT_SUSPENDED,
        Reason.NOT_PERMITTED,
        Reason.IDENTITY_MISMATCH,
        Reason.BUDGET,
        Reason.BUSY,
        Reason.MODEL_UNAVAILABLE,
        Reason.ERROR,
    }
)
"Reasons that code finds by itself; a colleague's note does not change them."
STILL = "Given back by a colleague, but the agent still cannot go on:"


@dataclass(frozen=True, slots=True)
class Concluded:
    """What is left to do after an outcome was written down."""

    ticket: Ticket
    "As it is now, locked."
    next_turn: int | None
    handoff: HandoffRow | None
    approval: int | None = None
    "The approval that the turn waits for; None: the turn is done."
    again: bool = False
    "True if a colleague has just given the ticket back, and it is handed off for the same reason."


def conclude(
    session: Session,
    runtime: AgentRuntime,
    attempt: Attempt,
    subject: Subject,
    outcome: Outcome | NotAdmitted | Linked,
    known: HandoffContext | None = None,
) -> Concluded:
    """End the turn and write its outcome down.

    Args:
        session: the open write transaction.
        runtime: the agent and what it works with.
        attempt: the attempt that ends.
        subject: on whose behalf it was played.
        outcome: how the turn ends.
        known: context of a handoff that is in no row.

    Raises:
        Fenced: another attempt has the turn; nothing is written.
        Suspended: the agent was suspended during its last step, so what it would answer is a person's.
        Transient: the surge that the turn was to be linked to is over by now; the agent plays it after all.
    """
    ticket = tickets.lock(session, attempt.ticket.id)  # read again: the attempt's copy is as old as the attempt
    if ticket.state is TicketState.HANDED_OFF:
        # A person who takes the ticket during a turn stops the turn in the same transaction, so it is not ours to end.
        raise Fenced(f"turn {attempt.turn_id}: a person has the ticket")
    if isinstance(outcome, Reply) and not outcome.thanks:
        standing_checks.check(session, runtime)
    outcomes.bind(ticket, subject.account)
    match outcome:
        case Reply():
            return Concluded(ticket, _reply(session, runtime, attempt, ticket, outcome), None)
        case NeedsPerson():
            accounts, context = len(subject.accounts), known or HandoffContext()
            return _hand_off(session, runtime, attempt, ticket, outcome, context, accounts=accounts)
        case AwaitsApproval():
            return _suspend(session, runtime, attempt, ticket, outcome)
        case NotAdmitted():
            return Concluded(ticket, _turn_away(session, runtime, attempt, ticket), None)
        case Linked():
            return Concluded(ticket, _link(session, runtime, attempt, ticket, outcome), None)
        case _:
            assert_never(outcome)


def _suspend(
    session: Session, runtime: AgentRuntime, attempt: Attempt, ticket: Ticket, outcome: AwaitsApproval
) -> Concluded:
    """Let the turn wait for a person to allow a call."""
    standing_checks.check(session, runtime)
    suspended_turns.suspend(session, attempt)
    return Concluded(ticket, None, None, outcome.approval_id)


def _turn_away(session: Session, runtime: AgentRuntime, attempt: Attempt, ticket: Ticket) -> int | None:
    """End a turn of somebody who may not ask: none of it stays open, and what was solved before stays solved."""
    outcomes.turn_away(ticket)
    return turns.finish(
        session, attempt, outcome=TurnOutcome.REFUSED, reason=None, category=None, release=str(runtime.release)
    )


def _link(session: Session, runtime: AgentRuntime, attempt: Attempt, ticket: Ticket, linked: Linked) -> int | None:
    """End a turn that waits for a surge, or that its requester no longer needs."""
    if followers.join(session, ticket, linked.surge_id) is None:
        raise Transient(f"surge {linked.surge_id} is over, or ticket {ticket.id} has left it")
    if linked.kind is LinkKind.SOLVED:
        followers.leave(session, ticket, why="solved")
        outcomes.close(ticket)
    else:
        outcomes.contradict(ticket, _written_at(attempt, ticket))
    outcome, reason = TurnOutcome.LINKED, linked.reason
    return turns.finish(session, attempt, outcome=outcome, reason=reason, category=None, release=str(runtime.release))


def _reply(session: Session, runtime: AgentRuntime, attempt: Attempt, ticket: Ticket, outcome: Reply) -> int | None:
    resolution = outcome.resolution
    if resolution is not None:
        written_at = _written_at(attempt, ticket)
        outcomes.resolve(ticket, resolution.category, closed=resolution.closed, written_at=written_at)
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
    elif not outcome.thanks and ticket.state is TicketState.OPEN:  # else they had written it before the resolution
        outcomes.contradict(ticket, _written_at(attempt, ticket))
    category = None if resolution is None else resolution.category
    if outcome.thanks:
        category = ticket.category  # if the ticket still waits for the directory to agree, it goes on waiting
    return turns.finish(
        session, attempt, outcome=TurnOutcome.REPLY, reason=None, category=category, release=str(runtime.release)
    )


def _written_at(attempt: Attempt, ticket: Ticket) -> datetime:
    """Return when the requester wrote what the turn answers: the first of it since the last resolution."""
    times = [event.received_at for event in attempt.heard if event.kind is InboxKind.MESSAGE]
    since = [at for at in times if ticket.resolved_at is None or at > ticket.resolved_at]
    return min(since, default=attempt.accepted_at)  # an edited message is as old as its first words


def _again(attempt: Attempt, reason: Reason) -> bool:
    """Return whether code ends the turn for the reason for which the ticket was with the colleague who gave it back."""
    if reason not in CANNOT_GO_ON:
        return False
    return why_given_back(attempt) is reason


def _hand_off(
    session: Session,
    runtime: AgentRuntime,
    attempt: Attempt,
    ticket: Ticket,
    outcome: NeedsPerson,
    known: HandoffContext,
    *,
    accounts: int,
) -> Concluded:
    known = replace(known, accounts=accounts, of_account=bool(runtime.agent.card.needs_account))
    again = _again(attempt, outcome.reason)
    outcomes.contradict(ticket, _written_at(attempt, ticket))
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
    return Concluded(ticket, None, handoff, again=again)
