"""The moves of a handoff; replayed in order they give its present state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.schema import HandoffMove, HandoffState, MoveKind


@dataclass(frozen=True, slots=True)
class ReplayedHandoff:
    """The state of a handoff after its moves."""

    state: HandoffState
    holder: str | None
    "Who has the handoff, or had it when it ended."
    expiries: int = 0
    openings: int = 1
    escalation_level: int = 0


def of_handoff(session: Session, handoff_id: int) -> Sequence[HandoffMove]:
    """Return the moves of a handoff in order."""
    query = select(HandoffMove).where(HandoffMove.handoff_id == handoff_id).order_by(HandoffMove.id)
    return session.scalars(query).all()


def replay(moves: Iterable[HandoffMove]) -> ReplayedHandoff:
    """Return the state of a handoff after these moves.

    Raises:
        ValueError: there are none, the first one does not open the handoff, or a later one does.
    """
    at: ReplayedHandoff | None = None
    for move in moves:
        at = _after(at, move)
    if at is None:
        raise ValueError("no history")
    return at


def _after(at: ReplayedHandoff | None, move: HandoffMove) -> ReplayedHandoff:
    if at is None:
        if move.move is not MoveKind.OPENED:
            raise ValueError(f"a history that begins with {move.move}")
        return ReplayedHandoff(HandoffState.OPEN, None)
    match move.move:
        case MoveKind.CLAIMED:
            return replace(at, state=HandoffState.CLAIMED, holder=move.actor)
        case MoveKind.REASSIGNED:
            return replace(at, holder=move.detail["to"])
        case MoveKind.UNCLAIMED | MoveKind.EXPIRED:
            expiries = at.expiries + (move.move is MoveKind.EXPIRED)
            return ReplayedHandoff(HandoffState.OPEN, None, expiries=expiries, openings=at.openings + 1)
        case MoveKind.ESCALATED:
            return replace(at, escalation_level=at.escalation_level + 1)
        case MoveKind.RESOLVED | MoveKind.RETURNED | MoveKind.CANCELLED:
            return replace(at, state=HandoffState(move.move))
        case MoveKind.RENEWED | MoveKind.WARNED:
            return at
        case MoveKind.OPENED:
            raise ValueError("a handoff that is opened twice")
        case _:
            assert_never(move.move)
