"""Who answers for a budget: the one whom the budget file names, else the owners of the agent that spends it.

Invariant: nobody who has left the workspace is among them, and neither is who could not be written to or who
asked for what did not fit, as long as anybody else is there. A budget that only an agent spends which is
gone has no owners.
"""

from collections.abc import Collection, Mapping

from bot.agent import card
from bot.agent.card import Agent
from bot.budget.caps import Budgets
from bot.store import members
from bot.store.db import Session
from bot.store.money import blocked_tickets
from bot.store.schema import BudgetNotice, BudgetReview, MessageState


def deciding(session: Session, review: BudgetReview, budgets: Budgets, agents: Mapping[str, Agent]) -> tuple[str, ...]:
    """Return the Slack ids of those who may decide a review, by what is configured now.

    Whose own request it was that did not fit is not among them while anybody else can be asked.
    """
    failed = {user for user, state in blocked_tickets.asked(session, review.id).items() if state is MessageState.FAILED}
    return _answerable(session, review, budgets, agents, unreachable=failed | {review.user})


def told(
    session: Session,
    notice: BudgetNotice,
    budgets: Budgets,
    agents: Mapping[str, Agent],
    *,
    tried: Collection[str] = (),
) -> str | None:
    """Return the Slack id of who is told that a soft cap was passed; those were tried, and cannot be written to.

    None when nobody answers for it: its agent is gone and has no heir.
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
    limit = budgets.limit(met.scope, met.holder)  # by whom it is for: accounts change with windows and time zones
    named = () if limit is None or limit.owner is None else (limit.owner,)
    spending = _spending(met, agents)
    owners = () if spending is None else spending.card.owners
    for some in (named, owners):
        there = tuple(one for one in some if one not in unreachable and not members.has_left(session, one))
        if there:
            return there
    return owners


def _spending(met: BudgetNotice | BudgetReview, agents: Mapping[str, Agent]) -> Agent | None:
    """Return the agent that spends from an account: known, or the one that hears its channel; None: it is gone.

    What is known of neither (a person's or a team's, met while nothing was asked for) is everybody's: any will do.
    """
    name = met.agent or (met.holder if met.scope == "agent" else None)
    hears = next((agent for agent in agents.values() if met.holder in agent.card.channels), None)
    if name is None:
        return hears or next(iter(agents.values()), None)
    return card.answering(agents, name) or hears
