"""What turns did that have ended, in the order of their ends: calls and models, for what looks at each turn by itself.

Arguments of tools and the words of people stay in the store: a call is known by its tool and a hash.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, CursorResult, bindparam, select, tuple_
from sqlalchemy.orm import Session

from bot.store.figures.first_turns import SETTLED
from bot.store.figures.watermarks import TurnMark
from bot.store.schema import Step, StepKind, StepStatus, Ticket, Turn, now
from bot.store.sql import prebuilt

_FINISHED = (
    select(Turn.id, Turn.ticket_id, Ticket.agent, Turn.release, Turn.finished_at, Turn.failures)
    .join(Ticket, Ticket.id == Turn.ticket_id)
    .order_by(Turn.finished_at, Turn.id)
)
_TURNS: BindParameter[int] = bindparam("turns", expanding=True)
_MARK = tuple_(bindparam("at", type_=Turn.finished_at.type), bindparam("turn", type_=Turn.id.type))
_AFTER = _FINISHED.where(
    tuple_(Turn.finished_at, Turn.id) > _MARK,
    Turn.finished_at <= bindparam("until"),
).limit(bindparam("most"))
_OF = _FINISHED.where(Turn.id.in_(_TURNS))
_STEPS = (
    select(
        Step.turn_id,
        Step.kind,
        Step.name,
        Step.status,
        Step.response["content"],
        Step.response["usage"]["model"].as_string(),
    )
    .where(Step.turn_id.in_(_TURNS))
    .order_by(Step.turn_id, Step.seq)
)


@dataclass(frozen=True, slots=True)
class MadeCall:
    """One tool call that the model asked for."""

    tool: str
    arguments: str
    "A hash of them: equal arguments have an equal one."
    done: bool
    "Whether the call was made and succeeded."


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """A turn that has ended."""

    turn_id: int
    ticket_id: int
    agent: str
    release: str | None
    "None: the turn was withdrawn."
    finished_at: datetime
    failures: int
    "Number of attempts whose worker died or crashed."
    calls: Sequence[MadeCall] = field(default=())
    models: Sequence[tuple[str, str]] = field(default=())
    "Each call of a model: the id that was asked for, and the one that the response named."

    @property
    def mark(self) -> TurnMark:
        """Return its place in the order of ends."""
        return self.finished_at, self.turn_id


def after(session: Session, mark: TurnMark, *, limit: int) -> Sequence[FinishedTurn]:
    """Return the turns that ended after a mark, in the order of their ends, `limit` at most."""
    at, turn_id = mark
    return _read(session, prebuilt.rows(session, _AFTER, at=at, turn=turn_id, until=now() - SETTLED, most=limit))


def of(session: Session, turn_ids: Collection[int]) -> Sequence[FinishedTurn]:
    """Return those of these turns that have ended, in the order of their ends."""
    return _read(session, prebuilt.rows(session, _OF, turns=list(turn_ids)))


def _read(
    session: Session, turns: CursorResult[int, int, str, str | None, datetime | None, int]
) -> Sequence[FinishedTurn]:
    found = turns.all()
    if not found:
        return []
    steps = _steps(session, [turn.id for turn in found])
    return [
        FinishedTurn(
            turn_id,
            ticket_id,
            agent,
            release,
            finished_at,
            failures,
            calls=_calls(steps[turn_id]),
            models=[
                (name, str(model)) for kind, name, _, _, model in steps[turn_id] if kind is StepKind.MODEL and model
            ],
        )
        for turn_id, ticket_id, agent, release, finished_at, failures in found
        if finished_at is not None
    ]


def first_model(session: Session, release: str) -> str | None:
    """Return the model that the first response of a release named, or None."""
    model = Step.response["usage"]["model"].as_string()
    first = select(Turn.id).where(Turn.release == release).order_by(Turn.finished_at, Turn.id).limit(10)
    query = select(model).where(Step.turn_id.in_(first), model.is_not(None))
    return session.scalars(query.order_by(Step.id).limit(1)).one_or_none()


_Row = tuple[StepKind, str, StepStatus, Any, str | None]
"Kind, name, status, the content of the response, the model that a response named."


def _steps(session: Session, turn_ids: Sequence[int]) -> defaultdict[int, list[_Row]]:
    steps: defaultdict[int, list[_Row]] = defaultdict(list)
    for turn_id, *row in prebuilt.rows(session, _STEPS, turns=turn_ids):
        kind, name, status, content, named = row
        steps[turn_id].append((kind, name, status, content, named))
    return steps


def _calls(steps: Sequence[_Row]) -> Sequence[MadeCall]:
    """Return the calls that the model asked for, in order; a call that no step made was not done."""
    calls: list[MadeCall] = []
    asked: list[tuple[str, str]] = []
    for kind, name, status, content, _ in steps:
        if kind is StepKind.MODEL:
            calls += [MadeCall(*one, done=False) for one in asked]
            asked = [(str(one["name"]), _hash(one.get("input"))) for one in _used(content)]
            continue
        made = next((one for one in asked if one[0] == name), None)
        if made is not None:
            asked.remove(made)
            calls.append(MadeCall(*made, done=status is StepStatus.OK))
    return [*calls, *(MadeCall(*one, done=False) for one in asked)]


def _used(content: Any) -> list[dict[str, Any]]:
    blocks = content if isinstance(content, list) else []
    return [one for one in blocks if isinstance(one, dict) and one.get("type") == "tool_use"]


def _hash(arguments: Any) -> str:
    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:16]
