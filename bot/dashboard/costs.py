"""What requests have cost: model calls and the time of people, together and by day. Pure."""

from collections.abc import Iterator

from bot.dashboard import charts, parts, scales, wording
from bot.dashboard.charts import Axis, Caption, Series
from bot.dashboard.elements import Element, element
from bot.dashboard.inks import Ink
from bot.dashboard.overview_values import Overview
from bot.dashboard.parts import Column, Fact
from bot.slack import mrkdwn
from bot.store.figures.dashboard import Volume
from bot.store.money.ticket_costs import TicketCosts

AXIS = Axis(scales.money, lambda nusd: mrkdwn.dollars(round(nusd)))


def costs(overview: Overview) -> Element:
    """Return what was spent, for owners of the agents that are shown."""
    title, spent = "Cost", overview.success.costs
    if not overview.shows_costs:
        return parts.section("cost", title, "Costs are shown to owners of an agent only.", wide=True)
    days, total = overview.figures.days, overview.figures.total
    if not spent.tickets and not total.cost_nusd and not total.evaluation_cost_nusd:
        return parts.section("cost", title, "Nothing was spent in these days.", wide=True)
    summary = _summary(spent)
    named = [wording.day(one.day) for one in days]
    series = [
        Series("Turns", tuple(float(one.volume.cost_nusd) for one in days), Ink.SOLID),
        Series("Evaluations", tuple(float(one.volume.evaluation_cost_nusd) for one in days), Ink.BARRED),
    ]
    tips = [
        f"{name}: turns {wording.dollars(one.volume.cost_nusd)}, "
        f"evaluations {wording.dollars(one.volume.evaluation_cost_nusd)}"
        for name, one in zip(named, days, strict=True)
    ]
    of_turns, of_evaluations = wording.dollars(total.cost_nusd), wording.dollars(total.evaluation_cost_nusd)
    said = f"Model calls of turns cost {of_turns}, those of evaluations {of_evaluations}, by the day of the call."
    chart = charts.stacked_bars(Caption("cost-chart", "Cost of model calls by day", said), named, series, tips, AXIS)
    columns = (
        *(Column("Day"), Column("Calls", number=True), Column("Turns", number=True)),
        *(Column("Evaluations", number=True), Column("Tokens in", number=True), Column("From cache", number=True)),
        Column("Tokens out", number=True),
    )
    rows = [
        _row(one.day.isoformat(), one.volume)
        for one in reversed(days)
        if one.volume.calls + one.volume.evaluation_calls
    ]
    table = parts.behind("Figures by day", parts.table("Model calls by day", columns, rows, stacks=True))
    legend = parts.legend((Ink.SOLID, "Turns"), (Ink.BARRED, "Evaluations"))
    drawn = element("div", element("p", said), legend, chart, table)
    return parts.section("cost", title, summary, parts.beside(parts.facts(*_facts(overview)), drawn), wide=True)


def _row(day: str, found: Volume) -> list[parts.Cell]:
    tokens = found.input_tokens + found.cache_read_tokens + found.cache_write_tokens
    return [
        *(day, found.calls, wording.dollars(found.cost_nusd), wording.dollars(found.evaluation_cost_nusd)),
        *(tokens, wording.of(found.cache_read_tokens, tokens), found.output_tokens),
    ]


def _summary(spent: TicketCosts) -> str:
    requests, ai = wording.count(spent.tickets, "request"), wording.dollars(spent.ai_nusd)
    held = wording.seconds(spent.claimed_seconds)
    if spent.human_nusd is None:
        return f"{requests} cost {ai} in model calls. People had them claimed for {held}; no card says what that costs."
    people, together = wording.dollars(spent.human_nusd), wording.dollars(spent.ai_nusd + spent.human_nusd)
    return f"{requests} cost {together}: {ai} in model calls, and {people} in the time of people ({held} of claims)."


def _facts(overview: Overview) -> Iterator[Fact]:
    spent, resolved = overview.success.costs, overview.success.resolved
    yield Fact("Model calls", wording.dollars(spent.ai_nusd), f"for {wording.count(spent.tickets, 'request')}")
    held = f"{wording.seconds(spent.claimed_seconds)} of claims"
    if spent.human_nusd is None:
        yield Fact("Time of people", wording.seconds(spent.claimed_seconds), "no card says what an hour costs")
        yield Fact("A request", wording.dollars(_each(spent)), "model alone")
        yield Fact("A resolved request", wording.dollars(_each(resolved)), f"model alone, for {resolved.tickets:,}")
    else:
        yield Fact("Time of people", wording.dollars(spent.human_nusd), held)
        yield Fact("A request", wording.dollars(spent.per_ticket), "model and people together")
        about = f"together, for {resolved.tickets:,} that are resolved"
        yield Fact("A resolved request", wording.dollars(resolved.per_ticket), about)
    evaluations = wording.dollars(overview.figures.total.evaluation_cost_nusd)
    yield Fact("Evaluations", evaluations, "in no figure of requests")


def _each(spent: TicketCosts) -> int | None:
    return round(spent.ai_nusd / spent.tickets) if spent.tickets else None
