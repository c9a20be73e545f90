"""Turns of production that are scored again, the weeks that they were drawn from, and what was found.

Invariant: a turn is kept once (a unique row) and scored once (conditional updates), however many clocks run.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, insert, select, update
from sqlalchemy.orm import Session

from bot.store.schema import Message, MessageState, Sample, SampledFor, SampledWeek, now
from bot.store.sql import prebuilt

KEPT = (Sample.id, Sample.turn_id, Sample.ticket_id, Sample.agent, Sample.kept_for)
"The columns of a `KeptSample`."
_FREE = select(Sample.id).where(Sample.id.in_(bindparam("samples", expanding=True))).with_for_update(skip_locked=True)
"The samples that no other clock is scoring now: neither of two clocks waits for rows that the other has locked."
_SCORE = update(Sample).where(Sample.id.in_(_FREE), Sample.scored_at.is_(None)).returning(Sample.id)


@dataclass(frozen=True, slots=True)
class WeekKey:
    """One week of one release."""

    agent: str
    release: str
    week: str


@dataclass(frozen=True, slots=True)
class NewSample:
    """A turn that is to be kept."""

    key: WeekKey
    "The week in which it ended, of its release."
    turn_id: int
    ticket_id: int
    finished_at: datetime
    kept_for: SampledFor
    draw: float
    "Its number."


@dataclass(frozen=True, slots=True)
class KeptSample:
    """A sample that waits to be scored or judged."""

    id: int
    turn_id: int
    ticket_id: int
    agent: str
    kept_for: SampledFor


@dataclass(frozen=True, slots=True)
class SampleCount:
    """Samples, and what was found in them."""

    kept: int = 0
    scored: int = 0
    passed: int = 0
    to_judge: int = 0
    "Scored ones whose answer the judge has said something of, or may still be asked about."
    judged: int = 0
    called_good: int = 0

    def __add__(self, other: "SampleCount") -> "SampleCount":
        """Return both together."""
        return SampleCount(
            kept=self.kept + other.kept,
            scored=self.scored + other.scored,
            passed=self.passed + other.passed,
            to_judge=self.to_judge + other.to_judge,
            judged=self.judged + other.judged,
            called_good=self.called_good + other.called_good,
        )


@dataclass(frozen=True, slots=True)
class CountedWeek:
    """What is known of the turns of a release that ended in a week."""

    week: str
    turns: int
    certain: SampleCount
    "Those that are kept for certain."
    below: SampleCount
    "Of the others, those whose number is below a share of 1."
    smallest: SampleCount
    "Of the others, so many with the smallest numbers."


@dataclass(frozen=True, slots=True)
class FailedSample:
    """A turn in which something did not hold."""

    turn_id: int
    ticket_id: int
    at: datetime
    "When it ended (UTC)."
    failures: tuple[tuple[str, str], ...]
    "Each invariant that did not hold, with what was seen."


def keep(session: Session, turns: Sequence[NewSample]) -> None:
    """Keep turns to be scored, together, but for those that are kept already."""
    fixed = {"kept_at": now(), "failures": [], "judge_asked": 0}
    values = [
        _values(one.key, "agent", "release", "week")
        | _values(one, "turn_id", "ticket_id", "finished_at", "kept_for", "draw")
        | fixed
        for one in turns
    ]
    prebuilt.insert_new_rows(session, Sample, values)


def keep_for_certain(session: Session, turn_id: int, kept_for: SampledFor) -> bool:
    """Note that a turn which was drawn is kept for certain; return False if it was not drawn."""
    drawn = update(Sample).where(Sample.turn_id == turn_id, Sample.kept_for == SampledFor.DRAWN)
    return session.execute(drawn.values(kept_for=kept_for).returning(Sample.id)).scalar_one_or_none() is not None


def count_turns(session: Session, key: WeekKey, turns: int) -> None:
    """Add to the turns of a week; one transaction at a time does, as all hold the same watermark."""
    if prebuilt.rows(session, _COUNT, **_named(key), more=turns).scalar_one_or_none() is None:
        prebuilt.run(session, insert(SampledWeek), **asdict(key), turns=turns)


def numbers(session: Session, key: WeekKey, *, at_most: int) -> Sequence[float]:
    """Return the smallest numbers of the turns of a week that were drawn, in order."""
    return prebuilt.rows(session, _NUMBERS, **_named(key), most=at_most).scalars().all()


def kept_of(session: Session, turn_ids: Sequence[int]) -> set[int]:
    """Return those of some turns that are kept."""
    return set(prebuilt.rows(session, _KEPT_OF, turns=turn_ids).scalars())


def unscored(session: Session, *, ended_before: datetime, limit: int) -> Sequence[KeptSample]:
    """Return samples that are not scored, the oldest first.

    One whose answer is still on its way to Slack waits for it, at most until an hour after its end.
    """
    late = ended_before - timedelta(hours=1)
    found = prebuilt.rows(session, _UNSCORED, ended_before=ended_before, late=late, most=limit)
    return [KeptSample(*row) for row in found]


def score(
    session: Session, sample_ids: Sequence[int], failures: Sequence[tuple[str, str]], *, to_judge: bool
) -> Collection[int]:
    """Store the same findings for several samples; return the ids of those that were not scored yet.

    Args:
        session: an open write transaction.
        sample_ids: the samples.
        failures: each invariant that did not hold, with what was seen.
        to_judge: whether the judge is to be asked about their answers.
    """
    at = now()
    values = {"scored_at": at, "passed": not failures, "failures": [list(one) for one in failures]}
    due = at if to_judge else None
    return set(prebuilt.rows(session, _SCORE, samples=sample_ids, **values, judge_due_at=due).scalars())


def weeks(
    session: Session, agent: str, release: str, *, since: str, share: float, at_least: int
) -> Sequence[CountedWeek]:
    """Return what is known of the weeks of a release, the first one first.

    Args:
        session: an open transaction.
        agent: the agent.
        release: its release.
        since: the first week.
        share: which of the others are counted in `below`.
        at_least: how many of the others are counted in `smallest`.
    """
    of = (SampledWeek.agent == agent, SampledWeek.release == release, SampledWeek.week >= since)
    counted = session.execute(select(SampledWeek.week, SampledWeek.turns).where(*of).order_by(SampledWeek.week)).all()
    mine = (Sample.agent == agent, Sample.release == release, Sample.week >= since)
    certain, below = Sample.kept_for != SampledFor.DRAWN, Sample.draw < share
    kind = case((certain, "certain"), (below, "below"), else_="others").label("kind")
    query = select(Sample.week, kind, *_COUNTS).where(*mine).group_by(Sample.week, kind)
    found = {(week, of_kind): SampleCount(*counts) for week, of_kind, *counts in session.execute(query)}
    none = SampleCount()
    return [
        CountedWeek(
            week=week,
            turns=turns,
            certain=found.get((week, "certain"), none),
            below=found.get((week, "below"), none),
            smallest=SampleCount(
                *prebuilt.rows(session, _SMALLEST, **_named(WeekKey(agent, release, week)), most=at_least).one()
            ),
        )
        for week, turns in counted
    ]


def failed(session: Session, agent: str, *, since: datetime, limit: int) -> Sequence[FailedSample]:
    """Return turns of an agent since a time in which something did not hold, the newest first."""
    query = select(Sample).where(Sample.agent == agent, ~Sample.passed, Sample.finished_at >= since)
    return [
        FailedSample(
            row.turn_id, row.ticket_id, row.finished_at, tuple((str(name), str(saw)) for name, saw in row.failures)
        )
        for row in session.scalars(query.order_by(Sample.finished_at.desc(), Sample.id.desc()).limit(limit))
    ]


def last_scored(session: Session, agents: Sequence[str] | None = None) -> datetime | None:
    """Return when a sample was last scored, of some agents or of all; None: none was."""
    query = select(func.max(Sample.scored_at))
    return session.scalars(query if agents is None else query.where(Sample.agent.in_(agents))).one()


def oldest_unscored(session: Session) -> datetime | None:
    """Return when the oldest turn ended that is kept and not scored; None: all are."""
    return session.scalars(select(func.min(Sample.finished_at)).where(Sample.scored_at.is_(None))).one()


def _values(of: object, *names: str) -> dict[str, object]:
    return {name: getattr(of, name) for name in names}


def _named(key: WeekKey) -> dict[str, str]:
    """Return a week as the parameters of `_in_week`."""
    return {f"of_{name}": value for name, value in asdict(key).items()}


def _in_week(table: type[Sample | SampledWeek]) -> tuple[Any, ...]:
    return tuple(getattr(table, name) == bindparam(f"of_{name}") for name in ("agent", "release", "week"))


def _counts(of: Any) -> tuple[Any, ...]:
    """Return the columns of a `SampleCount`."""
    return (
        func.count(of.id),
        func.count(of.scored_at),
        func.count(case((of.passed, 1))),
        func.count(case((of.judged_at.is_not(None) | of.judge_due_at.is_not(None), 1))),
        func.count(of.judged_at),
        func.count(case((of.judged_good, 1))),
    )


_ON_ITS_WAY = select(Message.id).where(
    Message.ticket_id == Sample.ticket_id,
    Message.turn_id == Sample.turn_id,
    Message.state.in_((MessageState.STORED, MessageState.SENDING)),
)
_UNSCORED = (
    select(*KEPT)
    .where(
        Sample.scored_at.is_(None),
        Sample.finished_at < bindparam("ended_before"),
        (Sample.finished_at < bindparam("late")) | ~_ON_ITS_WAY.exists(),
    )
    .order_by(Sample.id)
    .limit(bindparam("most"))
)
_ROW = (Sample.id, Sample.scored_at, Sample.passed, Sample.judged_at, Sample.judge_due_at, Sample.judged_good)
_COUNTS = _counts(Sample)
_OF_DRAWN = (*_in_week(Sample), Sample.kept_for == SampledFor.DRAWN)
_NUMBERS = select(Sample.draw).where(*_OF_DRAWN).order_by(Sample.draw).limit(bindparam("most"))
_SMALLEST = select(
    *_counts(select(*_ROW).where(*_OF_DRAWN).order_by(Sample.draw).limit(bindparam("most")).subquery().c)
)
_KEPT_OF = select(Sample.turn_id).where(Sample.turn_id.in_(bindparam("turns", expanding=True)))
_COUNT = (
    update(SampledWeek)
    .where(*_in_week(SampledWeek))
    .values(turns=SampledWeek.turns + bindparam("more"))
    .returning(SampledWeek.week)
)
