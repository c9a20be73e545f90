"""What approvals need that no person does: proofs are asked for, answers read, time runs out, and turns go on.

Everything is found in the rows, so a round that was missed loses nothing, and of two clocks each thing is done
once. The directory and Slack are asked with no transaction open.
"""

from collections.abc import Callable
from typing import TypeVar, assert_never

import structlog

from bot.agent import card
from bot.agent.loop import AwaitsApproval, NeedsPerson
from bot.agent.runtime import AgentRuntime
from bot.casework import approvals as casework
from bot.errors import Refused, Transient
from bot.principals import ChallengeState, Reason
from bot.queue import RUN_TURN
from bot.store.approvals import approvals, proofs, waiting
from bot.store.approvals.approval_moves import ApprovalMoved, ApprovalNotMoved
from bot.store.db import Session
from bot.store.installation import agents as principals
from bot.store.schema import Approval, ApprovalState, HandoffContext, Proof, Ticket, TicketState, WithdrawCause, now
from bot.store.tickets import suspended_turns, tickets
from bot.store.tickets.turns import Attempt
from jobs import proof_questions, undeliverable
from jobs.process import WorkerContext

log = structlog.get_logger()

OPERATOR, CLOCK = "operator", "clock"
"Who withdraws an approval, in the audit log."
_Found = TypeVar("_Found")


def look(ctx: WorkerContext) -> None:
    """Do what is due of every approval.

    Raises:
        Transient: the database cannot be reached.
    """
    if not _read(ctx, waiting.any_under_way):
        return
    for proof, approval in _read(ctx, waiting.challenges):
        _alone(approval.id, lambda proof=proof, approval=approval: _read_answer(ctx, proof, approval))  # type: ignore[misc]
    for proof_id in _read(ctx, waiting.due_proofs):
        with ctx.database.write() as session:
            casework.proof_expired(session, proof_id)
    for approval_id in _read(ctx, waiting.due):
        see_to(ctx, approval_id)
    _withdraw(ctx)
    for turn_id in _read(ctx, waiting.to_resume):  # its move was made, and whoever made it died before this
        with ctx.database.write() as session:
            resumed = suspended_turns.resume(session, turn_id)
        if resumed:
            _queue(ctx, turn_id)


def see_to(ctx: WorkerContext, approval_id: int) -> None:
    """Ask for the next proof of an approval, or end it when its time is up or nothing can be proved any more.

    What cannot be done now is done by a later look.
    """
    _alone(approval_id, lambda: _go_on(ctx, approval_id))


def settle(
    session: Session, runtime: AgentRuntime, attempt: Attempt, outcome: object, known: HandoffContext | None
) -> None:
    """Say what a turn waits for, or what has become of its approvals, in the transaction that suspends or ends it.

    A person who gets the ticket decides by themselves, so an approval that the ticket still waits for is void.

    Args:
        session: the open write transaction.
        runtime: the agent and what it works with.
        attempt: the attempt that ends.
        outcome: how the turn goes on or ends.
        known: where the request is, and whether it is kept from the queue channel.
    """
    if isinstance(outcome, AwaitsApproval):
        about, queue_channel = known or HandoffContext(), runtime.agent.card.handoff.queue_channel
        casework.opened(
            session, outcome.approval_id, queue_channel=queue_channel, link=about.link, withheld=about.withheld
        )
    if isinstance(outcome, NeedsPerson) and runtime.agent.card.approvals:
        active = approvals.active_of(session, attempt.ticket.id)
        suspended = outcome.reason is Reason.AGENT_SUSPENDED
        if active is not None:
            cause = WithdrawCause.SUSPENDED if suspended else WithdrawCause.TAKEN
            casework.withdraw(session, active.id, by=f"agent:{runtime.release}", cause=cause)
    if attempt.waited:
        for approval in approvals.of_turn(session, attempt.turn_id):
            casework.refresh(session, approval.id)


def _go_on(ctx: WorkerContext, approval_id: int) -> None:
    with ctx.database.look() as session:
        approval, asked = approvals.find(session, approval_id), proofs.of_approval(session, approval_id)
    if approval is None:
        return
    agent = card.answering(ctx.agents, approval.agent)
    terms = None if agent is None else agent.card.approvals.get(approval.tool)
    if approval.state is ApprovalState.PROVING and agent is not None and terms is not None:
        question = proof_questions.next_of(ctx, approval, agent, terms, asked={one.kind for one in asked})
        if question is not None:
            with ctx.database.write() as session:
                proof = casework.ask_proof(
                    session,
                    approval_id,
                    question.kind,
                    asked_of=question.asked_of,
                    minutes=terms.proof_minutes,
                    manager=question.manager,
                    number=question.number,
                    key=question.key,
                )
            if proof is not None and proof.key is not None:
                _read_answer(ctx, proof, approval)
            undeliverable.deliver(approval.ticket_id)
            return
    with ctx.database.write() as session:
        moved = casework.expire(session, approval_id)
    _moved(ctx, moved)


