"""Stores the messages about budgets, in the transaction of the change that they are about.

The cards that ask for one decision share a lane, so that the lane shows which owners were asked.
"""

from collections.abc import Sequence

from bot.slack.handoffs import linked_threads
from bot.slack.money import budget_cards
from bot.store.db import Session
from bot.store.money import blocked_tickets, soft_cap_alerts
from bot.store.outbox import messages
from bot.store.schema import BudgetNotice, BudgetReview, Handoff, HandoffState, MessageKind, now
from bot.store.tickets import turns


def warn(session: Session, passed: BudgetNotice, owner: str) -> None:
    """Tell a budget's owner directly that a soft cap was passed."""
    asked_by = None if passed.turn_id is None else turns.ticket_of(session, passed.turn_id).requester
    messages.add(
        session,
        key=f"notice:budget:{passed.id}:{owner}",
        kind=MessageKind.SOFT_CAP_ALERT,
        lane=soft_cap_alerts.lane(passed.id),
        channel=owner,
        body=budget_cards.notice(passed, owner, requester=asked_by, over=passed.resets_at <= now()),
    )


def ask(session: Session, review: BudgetReview, owners: Sequence[str]) -> None:
    """Ask a budget's owners directly to decide; owners who were asked before get no second card."""
    for owner in owners:
        messages.add(
            session,
            key=_key(review.id, owner),
            kind=MessageKind.REVIEW,
            lane=blocked_tickets.lane(review.id),
            channel=owner,
            body=budget_cards.review(review, owner),
            ticket_id=review.ticket_id,
        )


def show(session: Session, review: BudgetReview) -> None:
    """Update the cards of a review to its state."""
    for owner in blocked_tickets.asked(session, review.id):
        messages.revise(session, _key(review.id, owner), budget_cards.review(review, owner))


def unaware(session: Session, review: BudgetReview) -> list[Handoff]:
    """Return the blocked handoffs that have no note yet that a raise lets the agent work on them again.

    If the agent goes on by itself, only claimed handoffs get a note.
    """
    blocked = (handoff for handoff, _ in blocked_tickets.blocked(session, review))
    due = [handoff for handoff in blocked if review.goes_on_by is None or handoff.state is HandoffState.CLAIMED]
    return [handoff for handoff in due if messages.by_key(session, _raised_key(review, handoff)) is None]


def tell_responders(session: Session, review: BudgetReview) -> None:
    """Tell responders, once for each handoff, that a raise lets the agent work on it again."""
    for handoff in unaware(session, review):
        holder = handoff.claimed_by if handoff.state is HandoffState.CLAIMED else None
        note = budget_cards.raised(review, holder)
        linked_threads.below(session, handoff, key=_raised_key(review, handoff), kind=MessageKind.MOVE, bodies=[note])


def _raised_key(review: BudgetReview, handoff: Handoff) -> str:
    return f"raised:review:{review.id}:handoff:{handoff.id}"


def _key(review_id: int, owner: str) -> str:
    return f"review:{review_id}:{owner}"
