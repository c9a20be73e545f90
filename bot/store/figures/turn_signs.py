"""What the rows of ended turns show at a glance, for whoever decides which are looked at again. Reads only."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, bindparam, or_, select
from sqlalchemy.orm import Session

from bot.store.figures.demo_history import NOWHERE
from bot.store.schema import (
    Feedback,
    InboxEvent,
    Sample,
    SampledFor,
    Step,
    StepKind,
    StepStatus,
    Ticket,
    Turn,
    TurnOutcome,
)
from bot.store.sql import prebuilt

_TROUBLES = (StepStatus.REFUSED, StepStatus.FAILED, StepStatus.UNSEEN)
_TURNS: BindParameter[int] = bindparam("turns", expanding=True)
_ENDED = (
    select(
        Turn.id,
        Turn.ticket_id,
        Ticket.agent,
        Turn.release,
        Turn.finished_at,
        Turn.outcome,
        Turn.reason,
        Turn.failures,
    )
    .join(Ticket, Ticket.id == Turn.ticket_id)
    .where(Turn.id.in_(_TURNS), Ticket.team != NOWHERE, Turn.outcome.is_not(None))
    .order_by(Turn.finished_at, Turn.id)
)
_DISLIKED = select(Feedback.turn_id).where(Feedback.turn_id.in_(_TURNS), ~Feedback.good)
_TROUBLED = (
    select(Step.turn_id)
    .where(Step.turn_id.in_(_TURNS), Step.kind == StepKind.TOOL, Step.status.in_(_TROUBLES))
    .distinct()
)
_SAID = select(Step.turn_id, Step.response["content"]).where(
    Step.turn_id.in_(_TURNS), Step.kind == StepKind.MODEL, Step.status == StepStatus.OK
)
_HEARD = select(InboxEvent.turn_id, InboxEvent.text).where(InboxEvent.turn_id.in_(_TURNS)).order_by(InboxEvent.id)
_DISLIKED_LATER = (
    select(Feedback.turn_id)
    .join(Turn, Turn.id == Feedback.turn_id)
    .outerjoin(Sample, Sample.turn_id == Feedback.turn_id)
    .where(
        ~Feedback.good,
        Feedback.at > bindparam("since"),
        Turn.finished_at > bindparam("since"),
        Turn.finished_at <= bindparam("until"),
        or_(Sample.id.is_(None), Sample.kept_for == SampledFor.DRAWN),
    )
    .distinct()
    .order_by(Feedback.turn_id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class TurnSigns:
    """An ended turn of a release, and what was unusual in it."""

    turn_id: int
    ticket_id: int
    agent: str
    release: str
    finished_at: datetime
    outcome: TurnOutcome
    reason: str | None
    failures: int
    "Number of attempts whose worker died or crashed."
    thumb_down: bool
    "Whether somebody says now that its answer did not help."
    troubled: bool
    "Whether a tool call was refused, failed, or was not seen to end."
    answers: int
    "How often the model wrote an answer: more than one if the first was returned to it."
    heard: tuple[str, ...]
    "What it answers, redacted."


def of(session: Session, turn_ids: Collection[int]) -> Sequence[TurnSigns]:
    """Return the signs of those of these turns that ended for a release, in the order of their ends."""
    found = prebuilt.rows(session, _ENDED, turns=list(turn_ids)).all() if turn_ids else []
    if not found:
        return []
    ids = [row.id for row in found]
    down = set(prebuilt.rows(session, _DISLIKED, turns=ids).scalars())
    trouble = set(prebuilt.rows(session, _TROUBLED, turns=ids).scalars())
    answers, heard = _answers(session, ids), _heard(session, ids)
    return [
        TurnSigns(
            turn_id=row.id,
            ticket_id=row.ticket_id,
            agent=row.agent,
            release=row.release,
            finished_at=row.finished_at,
            outcome=row.outcome,
            reason=row.reason,
            failures=row.failures,
            thumb_down=row.id in down,
            troubled=row.id in trouble,
            answers=answers[row.id],
            heard=tuple(heard[row.id]),
        )
        for row in found
        if row.release is not None
    ]


def disliked_later(session: Session, *, since: datetime, until: datetime, limit: int) -> Sequence[int]:
    """Return turns that ended in a span, got a thumb down, and are not kept for certain; `limit` at most."""
    return prebuilt.rows(session, _DISLIKED_LATER, since=since, until=until, most=limit).scalars().all()


def ended_in(session: Session, release: str, since: datetime, until: datetime) -> Sequence[int]:
    """Return the turns of a release that ended after a time, until another one."""
    query = select(Turn.id).where(Turn.release == release, Turn.finished_at > since, Turn.finished_at <= until)
    return session.scalars(query).all()


def _answers(session: Session, turn_ids: Sequence[int]) -> Mapping[int, int]:
    """Return how many responses of the model held no tool call, by turn."""
    counts: dict[int, int] = defaultdict(int)
    for turn_id, content in prebuilt.rows(session, _SAID, turns=turn_ids):
        blocks = content if isinstance(content, list) else []
        counts[turn_id] += bool(blocks) and all(one.get("type") != "tool_use" for one in blocks)
    return counts


def _heard(session: Session, turn_ids: Sequence[int]) -> Mapping[int, list[str]]:
    heard: dict[int, list[str]] = defaultdict(list)
    for turn_id, text in prebuilt.rows(session, _HEARD, turns=turn_ids):
        if turn_id is not None:
            heard[turn_id].append(text)
    return heard
