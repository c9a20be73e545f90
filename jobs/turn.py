r"""The path of one turn. READ THIS FIRST.

    begin -> requester? -> may this release serve? -> think and act -> write the outcome down -> say it
      ^                                                   |
      \----- a person has decided <- suspended <----------/ a call needs a person's approval

Four laws of order: commit, then queue; no transaction is open while the model or Slack is waited for;
write down, then act; look again before speaking (that one is in `bot.store.outbox.deliveries.take`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import structlog

from bot.admission import NotAdmitted
from bot.agent import card, model, thanks
from bot.agent.conclusion import Concluded, conclude
from bot.agent.linked import Linked
from bot.agent.loop import AwaitsApproval, NeedsPerson, Outcome, Reply
from bot.agent.runtime import AgentRuntime
from bot.agent.standing_checks import Suspended
from bot.budget.metering import NoRoom
from bot.casework import handoffs as casework
from bot.casework import surge_followers, surging
from bot.errors import Transient
from bot.principals import Effect, Reason
from bot.queue import RUN_TURN, SEE_TO_BUDGETS
from bot.slack.api import status
from bot.slack.handoffs import linked_threads
from bot.slack.money import budget_cards
from bot.slack.requesters import refusals, replies
from bot.slack.sentences import say, spoken_by
from bot.store import audit
from bot.store.db import Session
from bot.store.money import soft_cap_alerts
from bot.store.outbox import messages
from bot.store.schema import MessageKind, TurnOutcome
from bot.store.tickets import steps, tickets, turns
from bot.store.tickets.turns import Attempt, Fenced
from bot.telemetry import spans, turn_record
from bot.telemetry.turn_record import TurnTrace
from bot.tools.registry import REGISTRY
from jobs import approvals, handoff_context, held_back_turns, joined_threads, playing, process, requester, undeliverable
from jobs.engine.deadlines import StopAsked, TimeIsUp
from jobs.process import WorkerContext
from jobs.requester import Asker

log = structlog.get_logger()

_Ended = Outcome | NotAdmitted | Linked
"How a turn ends, or that it waits for a person to allow a call."
WRITERS = frozenset(tool.name for tool in REGISTRY.values() if tool.effect is Effect.WRITE)
"Tools that change an account."


def run_turn(turn_id: int) -> None:
    """Play one turn: exactly one outcome, however often this is tried."""
    ctx = process.current()
    try:
        attempt = _begin(ctx, turn_id)
        if attempt is not None:  # otherwise it is done, or another worker has it
            runtime = ctx.runtime(attempt.ticket.agent)
            bound = structlog.contextvars.bound_contextvars(
                ticket=attempt.ticket.id, turn=turn_id, attempt=attempt.number, release=str(runtime.release)
            )
            with bound, turn_record.kept(_trace(runtime, attempt)):
                _play(ctx, runtime, attempt)
    except Transient as error:
        # The database cannot be reached; upkeep queues the turn again.
        log.warning("turn.interrupted", turn=turn_id, error=str(error))


def _trace(runtime: AgentRuntime, attempt: Attempt) -> TurnTrace | None:
    return spans.of_turn(
        attempt.turn_id,
        ticket_id=attempt.ticket.id,
        attempt=attempt.number,
        agent=runtime.agent.card.name,
        release=str(runtime.release),
        model=runtime.model,
    )


def _begin(ctx: WorkerContext, turn_id: int) -> Attempt | None:
    """Begin an attempt; end a turn whose agent is gone and has no heir, and tell its requester."""
    with ctx.database.write() as session:
        attempt = turns.begin(session, turn_id, worker=process.name(), lease=ctx.settings.deskhand_turn_lease)
    if attempt is None or card.answering(ctx.agents, attempt.ticket.agent) is not None:
        return attempt
    _end_without_agent(ctx, attempt)
    return None


def _end_without_agent(ctx: WorkerContext, attempt: Attempt) -> None:
    ticket = attempt.ticket
    with ctx.database.write() as session:
        stopped = turns.stop(session, ticket.id)
        if stopped is not None:
            audit.append(
                session,
                "turn.ownerless",
                actor=f"worker:{process.name()}",
                subject=ticket.requester,
                ticket_id=ticket.id,
                agent=ticket.agent,
            )
            says = replies.agent_gone(spoken_by(session, ticket.requester))
            linked_threads.in_thread(session, ticket, key=f"ownerless:turn:{stopped}", body=says)
    log.error("turn.orphaned", turn=attempt.turn_id, agent=ticket.agent)
    undeliverable.deliver(ticket.id)


def show_stopped(ticket_id: int) -> None:
    """Show at once that the agent has stopped: the worker that plays the turn notices at the model's next event."""
    ctx = process.current()
    with ctx.database.read() as session:
        ticket, is_under_way = tickets.read(session, ticket_id), turns.is_under_way(session, ticket_id)
    if not is_under_way:  # otherwise its requester has written again
        status.show(ctx.slack, ticket, "active")


