"""What may be done with a handoff, as the tests of its moves do it."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from bot.escalation import EscalationAction
from bot.store import audit
from bot.store.db import Database, Session
from bot.store.handoffs import handoff_history, handoffs
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import ExpiryCause, Handoff, now
from tests.support.factories import handed_off, put, rows

HOLDER, OTHER, NEXT = "U0PRIYA", "U0BEN", "U0CHEN"

Move = Callable[[Session, Handoff, str], Moved | NotMoved]

MOVES: dict[str, Move] = {
    "claim": lambda session, row, user: handoffs.claim(session, row.id, user, lease_minutes=30),
    "renew": lambda session, row, user: handoffs.renew(session, row.id, user, lease_minutes=30),
    "spoke": lambda session, row, user: handoffs.spoke(session, row.id, user, lease_minutes=30),
    "reassign": lambda session, row, user: handoffs.reassign(
        session, row.id, holder=user, to=NEXT, by="U0OLIVIA", lease_minutes=30
    ),
    "unclaim": lambda session, row, user: handoffs.unclaim(session, row.id, user),
    "expire": lambda session, row, user: handoffs.expire(session, row.id, holder=user),
    "leave": lambda session, row, user: handoffs.expire(session, row.id, holder=user, why=ExpiryCause.LEFT),
    "warn": lambda session, row, _: handoffs.warn(session, row.id, lease_until=row.lease_until or now()),
    "escalate": lambda session, row, _: handoffs.escalate(
        session, row.id, openings=row.openings, level=row.escalation_level, action=EscalationAction.MENTION
    ),
    "give back": lambda session, row, user: handoffs.give_back(session, row.id, user, note="Look at the factors."),
    "resolve": lambda session, row, user: handoffs.resolve(
        session, row.id, user, done="Unlocked it.", category="locked", agent_could=True
    ),
    "cancel": lambda session, row, _: handoffs.cancel(session, row.id, by="U0MAYA"),
}
"Every move, as somebody who takes themselves for the holder would make it."


def move(database: Database, name: str, user: str = HOLDER, *, handoff_id: int = 1) -> Moved | NotMoved:
    """Try a move on a handoff as it stands."""
    with database.read() as session:
        row = session.get_one(Handoff, handoff_id)
    with database.write() as session:
        return MOVES[name](session, row, user)


def must_move(database: Database, name: str, user: str = HOLDER) -> Moved:
    """Make a move that is allowed."""
    moved = move(database, name, user)
    assert isinstance(moved, Moved)
    return moved


def standing(database: Database, state: str) -> Handoff:
    """Return a handoff in a state, which nobody or `HOLDER` has."""
    handoff = handed_off(database)
    if state not in ("open", "cancelled"):
        must_move(database, "claim")
    if state == "overdue":
        put(database, Handoff, handoff.id, lease_until=now() - timedelta(seconds=1))
    ends = {"resolved": "resolve", "returned": "give back", "cancelled": "cancel"}
    if state in ends:
        must_move(database, ends[state])
    return rows(database, Handoff)[0]


def trail(database: Database, handoff_id: int) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """Return moves and audit records as (move, actor)."""
    with database.read() as session:
        moves = [(row.move, row.actor) for row in handoff_history.of_handoff(session, handoff_id)]
        ticket_id = session.get_one(Handoff, handoff_id).ticket_id
        records = audit.of_ticket(session, ticket_id)
    return moves, [(row.event.removeprefix("handoff."), row.actor) for row in records]
