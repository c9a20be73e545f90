"""Names and formats of the cost figures, the same in `/agent-cost`, in the digest and on the terminal.

Invariant: one thing has one name, which is also in the glossary. A mean or a share is shown with the numbers that it is
made of.
"""

from collections.abc import Mapping
from typing import Any

from bot.cost_dimensions import Dimension, Window
from bot.principals import OF_EVALUATIONS
from bot.slack import mrkdwn
from bot.slack.money import holders
from bot.slack.mrkdwn import dollars
from bot.slack.reports import success_report
from bot.store.money import people_time
from bot.store.money.spending import Summary
from bot.store.money.ticket_costs import TicketCosts
from bot.store.schema import TurnOutcome

SPENT, CALLS, TICKETS = "Spent", "Model calls", "Tickets"
PER_TICKET, PER_RESOLVED, PER_HANDOFF = "Cost per ticket", "Cost per resolved ticket", "Cost per handoff"
PEOPLE = "Time of people"
_MINUTE = 60
TOKENS, CACHE = "Tokens per turn", "Prompt read from cache"
NAMES = (SPENT, CALLS, TICKETS, PER_TICKET, PER_RESOLVED, PER_HANDOFF, TOKENS, CACHE)
THIS: Mapping[Window, str] = {"day": "today", "week": "this week", "month": "this month"}
_OUTCOMES: dict[str, str] = {
    TurnOutcome.REPLY: "answered",
    TurnOutcome.HANDOFF: "handed to a person",
    TurnOutcome.WITHDRAWN: "withdrawn",
    TurnOutcome.REFUSED: "refused",
    TurnOutcome.LINKED: "linked to a surge",
}
_UNNAMED = {"tool": "answering without a tool", "outcome": "under way"}


def name(by: Dimension | str, key: str | None) -> str:
    """Return the readable name of a line in a report."""
    if key is None:
        return _UNNAMED.get(by, "unknown")
    if key in OF_EVALUATIONS:
        return mrkdwn.EVALUATIONS
    if by == "channel" and key.startswith("D"):
        return holders.DIRECTS
    if by == "team":
        return holders.WORKSPACE
    return _OUTCOMES.get(key, key) if by == "outcome" else key


def parts(summary: Summary) -> str:
    """Return the parts of a total in words, or an empty text when all of it is for tickets."""
    evaluations = summary.evaluations_nusd
    other = summary.cost_nusd - summary.tickets_nusd - evaluations
    if not evaluations and not other:
        return ""
    shares = ((summary.tickets_nusd, "tickets"), (evaluations, mrkdwn.EVALUATIONS), (other, "calls of no ticket"))
    places = total_places(summary)
    return ", ".join(f"{dollars(nusd, places)} for {what}" for nusd, what in shares if nusd) + "."


def total_places(summary: Summary) -> int:
    """Return the number of decimals for a total and its parts."""
    other = summary.cost_nusd - summary.tickets_nusd - summary.evaluations_nusd
    return mrkdwn.places((summary.cost_nusd, summary.tickets_nusd, summary.evaluations_nusd, other))


def total(summary: Summary) -> str:
    """Return the total in US dollars, with the same decimals as its parts."""
    return dollars(summary.cost_nusd, total_places(summary))


def figures(summary: Summary) -> dict[str, str | None]:
    """Return the figures of tickets and tokens by their names; None for an unknown one."""
    tokens = summary.prompt_tokens + summary.output_tokens
    return {
        TICKETS: f"{summary.tickets:,}",
        **{name: _mean(costs) for name, costs in shown(summary).items()},
        PEOPLE: people(summary),
        TOKENS: None
        if summary.tokens_per_interaction is None
        else f"{summary.tokens_per_interaction:,} ({tokens:,} in {summary.interactions:,})",
        CACHE: None
        if summary.cache_hit_share is None
        else f"{mrkdwn.percent(summary.cache_read_tokens, summary.prompt_tokens)} "
        f"({summary.cache_read_tokens:,} of {summary.prompt_tokens:,})",
    }


def as_json(summary: Summary) -> dict[str, Any]:
    """Return what tickets have cost with the time of people, as JSON values: nano-USD, null for unknown."""
    return {
        "tickets": success_report.money(people_time.of_tickets(summary)),
        "resolved": success_report.money(people_time.of_resolved(summary)),
        "handed_off": success_report.money(people_time.of_handed_off(summary)),
    }


def shown(summary: Summary) -> dict[str, TicketCosts]:
    """Return the costs behind each mean: with people where the rate of all of them is known, else without."""
    known = {
        PER_TICKET: people_time.of_tickets(summary),
        PER_RESOLVED: people_time.of_resolved(summary),
        PER_HANDOFF: people_time.of_handed_off(summary),
    }
    if not summary.people.unpriced:
        return known
    return {name: TicketCosts(costs.tickets, costs.ai_nusd) for name, costs in known.items()}


def people(summary: Summary) -> str | None:
    """Return how long people had the tickets claimed, and what of the costs is for that; None: nobody claimed one."""
    costs = people_time.of_tickets(summary)
    if not costs.claimed_seconds:
        return None
    priced = "no rate in card" if costs.human_nusd is None else dollars(costs.human_nusd)
    return f"{costs.claimed_seconds / _MINUTE:,.0f} min ({priced})"


def _mean(costs: TicketCosts) -> str | None:
    mean, total = costs.per_ticket, costs.total_nusd
    return None if mean is None or total is None else f"{dollars(mean)} ({dollars(total)} for {costs.tickets:,})"
