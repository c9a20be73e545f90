"""The journal of a turn: every model and tool call, written before it leaves and after it answered.

A later attempt replays the finished steps instead of making them again.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.store import turns
from bot.store.schema import Step, Turn, now
from bot.store.turns import Attempt


def finished(session: Session, turn_id: int, seq: int) -> Step | None:
    """Return a step of a turn that has its answer: a later attempt replays it."""
    query = select(Step).where(Step.turn_id == turn_id, Step.seq == seq, Step.response.is_not(None))
    return session.scalars(query).one_or_none()


def unfinished(session: Session, turn_id: int, seq: int) -> Step | None:
    """Return a step that an attempt began and never finished."""
    query = select(Step).where(Step.turn_id == turn_id, Step.seq == seq, Step.response.is_(None))
    return session.scalars(query).one_or_none()


def start(session: Session, attempt: Attempt, *, seq: int, kind: str, name: str, request: dict[str, Any]) -> None:
    """Write a call down before it leaves; an unfinished one of an earlier attempt is taken over.

    Raises:
        Fenced: another attempt has the turn.
    """
    turns.hold(session, attempt)
    step = session.scalars(select(Step).where(Step.turn_id == attempt.turn_id, Step.seq == seq)).one_or_none()
    if step is None:
        step = Step(turn_id=attempt.turn_id, seq=seq)
        session.add(step)
    step.attempt, step.kind, step.name, step.request = attempt.number, kind, name, request
    step.status, step.started_at = "started", now()


def finish(
    session: Session,
    attempt: Attempt,
    *,
    seq: int,
    status: str,
    response: dict[str, Any],
    tokens: tuple[int, int] = (0, 0),
    cost_nusd: int = 0,
) -> None:
    """Write down what a call gave: status `ok`, `refused` or `failed`, tokens in and out, cost.

    Raises:
        Fenced: another attempt has the turn.
    """
    turns.hold(session, attempt)
    session.execute(
        update(Step)
        .where(Step.turn_id == attempt.turn_id, Step.seq == seq)
        .values(
            status=status,
            response=response,
            finished_at=now(),
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            cost_nusd=cost_nusd,
        )
    )


def cost_of(session: Session, turn_id: int) -> int:
    """Return what a turn has cost so far, in nano-USD."""
    return int(session.scalars(select(func.coalesce(func.sum(Step.cost_nusd), 0)).where(Step.turn_id == turn_id)).one())


def of_ticket(session: Session, ticket_id: int) -> Sequence[Step]:
    """Return every step taken for a ticket, in order."""
    query = select(Step).join(Turn, Turn.id == Step.turn_id).where(Turn.ticket_id == ticket_id)
    return session.scalars(query.order_by(Step.turn_id, Step.seq)).all()