def _read_answer(ctx: WorkerContext, proof: Proof, approval: Approval) -> None:
    """Send a challenge to the requester's remaining factor, or take its answer."""
    key = str(proof.key)
    state = ctx.directory.challenge_state(key)
    match state:
        case ChallengeState.ASKED:
            return
        case None:
            _send(ctx, proof, approval, key)
            return
        case ChallengeState.CONFIRMED:
            with ctx.database.write() as session:
                casework.proved(session, proof.id, by=casework.DIRECTORY)
        case ChallengeState.REFUSED:
            with ctx.database.write() as session:
                casework.disproved(session, proof.id, by=casework.DIRECTORY)
            _queue(ctx, approval.turn_id)
        case ChallengeState.EXPIRED:
            with ctx.database.write() as session:
                casework.proof_expired(session, proof.id, unanswerable=True)
        case _:
            assert_never(state)
    undeliverable.deliver(approval.ticket_id)


def _send(ctx: WorkerContext, proof: Proof, approval: Approval, key: str) -> None:
    """Send a challenge; a proof that the directory cannot ask for is over, and the next one is asked for."""
    seconds = (proof.expires_at - now()).total_seconds()
    account, factor, number = str(approval.account_id), str(proof.asked_of), str(proof.number)
    try:
        ctx.directory.challenge(account, factor, key=key, number=number, seconds=seconds)
    except Refused as refusal:
        log.warning("challenge.refused", approval=approval.id, factor=factor, why=str(refusal))
        with ctx.database.write() as session:
            casework.proof_expired(session, proof.id, unanswerable=True)


def _withdraw(ctx: WorkerContext) -> None:
    """Withdraw the approvals of suspended agents, and those whose turn was ended by something else."""
    with ctx.database.look() as session:
        idle = [one for name in principals.lasting(session) for one in waiting.active_of_agent(session, name)]
        left = [(approval.id, _cause(session, ticket)) for approval, ticket in waiting.without_turn(session)]
    for approval_id in idle:
        with ctx.database.write() as session:
            moved = casework.withdraw(session, approval_id, by=OPERATOR, cause=WithdrawCause.SUSPENDED)
        _moved(ctx, moved)
    for approval_id, cause in left:
        with ctx.database.write() as session:
            moved = casework.withdraw(session, approval_id, by=CLOCK, cause=cause)
        _moved(ctx, moved)


def _cause(session: Session, ticket: Ticket) -> WithdrawCause:
    """Return why a turn that waited for an approval has ended."""
    if ticket.state is TicketState.HANDED_OFF:
        return WithdrawCause.TAKEN
    return WithdrawCause.TAKEN_BACK if tickets.has_words_left(session, ticket.id) else WithdrawCause.DELETED


def _moved(ctx: WorkerContext, moved: ApprovalMoved | ApprovalNotMoved) -> None:
    """Say what a move has to say, and queue the turn that goes on with it."""
    if isinstance(moved, ApprovalNotMoved):
        return
    undeliverable.deliver(moved.approval.ticket_id)
    turn_id = casework.goes_on(moved)
    if turn_id is not None:
        _queue(ctx, turn_id)


def _alone(approval_id: int, do: Callable[[], None]) -> None:
    """Do something for one approval, so that what fails with it does not stop the others."""
    try:
        do()
    except Transient as error:
        log.warning("approval.delayed", approval=approval_id, error=str(error))
    except Exception as bug:
        log.exception("approval.crashed", approval=approval_id, error=type(bug).__name__)


def _read(ctx: WorkerContext, ask: Callable[[Session], _Found]) -> _Found:
    with ctx.database.look() as session:
        return ask(session)


def _queue(ctx: WorkerContext, turn_id: int) -> None:
    try:
        ctx.queue.put(RUN_TURN, turn_id)
    except Transient as error:
        log.warning("job.not_queued", job=RUN_TURN, error=str(error))  # upkeep finds the row
