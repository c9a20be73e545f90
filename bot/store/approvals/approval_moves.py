"""How an approval moves: a conditional update, a row of history and an audit record, or nothing at all.

Condition and change are one statement, so that of an approver who says yes and the clock that says "too late" only one
succeeds. The ticket is locked first, as everywhere.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from bot.store import audit
from bot.store.schema import Approval, ApprovalMove, ApprovalMoveKind, ApprovalState
from bot.store.tickets import tickets

CLOCK = "clock"
"The actor of moves that the clock makes."


@dataclass(frozen=True, slots=True)
class ApprovalMoved:
    """The move was made."""

    approval: Approval
    number: int
    "Id of its row in the history."


@dataclass(frozen=True, slots=True)
class ApprovalNotMoved:
    """The move was refused and nothing changed; this is how the approval is now, for the answer to the click."""

    state: ApprovalState | None
    "None: there is no such approval."
    by: str | None
    "Who decided it, or was the first of two to approve it."
    at: datetime | None
    "When it was decided."


def make(
    session: Session,
    approval_id: int,
    what: ApprovalMoveKind,
    actor: str,
    allowed: ColumnElement[bool],
    values: dict[str, Any],
    **detail: Any,
) -> ApprovalMoved | ApprovalNotMoved:
    """Make a move if it is allowed.

    Args:
        session: the open write transaction, which has locked the ticket.
        approval_id: the approval.
        what: its name in the history.
        actor: who makes it.
        allowed: the condition under which it may be made.
        values: the columns that it changes.
        detail: further facts for the history and the audit log.
    """
    changed = update(Approval).where(Approval.id == approval_id, allowed).values(values).returning(Approval.id)
    won = session.execute(changed).scalar_one_or_none()
    approval = session.get(Approval, approval_id, populate_existing=True)
    if approval is None or won is None:
        return not_moved(approval)
    return ApprovalMoved(approval, note(session, approval, what, actor, **detail))


def lock(session: Session, approval_id: int) -> bool:
    """Lock the ticket of an approval for this transaction; return False if there is no such approval."""
    ticket_id = session.scalar(select(Approval.ticket_id).where(Approval.id == approval_id))
    if ticket_id is not None:
        tickets.lock(session, ticket_id)
    return ticket_id is not None


def not_moved(approval: Approval | None) -> ApprovalNotMoved:
    """Return how an approval is now."""
    if approval is None:
        return ApprovalNotMoved(None, None, None)
    return ApprovalNotMoved(approval.state, approval.decided_by or approval.first_by, approval.decided_at)


def note(session: Session, approval: Approval, what: ApprovalMoveKind, actor: str, **detail: Any) -> int:
    """Write what happened into the history and the audit log; return the id of its row in the history."""
    row = ApprovalMove(approval_id=approval.id, what=what, actor=actor, detail=detail)
    session.add(row)
    audit.append(
        session,
        f"approval.{what}",
        actor=actor,
        subject=approval.requester,
        ticket_id=approval.ticket_id,
        approval=approval.id,
        **detail,
    )
    return row.id
