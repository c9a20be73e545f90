"""The journal of a turn: every model and tool call, written before it leaves and after it answered.

A later attempt replays the finished steps instead of making them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Step, StepKind, StepStatus, Ticket, Turn, TurnState, now
from bot.store.sql import prebuilt
from bot.store.tickets import quotes, turns
from bot.store.tickets.turns import Attempt, Fenced

_FINISH = (
    update(Step)
    .where(
        Step.turn_id == bindparam("of_turn"),
        Step.seq == bindparam("number"),
        Step.attempt == bindparam("by_attempt"),
        Step.response.is_(None),
    )
    .returning(Step.id)
)

_DONE = (
    select(Step.turn_id, Step.name, Step.response)
    .join(Turn, Turn.id == Step.turn_id)
    .where(Turn.ticket_id == bindparam("ticket"), Step.kind == StepKind.TOOL, Step.status == StepStatus.OK)
    .order_by(Step.turn_id, Step.seq)
)

_UNSEEN = and_(
    Step.response.is_(None),
    Step.kind == StepKind.TOOL,
    Turn.state == TurnState.DONE,
    Turn.finished_at < bindparam("done_before"),
)
_ANY_UNSEEN = select(Step.id).join(Turn, Turn.id == Step.turn_id).where(_UNSEEN).limit(1)
_TO_END = (
    select(Step, Ticket)
    .join(Turn, Turn.id == Step.turn_id)
    .join(Ticket, Ticket.id == Turn.ticket_id)
    .where(_UNSEEN)
    .order_by(Step.id)
    .limit(100)
    .with_for_update(of=Step, skip_locked=True)
)

_TAKEN = (
    select(Step.turn_id, Step.kind, Step.name, Step.status, Step.response, Step.cost_nusd)
    .join(Turn, Turn.id == Step.turn_id)
    .where(Turn.ticket_id == bindparam("ticket"))
    .order_by(Step.turn_id, Step.seq)
)


class TakenStep(NamedTuple):
    """A step without what was asked: a model call's prompt is the whole conversation."""

    turn_id: int
    kind: StepKind
    name: str
    status: StepStatus
    response: dict[str, Any] | None
    "None while the call is under way."
    cost_nusd: int


@dataclass(frozen=True, slots=True)
class DoneCall:
    """A tool call that succeeded."""

    turn_id: int
    tool: str
    response: dict[str, Any] | None


def write_key(turn_id: int, seq: int) -> str:
    """Return the idempotency key of a step's write to the directory, the same for every attempt."""
    return f"turn:{turn_id}:{seq}"


def unfinished(session: Session, turn_id: int, seq: int) -> Step | None:
    """Return a step that an attempt started and did not finish, if there is one."""
    query = select(Step).where(Step.turn_id == turn_id, Step.seq == seq, Step.response.is_(None))
    return session.scalars(query).one_or_none()


def start(session: Session, attempt: Attempt, *, seq: int, kind: StepKind, name: str, request: dict[str, Any]) -> None:
    """Write a call down before it leaves; an unfinished one of an earlier attempt is replaced.

    Raises:
        Fenced: another attempt has the turn.
    """
    turns.hold(session, attempt)
    start_held(session, attempt, seq=seq, kind=kind, name=name, request=request)


def start_held(
    session: Session, attempt: Attempt, *, seq: int, kind: StepKind, name: str, request: dict[str, Any]
) -> None:
    """Do the same in a transaction that holds the turn (`turns.hold`)."""
    db.upsert(
        session,
        Step,
        unique=("turn_id", "seq"),
        turn_id=attempt.turn_id,
        seq=seq,
        attempt=attempt.number,
        kind=kind,
        name=name,
        request=request,
        status=StepStatus.STARTED,
        started_at=now(),
    )


def finish(
    session: Session,
    attempt: Attempt,
    *,
    seq: int,
    status: StepStatus,
    response: dict[str, Any],
    tokens: tuple[int, int] = (0, 0),
    cost_nusd: int = 0,
) -> None:
    """Write down the result of a call: status `ok`, `refused` or `failed`, tokens in and out, cost.

    This is allowed even if the requester has stopped the turn meanwhile: no other attempt will see the result.

    Raises:
        Fenced: another attempt has the turn or the step.
    """
    turns.hold(session, attempt, even_stopped=True)
    first = prebuilt.rows(
        session,
        _FINISH,
        of_turn=attempt.turn_id,
        number=seq,
        by_attempt=attempt.number,
        status=status,
        response=response,
        finished_at=now(),
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cost_nusd=cost_nusd,
    ).scalar_one_or_none()
    if first is None:
        raise Fenced(f"turn {attempt.turn_id}: step {seq} does not belong to attempt {attempt.number}")


def any_unseen(session: Session, *, done_before: datetime) -> bool:
    """Return whether `end_unseen` would find any."""
    return prebuilt.rows(session, _ANY_UNSEEN, done_before=done_before).first() is not None


def end_unseen(session: Session, *, done_before: datetime) -> Sequence[tuple[Step, Ticket]]:
    """End the tool calls whose result will never be seen, because their turn was done before that time.

    Return each with its ticket. Of two sweeps at once, each gets others.
    """
    left = session.execute(_TO_END, {"done_before": done_before}).all()
    for step, _ in left:
        step.status, step.response, step.finished_at = (
            StepStatus.UNSEEN,
            {"content": {}, "ok": False, "ends": None},
            now(),
        )
    return [(step, ticket) for step, ticket in left]


def done_after_stop(session: Session, turn_id: int) -> set[str]:
    """Return the tools whose calls were under way when a turn was stopped and succeeded after that."""
    query = (
        select(Step.name)
        .join(Turn, Turn.id == Step.turn_id)
        .where(
            Step.turn_id == turn_id,
            Step.kind == StepKind.TOOL,
            Step.status == StepStatus.OK,
            Step.finished_at >= Turn.finished_at,
        )
    )
    return set(session.scalars(query))


def done_calls(session: Session, ticket_id: int) -> list[DoneCall]:
    """Return the tool calls of a ticket's turns that succeeded, in order."""
    return [DoneCall(*row) for row in prebuilt.rows(session, _DONE, ticket=ticket_id)]


def taken(session: Session, ticket_id: int) -> list[TakenStep]:
    """Return every step of a ticket's turns, in order, without what was asked."""
    return [TakenStep(*row) for row in prebuilt.rows(session, _TAKEN, ticket=ticket_id)]


def of_ticket(session: Session, ticket_id: int) -> Sequence[Step]:
    """Return every step of a ticket's turns, in order."""
    query = select(Step).join(Turn, Turn.id == Step.turn_id).where(Turn.ticket_id == ticket_id)
    return session.scalars(query.order_by(Step.turn_id, Step.seq)).all()


def forget(session: Session, ticket_id: int, deleted: Sequence[str], instead: str) -> None:
    """Remove deleted words from a ticket's journal; prompts go whole, as they are not needed once answered."""
    for step in of_ticket(session, ticket_id):
        if step.kind is StepKind.MODEL:
            step.request = {**step.request, "messages": []}
        step.request, step.response = (_without(value, deleted, instead) for value in (step.request, step.response))


def _without(value: Any, deleted: Sequence[str], instead: str) -> Any:
    """Return a JSON value without quotations of deleted words."""
    if isinstance(value, str):
        for words in deleted:
            value = quotes.requoted(value, words, instead)
        return value
    if isinstance(value, dict):
        return {name: _without(one, deleted, instead) for name, one in value.items()}
    return [_without(one, deleted, instead) for one in value] if isinstance(value, list) else value
