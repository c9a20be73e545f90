"""What is due of approvals and their proofs, and what waits for approvers."""

from collections.abc import Collection, Sequence

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from bot.store.approvals.approvals import ACTIVE
from bot.store.schema import Approval, ApprovalState, Proof, ProofState, Ticket, Turn, TurnState, now
from bot.store.sql import prebuilt

_AT_ONCE = 200
"The most rows of one look; the next look takes the rest."
_SUSPENDED = and_(Turn.suspended_at.is_not(None), Turn.state == TurnState.WAITING)
_UNDER_WAY = select(
    or_(
        exists().where(Approval.state.in_(ACTIVE)),
        exists().where(Proof.state == ProofState.ASKED),
        exists().where(_SUSPENDED),
    )
)


def any_under_way(session: Session) -> bool:
    """Return whether anything here can be due: an approval is active, a proof is asked for, or a turn is suspended."""
    return bool(prebuilt.rows(session, _UNDER_WAY).scalar_one())


def due(session: Session) -> Sequence[int]:
    """Return the ids of approvals whose time is up, and of those that are proving and have no proof asked for."""
    asked = exists().where(Proof.approval_id == Approval.id, Proof.state == ProofState.ASKED)
    over = and_(Approval.state.in_([ApprovalState.ASKED, ApprovalState.APPROVED]), Approval.expires_at <= now())
    unproved = and_(Approval.state == ApprovalState.PROVING, ~asked)
    return session.scalars(select(Approval.id).where(or_(over, unproved)).order_by(Approval.id).limit(_AT_ONCE)).all()


def due_proofs(session: Session) -> Sequence[int]:
    """Return the ids of proofs that nobody has answered in time."""
    over = and_(Proof.state == ProofState.ASKED, Proof.expires_at <= now())
    return session.scalars(select(Proof.id).where(over).order_by(Proof.id).limit(_AT_ONCE)).all()


def challenges(session: Session) -> Sequence[tuple[Proof, Approval]]:
    """Return the proofs that the directory is to ask for, each with its approval."""
    query = select(Proof, Approval).join(Approval, Approval.id == Proof.approval_id)
    asked = query.where(Proof.state == ProofState.ASKED, Proof.key.is_not(None), Proof.expires_at > now())
    return [(proof, approval) for proof, approval in session.execute(asked.order_by(Proof.id).limit(_AT_ONCE))]


def to_resume(session: Session) -> Sequence[int]:
    """Return the ids of suspended turns whose approval is no longer awaited."""
    awaited = exists().where(
        Approval.turn_id == Turn.id, Approval.state.in_([ApprovalState.PROVING, ApprovalState.ASKED])
    )
    query = select(Turn.id).where(_SUSPENDED, ~awaited)
    return session.scalars(query.order_by(Turn.id).limit(_AT_ONCE)).all()


def without_turn(session: Session) -> Sequence[tuple[Approval, Ticket]]:
    """Return the active approvals whose turn was ended by something else, each with its ticket."""
    query = (
        select(Approval, Ticket).join(Ticket, Ticket.id == Approval.ticket_id).join(Turn, Turn.id == Approval.turn_id)
    )
    left = query.where(Approval.state.in_(ACTIVE), Turn.state == TurnState.DONE)
    return [(approval, ticket) for approval, ticket in session.execute(left.order_by(Approval.id).limit(_AT_ONCE))]


def waiting_for(session: Session, agents: Collection[str]) -> Sequence[tuple[Approval, Ticket]]:
    """Return what waits for the approvers of these agents, the most urgent first, each with its ticket."""
    query = select(Approval, Ticket).join(Ticket, Ticket.id == Approval.ticket_id)
    asked = query.where(Approval.state == ApprovalState.ASKED, Approval.expires_at > now(), Ticket.agent.in_(agents))
    return [
        (approval, ticket) for approval, ticket in session.execute(asked.order_by(Approval.expires_at, Approval.id))
    ]


def active_of_agent(session: Session, agent: str) -> Sequence[int]:
    """Return the ids of approvals of an agent that can still lead to a call."""
    query = select(Approval.id).where(Approval.agent == agent, Approval.state.in_(ACTIVE))
    return session.scalars(query.order_by(Approval.id)).all()
