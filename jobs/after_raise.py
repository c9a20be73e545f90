"""After a raise: unclaimed requests go back to the agent, if the budget's owner wants that.

Invariant: nothing goes back before Redis knows of the raise. The move is conditional, so a claim at the same moment
wins or loses whole, and of several clocks and workers only one makes it. It is committed before its turn is queued.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from bot.agent import card, standing
from bot.agent.card import Agent
from bot.budget import cap_events
from bot.budget.caps import Cap
from bot.casework import handoffs as casework
from bot.errors import Transient
from bot.queue import RUN_TURN
from bot.slack.money import budget_messages
from bot.store.handoffs.moves import Moved
from bot.store.money import after_raise, blocked_tickets, reviews
from bot.store.money.after_raise import Cause, Why
from bot.store.schema import BudgetReview, Handoff, ReviewState, Ticket, now
from bot.store.tickets import shares
from jobs.process import WorkerContext

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _BlockedRequest:
    """An unclaimed request that a budget blocked, and why it stays with people now."""

    handoff: Handoff
    ticket: Ticket
    agent: Agent | None
    cause: Cause | None
    "None: the agent can go on with it."


@dataclass(slots=True)
class _RoomLeft:
    """What is left under the caps, read once for all requests of one raise."""

    ctx: WorkerContext
    idle: Collection[str] = ()
    "Agents that do not work now."
    known: dict[str, int] = field(default_factory=dict)
    "Nano-USD, by budget key."

    def left(self, cap: Cap) -> int:
        """Return how much of a cap is not spent, in nano-USD."""
        if cap.key not in self.known:
            self.known[cap.key] = cap_events.left(self.ctx.database, cap)
        return self.known[cap.key]


def look(ctx: WorkerContext, *, since: datetime) -> None:
    """Let the agent go on after every raise for which the owner wants it.

    Args:
        ctx: this process's connections.
        since: raises that took effect since then are checked again, for requests that come late.

    Raises:
        Transient: the database cannot be reached.
    """
    with ctx.database.look() as session:
        wanted = after_raise.wanted(session, since)
    for review_id in wanted:
        try:
            _go_on(ctx, review_id)
        except Transient as error:
            log.warning("budget.delayed", review=review_id, error=str(error))
        except Exception as bug:  # an error with one raise must not stop the others
            log.exception("budget.crashed", review=review_id, error=type(bug).__name__)


def _go_on(ctx: WorkerContext, review_id: int) -> None:
    """Give back the requests that can go on after one raise, and show the owner the result."""
    for one in _waiting(ctx, review_id):
        if one.cause is None and one.agent is not None:
            _give_back(ctx, review_id, one.ticket, one.handoff.id, one.agent)
    kept = [one.cause for one in _waiting(ctx, review_id) if one.cause is not None]
    with ctx.database.write() as session:
        review = after_raise.note(session, review_id, kept)
        if review is not None:
            budget_messages.show(session, review)
            log.info("budget.gone_on", account=review.account, review=review_id, gone=review.gone_on, kept=len(kept))


def _give_back(ctx: WorkerContext, review_id: int, ticket: Ticket, handoff_id: int, agent: Agent) -> None:
    """Give a request back to the agent, unless somebody has claimed it meanwhile."""
    with ctx.database.write() as session:
        shares.lock(session, ticket.team, ticket.requester)
        review = reviews.read(session, review_id)
        owner, most = str(review.goes_on_by), agent.card.per_person.turns
        moved = casework.go_on(session, handoff_id, owner, review_id=review_id, at_once=most)
        if not isinstance(moved, Moved):
            return
        after_raise.count(session, review_id)
    log.info("handoff.gone_on", handoff=handoff_id, review=review_id, owner=owner)
    if moved.turn_id is not None:
        try:
            ctx.queue.put(RUN_TURN, moved.turn_id)
        except Transient as error:
            log.warning("job.not_queued", job=RUN_TURN, error=str(error))  # the clock finds the row


def _waiting(ctx: WorkerContext, review_id: int) -> list[_BlockedRequest]:
    """Return the unclaimed requests that a budget blocked, except those that this raise gave back before."""
    room = _RoomLeft(ctx)
    with ctx.database.look() as session:
        room.idle = standing.idle(session, ctx.agents)
        review = reviews.read(session, review_id)
        found = [
            (handoff, ticket, other)
            for handoff, ticket, other in blocked_tickets.unclaimed(session, review)
            if not after_raise.went_before(session, handoff, review)
        ]
    waits = []
    for handoff, ticket, other in found:
        agent = card.answering(ctx.agents, ticket.agent)
        waits.append(_BlockedRequest(handoff, ticket, agent, _cause(room, review, ticket, other, agent)))
    return waits


def _cause(
    room: _RoomLeft, review: BudgetReview, ticket: Ticket, other: BudgetReview | None, agent: Agent | None
) -> Cause | None:
    """Return why a request stays with people; None: the agent can go on with it."""
    if other is not None and other.account == review.account:
        return Cause("again")
    if other is not None:
        return _another("raised_later" if other.state is ReviewState.RAISED else "used_up", other)
    if agent is None or agent.card.name in room.idle:
        return Cause("agent")
    holders = {"team": ticket.team, "channel": ticket.channel, "user": ticket.requester, "agent": agent.card.name}
    for cap in room.ctx.meter.budgets.accounts(**holders, at=now()):
        if room.left(cap) < review.needed_nusd:
            return Cause("too_little") if cap.key == review.account else _another("used_up", cap)
    return None


def _another(why: Why, other: Cap | BudgetReview) -> Cause:
    """Return the cause that names another budget."""
    return Cause(why, other.scope, other.holder, other.window_start.isoformat(), other.resets_at.isoformat())
