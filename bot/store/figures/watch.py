"""When each part of the product was last seen at work, by what it has stored. Reads only.

Whether one of them has been silent for too long is decided in `vital_signs`, of which owners are alerted.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot.store.figures import vital_signs
from bot.store.installation import heartbeats
from bot.store.releases import samples
from bot.store.schema import DriftCheck, EvalRun, Release, RunKind, RunState, Ticket, Turn

LOOKED_AT, TICKETS = 500, 50
"The last turn is looked for among so many turns of all agents, and those of so many tickets of each."


@dataclass(frozen=True, slots=True)
class Sign:
    """The last time that something was done."""

    name: str
    "What was done, as a noun in the singular."
    at: datetime | None
    "When (UTC); None: never, or not for a long time."
    late: bool | None = None
    "Whether it is older than it should be; None: it has no rhythm of its own."


def signs(session: Session, agents: Collection[str]) -> tuple[Sign, ...]:
    """Return the last sign of each part.

    Args:
        session: an open transaction.
        agents: whose turns, evaluations and drift checks count.
    """
    clock, signed = heartbeats.last(session, "clock"), heartbeats.last(session, "checkpoint")
    silent = {one.sign.name: one.silent for one in vital_signs.read(session)}
    return (
        Sign("turn", _turn(session, agents), silent["turn"]),
        Sign("heartbeat of the clock", None if clock is None else clock[1], silent["clock"]),
        Sign("drift check", session.scalars(select(func.max(DriftCheck.at)).where(DriftCheck.agent.in_(agents))).one()),
        Sign("evaluation", _run(session, agents, EvalRun.kind == RunKind.EVALUATION)),
        Sign("scored sample", samples.last_scored(session, list(agents)), silent["sample"]),
        Sign("probe", _run(session, agents, EvalRun.kind == RunKind.PROBE, EvalRun.state == RunState.FINISHED)),
        Sign("checkpoint of the audit log", None if signed is None else signed[1], silent["checkpoint"]),
    )


def _turn(session: Session, agents: Collection[str]) -> datetime | None:
    """Return when a turn of some agents last ended, among the newest turns of all and those of their newest tickets."""
    newest = select(Turn.ticket_id, Turn.finished_at).where(Turn.finished_at.is_not(None))
    ended = newest.order_by(Turn.finished_at.desc()).limit(LOOKED_AT).subquery()
    query = select(func.max(ended.c.finished_at)).join(Ticket, Ticket.id == ended.c.ticket_id)
    found = [session.scalars(query.where(Ticket.agent.in_(agents))).one()]
    for agent in agents:
        tickets = select(Ticket.id).where(Ticket.agent == agent).order_by(Ticket.created_at.desc()).limit(TICKETS)
        ids = session.scalars(tickets).all()
        found.append(session.scalars(select(func.max(Turn.finished_at)).where(Turn.ticket_id.in_(ids))).one())
    return max((one for one in found if one is not None), default=None)


def _run(session: Session, agents: Collection[str], *which: ColumnElement[bool]) -> datetime | None:
    query = select(func.max(EvalRun.finished_at)).join(Release, Release.fingerprint == EvalRun.release)
    return session.scalars(query.where(Release.agent.in_(agents), *which)).one()
