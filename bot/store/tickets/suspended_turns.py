"""Turns that wait for a person to allow a call: no worker has them, nothing queues them, and they count for nobody.

Such a turn is `waiting`, with the time since when. What decides its approval (`bot.store.approvals`) lets it go on.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.store.schema import Turn, TurnState, now
from bot.store.tickets import tickets
from bot.store.tickets.turns import Attempt, Fenced


def suspend(session: Session, attempt: Attempt) -> None:
    """End an attempt without an outcome: the turn waits for an approval.

    Raises:
        Fenced: another attempt has the turn; nothing is written.
    """
    tickets.lock(session, attempt.ticket.id)
    suspended = session.execute(
        update(Turn)
        .where(Turn.id == attempt.turn_id, Turn.attempt == attempt.number, Turn.state == TurnState.RUNNING)
        .values(state=TurnState.WAITING, suspended_at=now(), lease_owner=None, lease_until=None, queued_at=None)
        .returning(Turn.id)
    ).scalar_one_or_none()
    if suspended is None:
        raise Fenced(f"turn {attempt.turn_id}: attempt {attempt.number} was given up")


def resume(session: Session, turn_id: int) -> bool:
    """Let a turn go on; return whether it waited. The caller queues it after the commit, or upkeep does."""
    query = select(Turn.suspended_at).where(Turn.id == turn_id, Turn.state == TurnState.WAITING)
    since = session.scalars(query.with_for_update()).one_or_none()
    if since is None:
        return False
    at = now()
    waited = Turn.waited_seconds + (at - since).total_seconds()
    values = {"suspended_at": None, "waited_seconds": waited, "queued_at": at}
    session.execute(update(Turn).where(Turn.id == turn_id).values(values))
    return True