def _play(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt) -> None:
    """Take an attempt to its outcome, say it, and queue the turn that comes next."""
    concluded = Concluded(attempt.ticket, None, None)
    try:
        with _leased(ctx, attempt):
            concluded = _take_to_outcome(ctx, runtime, attempt)
    except (Fenced, StopAsked):
        log.warning("turn.fenced")  # its requester stopped it, or its lease expired
        say_stopped(ctx, attempt)
    except Transient as error:
        log.warning("turn.delayed", error=str(error))
        with ctx.database.write() as session:
            turns.put_back(session, attempt, after=error.retry_after or 0.0, no_room=isinstance(error, NoRoom))
        say_stopped(ctx, attempt)
        return
    undeliverable.deliver(attempt.ticket.id)
    status.show(ctx.slack, attempt.ticket, "active" if concluded.approval is None else "suspended")
    if concluded.approval is not None:
        approvals.see_to(ctx, concluded.approval)
    if concluded.next_turn is not None:
        _queue(ctx, RUN_TURN, concluded.next_turn)
    held_back_turns.queue_next(ctx, attempt.ticket.team, attempt.ticket.requester, attempt.ticket.agent)


def say_stopped(ctx: WorkerContext, attempt: Attempt) -> None:
    """Send "Stopped." if the turn was stopped in this attempt: only now has its last step ended."""
    with ctx.database.write() as session:
        if not turns.was_stopped(session, attempt):
            return
        key = replies.stopped_key(attempt.turn_id)
        if not steps.done_after_stop(session, attempt.turn_id).isdisjoint(WRITERS):
            language = spoken_by(session, attempt.ticket.requester)
            messages.revise(session, key, replies.stopped(went_through=True, language=language))
        messages.make_due(session, key)
    accepted_at, waited = attempt.accepted_at, attempt.waited
    spans.turn_ended(
        attempt.turn_id, outcome=TurnOutcome.WITHDRAWN, reason=None, accepted_at=accepted_at, waited=waited
    )


def _take_to_outcome(ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt) -> Concluded:
    """Find the outcome and write it down with its messages; return what is left to do."""
    try:
        status.show(ctx.slack, attempt.ticket, "processing")
        joined = joined_threads.read(ctx, runtime, attempt)
        if joined.ended:
            return Concluded(attempt.ticket, joined.next_turn, None)
        attempt = joined.attempt
        asker = requester.find_out(ctx, runtime, attempt)
        return _write_down(ctx, runtime, attempt, asker, playing.outcome(ctx, runtime, attempt, asker))
    except (Fenced, Transient):
        raise
    except (Exception, TimeIsUp) as bug:  # whatever it is, the requester must get an answer
        error_id = uuid4().hex[:8]
        log.exception("turn.crashed", error_id=error_id, error=type(bug).__name__)
        outcome = NeedsPerson(Reason.ERROR, f"Something broke on our side (error {error_id}, in the logs).")
        return _write_down(ctx, runtime, attempt, requester.unknown(attempt), outcome)


