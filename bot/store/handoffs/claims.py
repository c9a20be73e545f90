"""How long responders had tickets claimed: the time of people that a ticket has cost.

A claim begins when a handoff is claimed or reassigned. It ends with the next move that takes it from its holder; one
that goes on counts until the time of measuring. An expired claim counts until it expired. Times are subtracted in UTC,
so neither midnight nor a change of clocks adds or removes anything.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func, literal, select

from bot.store.schema import Handoff, HandoffMove, MoveKind, Ticket
from bot.store.schema.base import UtcDateTime
from bot.store.sql.dialects import SecondsBetween

BEGIN = (MoveKind.CLAIMED, MoveKind.REASSIGNED)
END = (
    *(MoveKind.REASSIGNED, MoveKind.UNCLAIMED, MoveKind.EXPIRED),
    *(MoveKind.RETURNED, MoveKind.RESOLVED, MoveKind.CANCELLED),
)


def by_ticket(of: ColumnElement[bool], *, at: datetime, since: datetime | None = None) -> FromClause:
    """Return `ticket_id` and `claimed_seconds` of each ticket that was ever claimed.

    Args:
        of: which tickets or handoffs.
        at: the time of measuring; what comes after it does not count.
        since: what was before it does not count; None: everything does.
    """
    next_move = func.lead(HandoffMove.at).over(partition_by=HandoffMove.handoff_id, order_by=HandoffMove.id)
    moves = (
        select(Handoff.ticket_id, HandoffMove.move, HandoffMove.at.label("since"), next_move.label("until"))
        .join(Handoff, Handoff.id == HandoffMove.handoff_id)
        .join(Ticket, Ticket.id == Handoff.ticket_id)
        .where(of, HandoffMove.move.in_({*BEGIN, *END}))
        .subquery()
    )
    end = literal(at, UtcDateTime())
    until = case((moves.c.until < end, moves.c.until), else_=end)
    begin: ColumnElement[Any] = moves.c.since
    if since is not None:
        begin = case((moves.c.since > since, moves.c.since), else_=literal(since, UtcDateTime()))
    seconds = func.sum(case((until > begin, SecondsBetween(begin, until)), else_=0.0))
    query = select(moves.c.ticket_id, seconds.label("claimed_seconds")).where(moves.c.move.in_(BEGIN))
    return query.group_by(moves.c.ticket_id).subquery()
