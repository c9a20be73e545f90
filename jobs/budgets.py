"""Budgets over time: owners are alerted of soft caps and asked about hard caps, and raises take effect.

Invariant: the row that says that somebody was told or asked, and the message to them, are written in one transaction,
so that of several clocks and workers only one does it. A look does not call Slack: its messages are written down, and
`jobs.upkeep` sends them. An error with one budget does not stop the others.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import groupby

import structlog

from bot import budget_owners
from bot.budget import cap_events
from bot.errors import Transient
from bot.slack.money import budget_messages
from bot.store.db import Session
from bot.store.money import blocked_tickets, reviews, soft_cap_alerts
from bot.store.schema import BudgetNotice, BudgetReview, ReviewState, now
from jobs import after_raise, process, undeliverable
from jobs.process import WorkerContext

log = structlog.get_logger()

Act = Callable[[Session], None]

LATE_REQUESTS = timedelta(minutes=10)
"A turn that was refused before a raise took effect has handed its ticket off within this time."


def see_to(ticket_id: int) -> None:
    """Do at once what the clock would do within a second, then send the messages of a ticket; 0: all messages."""
    try:
        look(process.current())
    finally:
        undeliverable.deliver(ticket_id)


def look(ctx: WorkerContext) -> None:
    """Do all that is due for budgets.

    Raises:
        Transient: the database or Redis cannot be reached.
    """
    with ctx.database.look() as session:
        if not reviews.any_under_way(session):
            return
        due = list(_due(session, ctx))
        raises = reviews.unapplied(session)
    _do(ctx, due)
    if raises:
        ctx.meter.cap_events.apply_raises()
    after_raise.look(ctx, since=now() - LATE_REQUESTS)


def look_again(ctx: WorkerContext) -> None:
    """Find what has changed or was missed.

    The budget file may have changed, owners may have left or be out of reach, and a worker may have died before it
    stored that a soft cap was passed.

    Raises:
        Transient: the database or Redis cannot be reached.
    """
    with ctx.database.look() as session:
        asked = [review for review in blocked_tickets.undecided(session) if review.told_at]
        due = [(review.account, partial(_bring_up_to_date, ctx=ctx, review_id=review.id)) for review in asked]
        due += [
            (passed.account, partial(_warn_another, ctx=ctx, notice_id=passed.id, tried=tried))
            for passed, tried in soft_cap_alerts.undelivered(session)
        ]
        due += [
            (review.account, partial(_count, review_id=review.id))
            for review in reviews.can_go_on(session)
            if review.waiting != blocked_tickets.waiting(session, review)
        ]
    _do(ctx, due)
    ctx.meter.cap_events.look()


def _do(ctx: WorkerContext, due: Iterable[tuple[str, Act]]) -> None:
    """Do each thing in a transaction of its own."""
    for account, act in due:
        try:
            with ctx.database.write() as session:
                act(session)
        except Transient as error:
            log.warning("budget.delayed", account=account, error=str(error))
        except Exception as bug:  # an error with one budget must not stop the others
            log.exception("budget.crashed", account=account, error=type(bug).__name__)


def _due(session: Session, ctx: WorkerContext) -> Iterator[tuple[str, Act]]:
    """Yield what is due, each with its budget key; expired reviews first, so that nobody is asked about them."""
    at = now()
    if any(review.resets_at <= at for review in blocked_tickets.undecided(session)):
        yield "any", _end
    for account, passed in groupby(sorted(soft_cap_alerts.untold(session), key=_place), key=lambda one: one.account):
        yield account, partial(_warn, ctx=ctx, passed=list(passed))
    for review in reviews.untold(session):
        yield review.account, partial(_ask, ctx=ctx, review_id=review.id)
    for review in blocked_tickets.undecided(session):
        if review.told_at and bool(review.waiting) != bool(blocked_tickets.waiting(session, review)):
            yield review.account, partial(_count, review_id=review.id)  # its buttons change
    for review in reviews.in_effect(session, at - LATE_REQUESTS):
        if budget_messages.unaware(session, review) and _has_room(ctx, review):
            yield review.account, partial(_tell_responders, review_id=review.id)


def _place(passed: BudgetNotice) -> tuple[str, int]:
    return passed.account, passed.percent


def _end(session: Session) -> None:
    for review in reviews.end_expired(session, now()):
        budget_messages.show(session, review)
        log.info("budget.ended", account=review.account, review=review.id)


def _warn(session: Session, *, ctx: WorkerContext, passed: Sequence[BudgetNotice]) -> None:
    """Alert a budget's owner of the highest soft cap that was passed; the lower ones are only marked as told."""
    if [one for one in passed if soft_cap_alerts.mark_told(session, one.id)]:
        owner = budget_owners.alert_recipient(session, passed[-1], ctx.meter.budgets, ctx.agents)
        if owner is None:
            log.warning("budget.owner_not_found", account=passed[-1].account, agent=passed[-1].agent)
        else:
            budget_messages.warn(session, passed[-1], owner)


