"""The moves of a handoff, and what they come to: replayed in order they give its present state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.schema import HandoffMove


@dataclass(frozen=True, slots=True)
class ReplayedHandoff:
    """What a history comes to."""

    state: str
    holder: str | None
    "Who has it, or had it when it ended."
    lapses: int = 0
    openings: int = 1
    rung: int = 0


def of_handoff(session: Session, handoff_id: int) -> Sequence[HandoffMove]:
    """Return the moves of a handoff in order."""
    query = select(HandoffMove).where(HandoffMove.handoff_id == handoff_id).order_by(HandoffMove.id)
    return session.scalars(query).all()


def replay(moves: Iterable[HandoffMove]) -> ReplayedHandoff:
    """Return what a history comes to.

    Raises:
        ValueError: it holds a move that is none, or does not begin with the first.
    """
    at: ReplayedHandoff | None = None
    for move in moves:
        at = _after(at, move)
    if at is None:
        raise ValueError("no history")
    return at


def _after(at: ReplayedHandoff | None, move: HandoffMove) -> ReplayedHandoff:
    if at is None:
        if move.move != "opened":
            raise ValueError(f"a history that begins with {move.move}")
        return ReplayedHandoff("open", None)
    match move.move:
        case "claimed":
            return replace(at, state="claimed", holder=move.actor)
        case "reassigned":
            return replace(at, holder=move.detail["to"])
        case "released" | "lapsed":
            lapses = at.lapses + (move.move == "lapsed")
            return ReplayedHandoff("open", None, lapses=lapses, openings=at.openings + 1)
        case "climbed":
            return replace(at, rung=at.rung + 1)
        case "resolved" | "returned" | "cancelled":
            return replace(at, state=move.move)
        case "renewed" | "warned":
            return at
        case unknown:
            raise ValueError(f"no such move: {unknown}")
