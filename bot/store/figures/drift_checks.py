"""The latest comparison of each stream and window of an agent's release with its reference.

`bot.drift` makes them and `jobs.drift` keeps them; reports and the dashboard read them here.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.store.schema import DriftCheck, DriftStream


@dataclass(frozen=True, slots=True)
class Shift:
    """How the share of one value moved; shares are from 0 to 1."""

    value: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class DriftReading:
    """One comparison of the last tickets of a release with its reference."""

    stream: DriftStream
    window: int
    "How many of the last tickets are compared."
    reference_release: str
    reference: int
    "How many tickets the reference has."
    p_value: float
    effect: float
    "Cramér's V."
    detectable: float
    "The smallest shift of a share that this window finds in four of five cases."
    drifted: bool
    moved: tuple[Shift, ...]
    "What moved most, the largest first."
    at: datetime


def latest(session: Session, agent: str, release: str) -> tuple[DriftReading, ...]:
    """Return the latest readings of a release by stream and window; empty while it has too few tickets."""
    query = select(DriftCheck).where(DriftCheck.agent == agent, DriftCheck.release == release)
    order = list(DriftStream)
    found = (_reading(row) for row in session.scalars(query))
    return tuple(sorted(found, key=lambda one: (order.index(one.stream), one.window)))


def replace(session: Session, agent: str, release: str, readings: Sequence[DriftReading]) -> None:
    """Store the readings of a check over those of the one before."""
    session.execute(delete(DriftCheck).where(DriftCheck.agent == agent, DriftCheck.release == release))
    for one in readings:
        values = asdict(one) | {"moved": [[shift.value, shift.before, shift.now] for shift in one.moved]}
        session.add(DriftCheck(agent=agent, release=release, **values))
    session.flush()


def _reading(row: DriftCheck) -> DriftReading:
    return DriftReading(
        stream=row.stream,
        window=row.window,
        reference_release=row.reference_release,
        reference=row.reference,
        p_value=row.p_value,
        effect=row.effect,
        detectable=row.detectable,
        drifted=row.drifted,
        moved=tuple(Shift(*shift) for shift in row.moved),
        at=row.at,
    )