def _ask(session: Session, *, ctx: WorkerContext, review_id: int) -> None:
    if reviews.mark_told(session, review_id):  # it locks the row first, so a decision waits until the cards are stored
        review = blocked_tickets.recount(session, review_id)
        deciding = budget_owners.deciders(session, review, ctx.meter.budgets, ctx.agents)
        budget_messages.ask(session, review, deciding)
        log.info("budget.asked", account=review.account, review=review_id, owners=deciding)


def _count(session: Session, *, review_id: int) -> None:
    """Show the owner how many requests wait now."""
    budget_messages.show(session, blocked_tickets.recount(session, review_id))


def _warn_another(session: Session, *, ctx: WorkerContext, notice_id: int, tried: Collection[str]) -> None:
    """Alert the next person in line of a soft cap, because Slack could not reach the ones before."""
    passed = soft_cap_alerts.read(session, notice_id)
    owner = budget_owners.alert_recipient(session, passed, ctx.meter.budgets, ctx.agents, tried=tried)
    if owner is not None and owner not in tried:
        budget_messages.warn(session, passed, owner)
        log.warning("budget.warned", account=passed.account, notice=notice_id, owner=owner)


def _bring_up_to_date(session: Session, *, ctx: WorkerContext, review_id: int) -> None:
    """End a review that is out of date, or ask people who may decide it now and have not been asked."""
    review = reviews.find(session, review_id)
    if review is None:
        return
    reviews.read_again(session, review, lock=True)  # a decision made right now must show on the new cards
    if review.state is not ReviewState.OPEN:
        return
    budgets = ctx.meter.budgets
    if not cap_events.is_current(session, review, budgets):
        _take_back(session, review, ctx)
        return
    asked = blocked_tickets.asked(session, review_id)
    unasked = [one for one in budget_owners.deciders(session, review, budgets, ctx.agents) if one not in asked]
    if unasked:
        budget_messages.ask(session, review, unasked)
        log.warning("budget.asked", account=review.account, review=review_id, owners=unasked)


def _take_back(session: Session, review: BudgetReview, ctx: WorkerContext) -> None:
    """End a review whose limit was changed in the file; if that made room, tell the responders."""
    if reviews.outdate(session, review.id) is None:
        return
    budget_messages.show(session, review)
    if _has_room(ctx, review):
        budget_messages.tell_responders(session, review)
    log.info("budget.outdated", account=review.account, review=review.id)


def _has_room(ctx: WorkerContext, review: BudgetReview) -> bool:
    """Return whether the step that was refused fits under the cap as it is now; holds, which end soon, do not count."""
    cap = ctx.meter.budgets.cap_of(review.scope, review.holder, now())
    return cap is None or cap_events.left(ctx.database, cap) >= review.needed_nusd


def _tell_responders(session: Session, *, review_id: int) -> None:
    """Tell the responders of waiting requests that the agent can go on."""
    budget_messages.tell_responders(session, reviews.read(session, review_id))
