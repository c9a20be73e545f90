"""Tickets that used-up budgets block, and the open reviews of these budgets.

Invariant: a ticket is blocked by the budget whose raise alone would unblock it. If several budgets are used up, the one
decided last blocks it; of several reviews of one budget, the last one does.
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
"The column of a ticket that names the budget's holder, by scope."
UNCLAIMED = and_(
    Handoff.state == HandoffState.OPEN,
    exists().where(
        InboxEvent.ticket_id == Ticket.id,
        InboxEvent.kind == InboxKind.MESSAGE,
        InboxEvent.state != InboxState.WITHDRAWN,
    ),
)
"Condition: the handoff is unclaimed, and its requester has not deleted every message."


def lane(review_id: int) -> str:
    """Return the lane of the messages that ask the owners of a budget."""
    return f"review:{review_id}"


def undecided(session: Session) -> Sequence[BudgetReview]:
    """Return the open reviews, also those whose window is over, the oldest first."""
    return session.scalars(
        select(BudgetReview).where(BudgetReview.state == ReviewState.OPEN).order_by(BudgetReview.id)
    ).all()


def asked(session: Session, review_id: int) -> dict[str, MessageState]:
    """Return the Slack user ids of those asked to decide a review, with the states of their messages."""
    cards = select(Message.key, Message.state).where(Message.lane == lane(review_id)).order_by(Message.id)
    return {key.rpartition(":")[2]: state for key, state in session.execute(cards)}


def blocked(session: Session, review: BudgetReview) -> Sequence[tuple[Handoff, Ticket]]:
    """Return the active handoffs, with their tickets, that only this budget blocks."""
    query = select(Handoff, Ticket).join(Ticket, Ticket.id == Handoff.ticket_id).where(*_gone_to_people(review))
    alone = query.where(~exists().where(_blocks(review, _HOLDERS)))
    return [(handoff, ticket) for handoff, ticket in session.execute(alone.order_by(Handoff.id))]


def waiting(session: Session, review: BudgetReview) -> int:
    """Return the number of unclaimed requests that only this budget blocks."""
    query = select(func.count(Handoff.id)).join(Ticket, Ticket.id == Handoff.ticket_id).where(*_gone_to_people(review))
    return session.scalars(query.where(UNCLAIMED, ~exists().where(_blocks(review, _HOLDERS)))).one()


def recount(session: Session, review_id: int) -> BudgetReview:
    """Count again what only a budget blocks; return its review, locked, with the number."""
    review = session.get_one(BudgetReview, review_id, with_for_update=True, populate_existing=True)
    review.waiting = waiting(session, review)
    return review


def unclaimed(session: Session, review: BudgetReview) -> list[tuple[Handoff, Ticket, BudgetReview | None]]:
    """Return the unclaimed requests that this budget blocks, each with another review that blocks it too, if any."""
    query = select(Handoff, Ticket).join(Ticket, Ticket.id == Handoff.ticket_id).where(*_gone_to_people(review))
    found = session.execute(query.where(UNCLAIMED).order_by(Handoff.id))
    return [(handoff, ticket, _other_review(session, review, ticket)) for handoff, ticket in found]


def _other_review(session: Session, review: BudgetReview, ticket: Ticket) -> BudgetReview | None:
    """Return the review of another budget that blocks a ticket, or a later review of the same budget."""
    of_ticket = {"channel": ticket.channel, "user": ticket.requester, "team": ticket.team, "agent": ticket.agent}
    others = select(BudgetReview).where(_blocks(review, of_ticket)).order_by(BudgetReview.id.desc())
    return session.scalars(others.limit(1)).one_or_none()


def _gone_to_people(review: BudgetReview) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of active handoffs that were opened because a budget was used up."""
    since = Handoff.opened_at >= review.window_start
    return handoffs.ACTIVE, Handoff.reason == Reason.BUDGET, since, _HOLDERS[review.scope] == review.holder


def _blocks(review: BudgetReview, holders: Mapping[str, InstrumentedAttribute[str] | str]) -> ColumnElement[bool]:
    """Return the condition of reviews, other than this one, that block a ticket with these holders."""
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
