"""How a move is made: a conditional update, a row of history and an audit record, or nothing at all.

Condition and change are one statement, so that of several people who make a move at once only one succeeds. The ticket
is locked before its handoff, as everywhere. `bot.store.handoffs.handoffs` lists the moves.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, select, update
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.schema import Handoff, HandoffMove, HandoffState, MoveKind, Ticket, now
from bot.store.tickets import tickets
from bot.telemetry import metrics, spans


@dataclass(frozen=True, slots=True)
class Moved:
    """The move was made."""

    handoff: Handoff
    ticket: Ticket
    number: int
    "Id of its row in the history."
    turn_id: int | None = None
    "The turn with which the agent goes on; None: there is none, or it is held back."


@dataclass(frozen=True, slots=True)
class NotMoved:
    """The move was refused and nothing changed.

    `state` and `holder` are those of the handoff now, for the message about it; `own` means that the person is the
    requester of the ticket.
    """

    state: HandoffState | None
    "None: there is no such handoff."
    holder: str | None
    own: bool = False


def make(
    session: Session,
    handoff_id: int,
    move: MoveKind,
    actor: str,
    allowed: ColumnElement[bool],
    values: dict[str, Any],
    *,
    not_of: Collection[str] = (),
    **detail: Any,
) -> Moved | NotMoved:
    """Make a move if it is allowed.

    A move that is not allowed is refused before the ticket is locked: of fifty people who claim at once, most only
    read that somebody has it.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        move: its name in the history.
        actor: who makes it.
        allowed: the condition under which it may be made.
        values: the columns that it changes.
        not_of: people who must not be the ticket's requester.
        detail: further facts for the history.
    """
    is_own = exists().where(Ticket.id == Handoff.ticket_id, Ticket.requester.in_(not_of))
    own: ColumnElement[bool] = is_own if not_of else false()
    query = select(Handoff.ticket_id, Handoff.state, Handoff.claimed_by, allowed.label("allowed"), own.label("own"))
    before = session.execute(query.where(Handoff.id == handoff_id)).one_or_none()
    if before is None:
        return NotMoved(None, None)
    if before.own or not before.allowed:
        return NotMoved(before.state, before.claimed_by, own=bool(before.own))
    ticket = tickets.lock(session, before.ticket_id)
    changed = update(Handoff).where(Handoff.id == handoff_id, allowed, ~own).values(values).returning(Handoff.id)
    won = session.execute(changed).scalar_one_or_none()
    handoff = session.get_one(Handoff, handoff_id, populate_existing=True)
    if won is None:
        return NotMoved(handoff.state, handoff.claimed_by)
    return Moved(handoff, ticket, note(session, handoff, move, actor, detail))


def note(session: Session, handoff: Handoff, move: MoveKind, actor: str, detail: dict[str, Any]) -> int:
    """Write a move into the history and the audit log; return the id of its row in the history."""
    row = HandoffMove(handoff_id=handoff.id, move=move, actor=actor, detail=detail)
    session.add(row)
    audit.append(session, f"handoff.{move}", actor=actor, ticket_id=handoff.ticket_id, handoff=handoff.id, **detail)
    return row.id


def refuse(session: Session, handoff_id: int, user: str, *, move: str, why: str) -> None:
    """Write a refused move into the audit log."""
    handoff = session.get(Handoff, handoff_id)
    audit.append(
        session,
        "handoff.refused",
        actor=user,
        ticket_id=handoff.ticket_id if handoff else None,
        handoff=handoff_id,
        move=move,
        why=why,
    )


def held_by(user: str) -> ColumnElement[bool]:
    """Return the condition that somebody holds a handoff."""
    return and_(Handoff.state == HandoffState.CLAIMED, Handoff.claimed_by == user)


def lease(minutes: float) -> dict[str, Any]:
    """Return the values that renew a claim."""
    return {"lease_until": now() + timedelta(minutes=minutes), "warned": False}


def open_again() -> dict[str, Any]:
    """Return the values of a handoff whose claim ends while the handoff goes on."""
    free = {"state": HandoffState.OPEN, "claimed_by": None, "claimed_at": None, "lease_until": None, "warned": False}
    return {**free, "sent": False, "openings": Handoff.openings + 1, "open_since": now(), "escalation_level": 0}


def note_opened(session: Session, handoff: Handoff, actor: str, *, agent: str) -> None:
    """Note that a handoff was opened; once it is committed, count it and put it into its turn's trace."""
    note(session, handoff, MoveKind.OPENED, actor, {"reason": handoff.reason})
    db.after_commit(session, metrics.HANDOFFS.labels(handoff.reason).inc)
    db.after_commit(session, partial(spans.handed_off, handoff.turn_id, agent=agent, reason=handoff.reason))
