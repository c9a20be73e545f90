"""What used-up budgets hold up: reviews that nobody has decided, and tickets that went to people meanwhile.

Invariant: a ticket counts as held up by a budget only while nothing but that budget's raise was missing; where
several used-up budgets apply to it, the one that is decided last holds it up, and of one budget the last review.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.principals import Reason
from bot.store.handoffs import handoffs
from bot.store.schema import BudgetReview, Handoff, Message, Ticket, now

_HOLDERS: dict[str, InstrumentedAttribute[str]] = {
    "channel": Ticket.channel,
    "user": Ticket.requester,
    "team": Ticket.team,
    "agent": Ticket.agent,
}
"By scope, what of a ticket holds the budget."


def lane(review_id: int) -> str:
    """Return the lane in which the owners of a budget are asked."""
    return f"review:{review_id}"


def undecided(session: Session) -> Sequence[BudgetReview]:
    """Return the reviews that are open, those whose window is over with them, the oldest first."""
    return session.scalars(select(BudgetReview).where(BudgetReview.state == "open").order_by(BudgetReview.id)).all()


def asked(session: Session, review_id: int) -> dict[str, str]:
    """Return who was asked to decide a review, with the state of the message that asks them."""
    cards = select(Message.key, Message.state).where(Message.lane == lane(review_id)).order_by(Message.id)
    return {key.rpartition(":")[2]: state for key, state in session.execute(cards)}


def held_up(session: Session, review: BudgetReview) -> Sequence[tuple[Handoff, Ticket]]:
    """Return the tickets that people have, or wait for, since this budget was used up, and for nothing else."""
    raised_later = and_(BudgetReview.state == "raised", BudgetReview.decided_at > (review.decided_at or now()))
    other = and_(
        BudgetReview.account != review.account,
        or_(BudgetReview.state.in_(("open", "denied")), raised_later),
        BudgetReview.resets_at > now(),
        or_(*(and_(BudgetReview.scope == scope, BudgetReview.holder == held) for scope, held in _HOLDERS.items())),
    )
    later = and_(BudgetReview.account == review.account, BudgetReview.id > review.id)
    elsewhere = exists().where(or_(other, later))
    query = (
        select(Handoff, Ticket)
        .join(Ticket, Ticket.id == Handoff.ticket_id)
        .where(handoffs.ACTIVE, Handoff.reason == Reason.BUDGET)
        .where(_is_of(review), Handoff.opened_at >= review.window_start, ~elsewhere)
    )
    return [(handoff, ticket) for handoff, ticket in session.execute(query.order_by(Handoff.id))]


def _is_of(review: BudgetReview) -> ColumnElement[bool]:
    return _HOLDERS[review.scope] == review.holder
