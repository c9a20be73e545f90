"""When each part of the product was last seen at work, by what it has stored. Reads only.

Whether one of them has been silent for too long is decided in `vital_signs`, of which owners are alerted.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.store.figures import vital_signs
from bot.store.installation import heartbeats
from bot.store.schema import DriftCheck, EvalRun, Release, Ticket, Turn, TurnState

LOOK_BACK = timedelta(days=92)
"How far back the last turn is looked for."


@dataclass(frozen=True, slots=True)
class Sign:
    """The last time that something was done."""

    name: str
    "What was done, as a noun in the singular."
    at: datetime | None
    "When (UTC); None: never, or not for a long time."
    late: bool | None = None
    "Whether it is older than it should be; None: it has no rhythm of its own."


def signs(session: Session, agents: Collection[str], *, at: datetime) -> tuple[Sign, ...]:
    """Return the last sign of each part.

    No part scores samples of production, plays probes or signs checkpoints of the audit log yet, so these have none.

    Args:
        session: an open transaction.
        agents: whose turns, evaluations and drift checks count.
        at: the current time (UTC).
    """
    clock = heartbeats.last(session, "clock")
    silent = {one.sign.name: one.silent for one in vital_signs.read(session)}
    return (
        Sign("turn", _turn(session, agents, at - LOOK_BACK), silent["turn"]),
        Sign("heartbeat of the clock", None if clock is None else clock[1], silent["clock"]),
        Sign("drift check", session.scalars(select(func.max(DriftCheck.at)).where(DriftCheck.agent.in_(agents))).one()),
        Sign("evaluation", _evaluation(session, agents)),
        Sign("scored sample", None),
        Sign("probe", None),
        Sign("checkpoint of the audit log", None),
    )


def _turn(session: Session, agents: Collection[str], since: datetime) -> datetime | None:
    query = select(Turn.finished_at).join(Ticket, Ticket.id == Turn.ticket_id)
    query = query.where(Turn.state == TurnState.DONE, Turn.finished_at >= since, Ticket.agent.in_(agents))
    return session.scalars(query.order_by(Turn.finished_at.desc()).limit(1)).one_or_none()


def _evaluation(session: Session, agents: Collection[str]) -> datetime | None:
    query = select(func.max(EvalRun.finished_at)).join(Release, Release.fingerprint == EvalRun.release)
    return session.scalars(query.where(Release.agent.in_(agents))).one()
