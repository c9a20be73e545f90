"""Who answers for a budget: the owner that the budget file names, or else the owners of the agent that spends it.

Invariant: people who have left, whom Slack could not reach, or whose own request did not fit are skipped unless nobody
else remains. A budget has no owners when the only agent that spends it is gone.
"""

from collections.abc import Collection, Mapping

from bot.agent import card
from bot.agent.card import Agent
from bot.budget.caps import Budgets
from bot.store import members
from bot.store.db import Session
from bot.store.money import blocked_tickets
from bot.store.schema import BudgetNotice, BudgetReview, MessageState


def deciders(session: Session, review: BudgetReview, budgets: Budgets, agents: Mapping[str, Agent]) -> tuple[str, ...]:
    """Return the Slack ids of those who may decide a review, by the configuration of now."""
    failed = {user for user, state in blocked_tickets.asked(session, review.id).items() if state is MessageState.FAILED}
    return _answerable(session, review, budgets, agents, unreachable=failed | {review.user})


def alert_recipient(
    session: Session,
    notice: BudgetNotice,
    budgets: Budgets,
    agents: Mapping[str, Agent],
    *,
    tried: Collection[str] = (),
) -> str | None:
    """Return the Slack id of the person who is told that a soft cap was passed.

    Args:
        session: the database.
        notice: what is to be told.
        budgets: the budget file of now.
        agents: the agents of now, by name.
        tried: ids of people whom Slack could not reach.

    Returns:
        None when the agent is gone and has no heir, so that nobody answers for the budget.
    """
    return next(iter(_answerable(session, notice, budgets, agents, unreachable=tried)), None)


def _answerable(
    session: Session,
    met: BudgetNotice | BudgetReview,
    budgets: Budgets,
    agents: Mapping[str, Agent],
    *,
    unreachable: Collection[str],
) -> tuple[str, ...]:
    limit = budgets.limit(met.scope, met.holder)  # not by budget key: keys contain the window and change daily
    named = () if limit is None or limit.owner is None else (limit.owner,)
    spending = _spending(met, agents)
    owners = () if spending is None else spending.card.owners
    for some in (named, owners):
        there = tuple(one for one in some if one not in unreachable and not members.has_left(session, one))
        if there:
            return there
    return owners


def _spending(met: BudgetNotice | BudgetReview, agents: Mapping[str, Agent]) -> Agent | None:
    """Return the agent that spends a budget: the one on record, or the one in its channel; None when it is gone.

    With neither (a person's or a team's budget, used up when nothing was requested), any agent will do.
    """
    name = met.agent or (met.holder if met.scope == "agent" else None)
    hears = next((agent for agent in agents.values() if met.holder in agent.card.channels), None)
    if name is None:
        return hears or next(iter(agents.values()), None)
    return card.answering(agents, name) or hears