def _write_down(
    ctx: WorkerContext, runtime: AgentRuntime, attempt: Attempt, asker: Asker, outcome: _Ended
) -> Concluded:
    """End or suspend the turn with its outcome and its messages, in one transaction."""
    for_people = isinstance(outcome, NeedsPerson | AwaitsApproval)
    known = handoff_context.of(ctx, runtime, attempt, asker) if for_people else None
    try:
        with ctx.database.write() as session:
            outcome, beginning = surging.decide(session, runtime, attempt, outcome)
            concluded = conclude(session, runtime, attempt, asker.subject, outcome, known)
            if isinstance(asker.who, NotAdmitted):
                _note_refusal(session, runtime, attempt, asker.who)
            if beginning is not None and concluded.handoff is not None:
                surging.begin(session, runtime.agent, concluded.handoff, beginning)
            _say(session, runtime, attempt, concluded, outcome)
            approvals.settle(session, runtime, attempt, outcome, known)
    except Suspended as suspended:
        return _write_down(ctx, runtime, attempt, asker, suspended.outcome)
    if concluded.approval is None:
        log.info("turn.finished", outcome=type(outcome).__name__)
    else:
        log.info("turn.suspended", approval=concluded.approval)
    if concluded.handoff is not None:
        status.show(ctx.slack, attempt.ticket, "active")  # before anybody can see the card and claim
    if isinstance(outcome, NeedsPerson) and outcome.reason is Reason.BUDGET:
        _queue(ctx, SEE_TO_BUDGETS, attempt.ticket.id)
    return concluded


def _note_refusal(session: Session, runtime: AgentRuntime, attempt: Attempt, who: NotAdmitted) -> None:
    audit.append(
        session,
        "requester.refused",
        actor=f"agent:{runtime.release}",
        subject=attempt.ticket.requester,
        ticket_id=attempt.ticket.id,
        turn=attempt.turn_id,
        why=who.why,
        because=who.because,
        to_person=who.to_person,
    )


def _say(session: Session, runtime: AgentRuntime, attempt: Attempt, concluded: Concluded, outcome: _Ended) -> None:
    """Store the messages of the outcome, in the transaction that ends the turn."""
    ticket, handoff = concluded.ticket, concluded.handoff
    language = spoken_by(session, ticket.requester)
    footers = budget_cards.footers(
        soft_cap_alerts.of_turn(session, attempt.turn_id), private=ticket.private, language=language
    )
    if handoff is not None and isinstance(outcome, NeedsPerson):
        casework.opened(
            session,
            handoff,
            ticket,
            runtime.agent.card.handoff,
            until=outcome.until,
            occasion="again" if concluded.again else "usual",
            footers=() if outcome.reason is Reason.BUDGET else footers,  # its notice says more: all is used up
        )
    elif isinstance(outcome, NotAdmitted):
        refusals.tell(
            session,
            key=f"turn:{attempt.turn_id}",
            user=ticket.requester,
            channel=ticket.channel,
            thread_ts=ticket.thread_ts,
            private=ticket.private,
            text=say(f"refused.{outcome.why}", language),
            ticket_id=ticket.id,
        )
    elif isinstance(outcome, Linked):
        surge_followers.tell_linked(session, ticket, outcome)
    elif isinstance(outcome, Reply):
        courtesy = outcome.resolution is None and thanks.is_courtesy(attempt.heard)
        judged = None if outcome.thanks or courtesy else attempt.turn_id
        messages.add(
            session,
            key=replies.answer_key(attempt.turn_id),
            kind=MessageKind.REPLY,
            lane=linked_threads.thread_lane(ticket),
            channel=ticket.channel,
            thread_ts=ticket.thread_ts,
            body=replies.reply(outcome.text, turn_id=judged, footers=footers, language=language),
            bot_voice=True,
            ticket_id=ticket.id,
            turn_id=attempt.turn_id,
        )


@contextmanager
def _leased(ctx: WorkerContext, attempt: Attempt) -> Iterator[None]:
    """Renew the lease while the block runs; if it is lost while the model answers, the answer is cut off."""
    with ctx.leases.turn(attempt) as lease:
        before = model.CANCELLATION.set(lease.check)
        try:
            yield
        finally:
            model.CANCELLATION.reset(before)


def _queue(ctx: WorkerContext, job: str, argument: int) -> None:
    try:
        ctx.queue.put(job, argument)
    except Transient as error:
        log.warning("job.not_queued", job=job, error=str(error))  # the clock finds the row
