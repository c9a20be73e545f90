"""The part of reports that comes first: the success criterion, the same words wherever it is read. Pure.

Invariant: what is not settled yet is in no share and is said apart; a share without a request is `no data yet`, and an
unknown figure is left out.
"""

import math
from collections.abc import Iterator
from typing import Any

from bot.slack import mrkdwn
from bot.slack.mrkdwn import dollars
from bot.slack.reports import waits
from bot.store.figures.success import Requests, Success
from bot.store.handoffs.handoff_metrics import Spread
from bot.store.money.ticket_costs import TicketCosts

NAME = "Solved without a person"
"What the success criterion is called wherever it is read."
PER_RESOLVED = "Cost per resolved ticket"
_MINUTE = 60


def lines(seen: Success, when: str, *, with_costs: bool = True) -> Iterator[str]:
    """Yield the criterion, then what became of the other requests, what is not settled yet, times and costs.

    Args:
        seen: the figures.
        when: their window, in words: `in the last 7 days`.
        with_costs: the report says nothing else of what a resolved ticket costs.
    """
    yield headline(seen, when)
    others = list(_others(seen.settled))
    if others:
        yield f"Of the others, {'; '.join(others)}."
    if seen.unsettled.all:
        yield unsettled(seen.unsettled)
    took = {"First answer after": seen.to_answer, "resolved after": seen.to_resolution}
    times = [f"{name} {waits.median_and_most(spread)}" for name, spread in took.items() if spread.count]
    if times:
        yield _sentence("; ".join(times))
    if with_costs and seen.resolved.tickets:
        yield f"{PER_RESOLVED}: {cost(seen.resolved)}."


def headline(seen: Success, when: str) -> str:
    """Return the success criterion in one line, with the numbers that it is made of and its bounds."""
    settled, bounds = seen.settled, seen.interval
    if not settled.all and not seen.unsettled.all:
        return f"*{NAME}: no data* {when}: there was no request."
    if bounds is None:
        return f"*{NAME}: no data yet* {when}: no request is settled."
    low, high = math.floor(100 * bounds[0]), math.ceil(100 * bounds[1])
    share = mrkdwn.percent(settled.solved, settled.all)
    return f"*{NAME}: {settled.solved:,} of {settled.all:,}* {when} ({share}; with 95 % confidence {low} to {high} %)."


def unsettled(so_far: Requests) -> str:
    """Return what has become so far of the requests that are in no share yet."""
    count = "1 request was" if so_far.all == 1 else f"{so_far.all:,} requests were"
    parts = [f"{so_far.solved:,} {_is(so_far.solved)} solved"] if so_far.solved else []
    said = "; ".join([*parts, *_others(so_far)])
    return f"Not settled yet, and not counted above: {count} opened or resolved less than 24 hours ago. So far {said}."


def cost(costs: TicketCosts) -> str:
    """Return the mean cost of tickets, model calls and people together, with the sums that it is made of.

    Args:
        costs: the costs of at least one ticket.
    """
    number, minutes = f"{costs.tickets:,}", f"{costs.claimed_seconds / _MINUTE:,.0f} min of claims"
    ai, human, mean = costs.ai_nusd, costs.human_nusd, costs.per_ticket
    if human is None or mean is None:
        each = dollars(round(ai / costs.tickets))
        return f"{each} of model calls ({dollars(ai)} for {number}); people: {minutes}, no rate in the card"
    if not costs.claimed_seconds:
        return f"{dollars(mean)} ({dollars(ai)} of model calls for {number}; no claims of people)"
    return f"{dollars(mean)} ({dollars(ai)} of model calls and {dollars(human)} of people for {number}; {minutes})"


def as_json(seen: Success) -> dict[str, Any]:
    """Return the figures as JSON values: a share from 0 to 1, seconds, nano-USD, null for unknown."""
    return {
        "solved_share": seen.share,
        "interval_95": None if seen.interval is None else list(seen.interval),
        "settled": _plain(seen.settled),
        "not_settled_yet": _plain(seen.unsettled),
        "to_first_answer": _seconds(seen.to_answer),
        "to_resolution": _seconds(seen.to_resolution),
        "cost": money(seen.costs),
        "cost_of_resolved": money(seen.resolved),
    }


def _others(requests: Requests) -> Iterator[str]:
    """Yield what became of the requests that were not solved without a person, each kind that occurred."""
    if requests.to_people:
        yield f"{requests.to_people:,} went to a person"
    if requests.contradicted:
        were = "was" if requests.contradicted == 1 else "were"
        yield f"{requests.contradicted:,} {were} contradicted by the requester within 24 hours"
    if requests.unconfirmed:
        yield f"{requests.unconfirmed:,} {_is(requests.unconfirmed)} not confirmed as solved"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _plain(requests: Requests) -> dict[str, int]:
    return {
        "requests": requests.all,
        "solved": requests.solved,
        "to_people": requests.to_people,
        "contradicted": requests.contradicted,
        "unconfirmed": requests.unconfirmed,
    }


def _seconds(spread: Spread) -> dict[str, Any]:
    return {"count": spread.count, "median_seconds": spread.median, "p90_seconds": spread.p90}


def money(costs: TicketCosts) -> dict[str, Any]:
    """Return costs as JSON values: nano-USD and seconds, null for unknown."""
    return {
        "tickets": costs.tickets,
        "model_nusd": costs.ai_nusd,
        "claimed_seconds": costs.claimed_seconds,
        "people_nusd": costs.human_nusd,
        "per_ticket_nusd": costs.per_ticket,
    }
