"""What used-up budgets hold up: reviews that nobody has decided, and tickets that went to people meanwhile.

Invariant: a ticket counts as held up by a budget only while nothing but that budget's raise was missing; where
several used-up budgets apply to it, the one that is decided last holds it up, and of one budget the last review.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.principals import Reason
from bot.store.handoffs import handoffs
from bot.store.schema import (
    BudgetReview,
    Handoff,
    HandoffState,
    InboxEvent,
    InboxKind,
    InboxState,
    Message,
    MessageState,
    ReviewState,
    Ticket,
    now,
)

_HOLDERS: dict[str, InstrumentedAttribute[str]] = {
    "channel": Ticket.channel,
    "user": Ticket.requester,
    "team": Ticket.team,
    "agent": Ticket.agent,
}
"By scope, what of a ticket holds the budget."
UNCLAIMED = and_(
    Handoff.state == HandoffState.OPEN,
    exists().where(
        InboxEvent.ticket_id == Ticket.id,
        InboxEvent.kind == InboxKind.MESSAGE,
        InboxEvent.state != InboxState.WITHDRAWN,
    ),
)
"No one has it, and its requester has not taken every word back."


def lane(review_id: int) -> str:
    """Return the lane in which the owners of a budget are asked."""
    return f"review:{review_id}"


def undecided(session: Session) -> Sequence[BudgetReview]:
    """Return the reviews that are open, those whose window is over with them, the oldest first."""
    return session.scalars(
        select(BudgetReview).where(BudgetReview.state == ReviewState.OPEN).order_by(BudgetReview.id)
    ).all()


def asked(session: Session, review_id: int) -> dict[str, MessageState]:
    """Return who was asked to decide a review, with the state of the message that asks them."""
    cards = select(Message.key, Message.state).where(Message.lane == lane(review_id)).order_by(Message.id)
    return {key.rpartition(":")[2]: state for key, state in session.execute(cards)}


def held_up(session: Session, review: BudgetReview) -> Sequence[tuple[Handoff, Ticket]]:
    """Return the tickets that people have, or wait for, since this budget was used up, and for nothing else."""
    query = select(Handoff, Ticket).join(Ticket, Ticket.id == Handoff.ticket_id).where(*_gone_to_people(review))
    alone = query.where(~exists().where(_holds_up(review, _HOLDERS)))
    return [(handoff, ticket) for handoff, ticket in session.execute(alone.order_by(Handoff.id))]


def waiting(session: Session, review: BudgetReview) -> int:
    """Return how many unclaimed requests wait for this budget alone."""
    query = select(func.count(Handoff.id)).join(Ticket, Ticket.id == Handoff.ticket_id).where(*_gone_to_people(review))
    return session.scalars(query.where(UNCLAIMED, ~exists().where(_holds_up(review, _HOLDERS)))).one()


def recount(session: Session, review_id: int) -> BudgetReview:
    """Count anew what waits for a budget alone, and return its review, locked, with the number."""
    review = session.get_one(BudgetReview, review_id, with_for_update=True, populate_existing=True)
    review.waiting = waiting(session, review)
    return review


def unclaimed(session: Session, review: BudgetReview) -> list[tuple[Handoff, Ticket, BudgetReview | None]]:
    """Return the unclaimed requests that this budget held up, each with another review that holds it up as well."""
    query = select(Handoff, Ticket).join(Ticket, Ticket.id == Handoff.ticket_id).where(*_gone_to_people(review))
    found = session.execute(query.where(UNCLAIMED).order_by(Handoff.id))
    return [(handoff, ticket, _as_well(session, review, ticket)) for handoff, ticket in found]


def _as_well(session: Session, review: BudgetReview, ticket: Ticket) -> BudgetReview | None:
    """Return the review of another budget that holds a ticket up, or the next one of the same budget."""
    of_ticket = {"channel": ticket.channel, "user": ticket.requester, "team": ticket.team, "agent": ticket.agent}
    others = select(BudgetReview).where(_holds_up(review, of_ticket)).order_by(BudgetReview.id.desc())
    return session.scalars(others.limit(1)).one_or_none()


def _gone_to_people(review: BudgetReview) -> tuple[ColumnElement[bool], ...]:
    """Return what is true of what went to people since a budget was used up, and is with them still."""
    since = Handoff.opened_at >= review.window_start
    return handoffs.ACTIVE, Handoff.reason == Reason.BUDGET, since, _HOLDERS[review.scope] == review.holder


def _holds_up(review: BudgetReview, holders: Mapping[str, InstrumentedAttribute[str] | str]) -> ColumnElement[bool]:
    """Return what is true of the reviews that hold up, beside this one, a ticket of such holders."""
    raised_later = and_(
        BudgetReview.state == ReviewState.RAISED, BudgetReview.decided_at > (review.decided_at or now())
    )
    other = and_(
        BudgetReview.account != review.account,
        or_(BudgetReview.state.in_((ReviewState.OPEN, ReviewState.DENIED)), raised_later),
        BudgetReview.resets_at > now(),
        or_(*(and_(BudgetReview.scope == scope, BudgetReview.holder == held) for scope, held in holders.items())),
    )
    return or_(other, and_(BudgetReview.account == review.account, BudgetReview.id > review.id))
