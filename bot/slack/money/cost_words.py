"""Names and formats of the cost figures, the same in `/agent-cost`, in the digest and on the terminal.

Invariant: one thing has one name, which is also in the glossary. A mean or a share is shown with the numbers that it is
made of.
"""

from collections.abc import Mapping

from bot.cost_dimensions import Dimension, Window
from bot.principals import OF_EVALUATIONS
from bot.slack import mrkdwn
from bot.slack.money import holders
from bot.slack.mrkdwn import dollars
from bot.store.money.spending import Summary
from bot.store.schema import TurnOutcome

SPENT, CALLS, TICKETS = "Spent", "Model calls", "Tickets"
PER_TICKET, PER_RESOLVED, PER_HANDOFF = "Cost per ticket", "Cost per resolved ticket", "Cost per handoff"
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
        PER_TICKET: _mean(summary.per_ticket, summary.tickets_nusd, summary.tickets),
        PER_RESOLVED: _mean(summary.per_resolved, summary.resolved_nusd, summary.resolved),
        PER_HANDOFF: _mean(summary.per_handoff, summary.handed_off_nusd, summary.handed_off),
        TOKENS: None
        if summary.tokens_per_interaction is None
        else f"{summary.tokens_per_interaction:,} ({tokens:,} in {summary.interactions:,})",
        CACHE: None
        if summary.cache_hit_share is None
        else f"{mrkdwn.percent(summary.cache_read_tokens, summary.prompt_tokens)} "
        f"({summary.cache_read_tokens:,} of {summary.prompt_tokens:,})",
    }


def _mean(mean: int | None, nusd: int, count: int) -> str | None:
    return None if mean is None else f"{dollars(mean)} ({dollars(nusd)} for {count:,})"
