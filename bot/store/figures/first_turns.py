"""The first turn of each ticket that a release has served: what drift is measured on.

A ticket counts from the moment its first turn has ended, and later turns change nothing of it, so a ticket is read the
same whenever it is read. Turns that ended because the release may not serve, because the agent is suspended, because a
budget is used up or because a surge was under way are left out: the agent did not play them, and their cause is told
elsewhere. A turn that was withdrawn has no release. Evaluations are played in databases of their own and are never
here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from bot.principals import Reason
from bot.store.schema import Release, Step, StepKind, Turn, TurnOutcome, now

SETTLED = timedelta(seconds=10)
"""A turn is read this long after its end.

Turns are read in the order of their ends, and one that ended a little earlier may be committed a little later.
"""
NOT_PLAYED = (Reason.NOT_RELEASED, Reason.AGENT_SUSPENDED, Reason.BUDGET)
"Why a turn ended in which the agent had no part."
RELEASES = 10
"How many of an agent's newest releases are looked through for the one before."

_Step = tuple[StepKind, str, int]
_Turns = Select[int, int, datetime | None, datetime, TurnOutcome | None, float]


@dataclass(frozen=True, slots=True)
class FirstTurn:
    """The first turn of one ticket."""

    turn_id: int
    ticket_id: int
    finished_at: datetime
    outcome: str
    tools: tuple[str, ...]
    "The tools that it called on the directory, in order."
    model_calls: int
    seconds: float
    "From the message to the end of the turn."
    output_tokens: int


@dataclass(slots=True)
class KnownTurns:
    """What a process has read of first turns, so that it reads the steps of each once: an ended turn has no new ones.

    Threads may share it: each value is put in whole, and is the same whoever reads it.
    """

    firsts: dict[str, tuple[FirstTurn, ...]] = field(default_factory=dict)
    "The first tickets of each release."
    lasts: dict[str, tuple[FirstTurn, ...]] = field(default_factory=dict)
    "The last tickets of each release."

    def of(self, release: str) -> Mapping[int, FirstTurn]:
        """Return what is known of a release, by turn."""
        return {one.turn_id: one for one in (*self.firsts.get(release, ()), *self.lasts.get(release, ()))}


def first(session: Session, release: str, *, limit: int, known: KnownTurns | None = None) -> tuple[FirstTurn, ...]:
    """Return the first tickets that a release has served, in the order in which their first turns ended."""
    query, known = _of(release).order_by(Turn.finished_at, Turn.id).limit(limit), known or KnownTurns()
    kept = known.firsts.get(release, ())
    if len(kept) != limit or not _are_still(session, query, kept):
        kept = known.firsts[release] = _with_steps(session, query, known.of(release))
    return kept


def last(session: Session, release: str, *, limit: int, known: KnownTurns | None = None) -> tuple[FirstTurn, ...]:
    """Return the last tickets that a release has served, in the order in which their first turns ended."""
    query, known = _of(release).order_by(Turn.finished_at.desc(), Turn.id.desc()).limit(limit), known or KnownTurns()
    found = known.lasts[release] = _with_steps(session, query, known.of(release))[::-1]
    return found


def count_after(session: Session, release: str, after: tuple[datetime, int] | None, *, limit: int) -> int:
    """Return how many tickets a release has served since a turn, given by its end and id; `limit` at most."""
    newer = _of(release)
    if after is not None:
        newer = newer.where(tuple_(Turn.finished_at, Turn.id) > tuple_(*after))
    return session.scalars(select(func.count()).select_from(newer.limit(limit).subquery())).one()


def release_before(session: Session, agent: str, release: str, *, tickets: int) -> str | None:
    """Return the newest earlier release of an agent that has served so many tickets, or None."""
    created = select(Release.created_at).where(Release.fingerprint == release).scalar_subquery()
    query = select(Release.fingerprint).where(Release.agent == agent, Release.created_at < created)
    earlier = session.scalars(query.order_by(Release.created_at.desc()).limit(RELEASES))
    return next((one for one in earlier.all() if count_after(session, one, None, limit=tickets) == tickets), None)


def _of(release: str) -> _Turns:
    earlier = aliased(Turn)
    return select(Turn.id, Turn.ticket_id, Turn.finished_at, Turn.created_at, Turn.outcome, Turn.waited_seconds).where(
        Turn.release == release,
        Turn.finished_at <= now() - SETTLED,
        _played(),
        ~exists().where(and_(earlier.ticket_id == Turn.ticket_id, earlier.id < Turn.id)),
    )


def _played() -> ColumnElement[bool]:
    return and_(Turn.outcome != TurnOutcome.LINKED, or_(Turn.reason.is_(None), Turn.reason.not_in(NOT_PLAYED)))


def _are_still(session: Session, query: _Turns, kept: Sequence[FirstTurn]) -> bool:
    """Return whether a query still finds these tickets; a demo moves some back in time."""
    found = query.subquery()
    [now_found] = session.execute(select(func.count(), func.sum(found.c.id), func.max(found.c.finished_at)))
    return tuple(now_found) == (len(kept), sum(one.turn_id for one in kept), max(one.finished_at for one in kept))


def _with_steps(session: Session, query: _Turns, known: Mapping[int, FirstTurn]) -> tuple[FirstTurn, ...]:
    turns = session.execute(query).all()
    steps: dict[int, list[_Step]] = defaultdict(list)
    asked = select(Step.turn_id, Step.kind, Step.name, Step.output_tokens)
    new = [turn.id for turn in turns if turn.id not in known]
    for turn_id, kind, name, tokens in session.execute(
        asked.where(Step.turn_id.in_(new)).order_by(Step.turn_id, Step.seq)
    ):
        steps[turn_id].append((kind, name, tokens))
    found: list[FirstTurn] = []
    for turn_id, ticket_id, finished_at, accepted_at, outcome, waited in turns:
        if finished_at is None:
            continue
        began = accepted_at + timedelta(seconds=waited)
        found.append(
            _again(known[turn_id], began, finished_at, str(outcome))
            if turn_id in known
            else _first_turn(turn_id, ticket_id, began, finished_at, str(outcome), steps[turn_id])
        )
    return tuple(found)


def _again(known: FirstTurn, accepted_at: datetime, finished_at: datetime, outcome: str) -> FirstTurn:
    seconds = (finished_at - accepted_at).total_seconds()
    return replace(known, finished_at=finished_at, outcome=outcome, seconds=seconds)


def _first_turn(
    turn_id: int, ticket_id: int, accepted_at: datetime, finished_at: datetime, outcome: str, steps: Sequence[_Step]
) -> FirstTurn:
    return FirstTurn(
        turn_id,
        ticket_id,
        finished_at,
        outcome,
        tools=tuple(name for kind, name, _ in steps if kind is StepKind.TOOL),
        model_calls=sum(kind is StepKind.MODEL for kind, _, _ in steps),
        seconds=(finished_at - accepted_at).total_seconds(),
        output_tokens=sum(tokens for _, _, tokens in steps),
    )
