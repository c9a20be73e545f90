"""How many requests came, how they ended, how long they took, and what the agent did and said. Pure."""

from collections import Counter

from bot.dashboard import charts, parts, wording
from bot.dashboard.charts import BarAcross, Caption, Series
from bot.dashboard.elements import Element
from bot.dashboard.inks import Ink
from bot.dashboard.parts import Column
from bot.store.figures.dashboard import DashboardFigures, ToolCalls, Volume
from bot.store.schema import TurnOutcome
from bot.stories import plain_words

OUTCOMES = (
    ("replies", "Answered", Ink.SOLID),
    ("handoffs", "Handed to people", Ink.SLANTED),
    ("refused", "Not admitted", Ink.DOTTED),
    ("withdrawn", "Taken back", Ink.BARRED),
    ("linked", "Linked to a surge", Ink.CROSSED),
)
"How a turn ends: the field of `Volume`, what it is called, and its ink."
STATUSES = (
    ("ok", "Answered", Ink.SOLID),
    ("refused", "Refused", Ink.DOTTED),
    ("failed", "Failed", Ink.CROSSED),
    ("unseen", "Result not seen", Ink.BARRED),
)
"How a tool call ends: the field of `ToolCalls`, what it is called, and its ink."
INK_OF = {
    TurnOutcome.REPLY: Ink.SOLID,
    TurnOutcome.HANDOFF: Ink.SLANTED,
    TurnOutcome.REFUSED: Ink.DOTTED,
    TurnOutcome.WITHDRAWN: Ink.BARRED,
    TurnOutcome.LINKED: Ink.CROSSED,
}
MOST_BARS = 12
"The most bars of a chart; the table beside it has every row."


def volume(figures: DashboardFigures) -> Element:
    """Return the turns of each day by how they ended."""
    title, total = "Volume and outcomes", figures.total
    if not total.requests:
        return parts.section("volume", title, "No turn ended in these days.")
    named = [wording.day(one.day) for one in figures.days]
    ends = [one for one in OUTCOMES if getattr(total, one[0])]
    series = [
        Series(name, tuple(float(getattr(one.volume, field)) for one in figures.days), ink) for field, name, ink in ends
    ]
    tips = [f"{name}: {_ended(one.volume)}" for name, one in zip(named, figures.days, strict=True)]
    summary = f"{_ended(total)}, by the day on which they ended."
    chart = charts.stacked_bars(Caption("volume-chart", title, summary), named, series, tips)
    counted = ["requests", *(field for field, _, _ in ends), "tickets_opened"]
    heads = ["Turns", *(name for _, name, _ in ends), "New tickets"]
    columns = (Column("Day"), *(Column(head, number=True) for head in heads))
    shown = [one for one in reversed(figures.days) if one.volume.requests or one.volume.tickets_opened]
    rows: list[list[parts.Cell]] = [
        [str(one.day), *(int(getattr(one.volume, field)) for field in counted)] for one in shown
    ]
    table = parts.behind("Figures by day", parts.table("Turns by the day of their end", columns, rows, stacks=True))
    legend = parts.legend(*((ink, name) for _, name, ink in ends))
    return parts.section("volume", title, summary, legend, chart, table)


def _ended(found: Volume) -> str:
    """Return in words how turns ended."""
    others = [
        f"{number:,} {words}"
        for number, words in (
            (found.handoffs, "went to people"),
            (found.refused, "not admitted"),
            (found.withdrawn, "taken back"),
            (found.linked, "linked to a surge"),
        )
        if number
    ]
    answered = "was" if found.replies == 1 else "were"
    rest = f"; {wording.listed(others)}" if others else ""
    return f"{found.replies:,} of {wording.count(found.requests, 'turn')} {answered} answered{rest}"


def latency(figures: DashboardFigures) -> Element:
    """Return how long turns took, by day."""
    title, total = "Time to an outcome", figures.total
    if total.latency_p50_ms is None:
        return parts.section("latency", title, "No turn was answered in these days, so there is no time to show.")
    named = [wording.day(one.day) for one in figures.days]
    half = tuple(_seconds(one.volume.latency_p50_ms) for one in figures.days)
    most = tuple(_seconds(one.volume.latency_p95_ms) for one in figures.days)
    tips = [
        f"{name}: half within {wording.seconds(p50)}, 95 of 100 within {wording.seconds(p95)}"
        for name, p50, p95 in zip(named, half, most, strict=True)
    ]
    summary = (
        f"Half of the turns had their outcome within {_written(total.latency_p50_ms)} of the message, "
        f"95 of 100 within {_written(total.latency_p95_ms)}."
    )
    lines = [Series("Half within (p50)", half, Ink.SOLID), Series("95 of 100 within (p95)", most, Ink.SLANTED)]
    caption = Caption("latency-chart", title, summary)
    chart = charts.lines(caption, named, lines, tips, charts.short_seconds)
    columns = (Column("Day"), Column("p50", number=True), Column("p95", number=True), Column("Turns", number=True))
    rows: list[list[parts.Cell]] = [
        [str(one.day), _written(one.volume.latency_p50_ms), _written(one.volume.latency_p95_ms), one.volume.requests]
        for one in reversed(figures.days)
        if one.volume.latency_p50_ms is not None
    ]
    table = parts.behind("Figures by day", parts.table("Time from a message to its outcome", columns, rows))
    legend = parts.line_legend(*((one.ink, one.name) for one in lines))
    return parts.section("latency", title, summary, legend, chart, table)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _written(milliseconds: int | None) -> str:
    return wording.seconds(_seconds(milliseconds))


def tools(figures: DashboardFigures) -> Element:
    """Return how often each tool was called, and what came of it."""
    title, found = "Tool calls", figures.tools
    every = sum(one.calls for one in found)
    if not every:
        return parts.section("tools", title, "No tool was called in these days.")
    first = found[0]
    summary = f"{first.tool} was called most: {wording.count(first.calls, 'time')} of {every:,}. {_went_wrong(found)}"
    bars = [
        BarAcross(
            one.tool,
            tuple((ink, float(getattr(one, field))) for field, _, ink in STATUSES),
            f"{one.calls:,} ({wording.of(one.calls, every)})",
        )
        for one in found[:MOST_BARS]
    ]
    chart = charts.bars_across(Caption("tools-chart", title, summary), bars)
    shown = [one for one in STATUSES if any(getattr(each, one[0]) for each in found)]
    columns = (
        Column("Tool", words=True),
        Column("Calls", number=True),
        *(Column(name, number=True) for _, name, _ in shown),
    )
    rows: list[list[parts.Cell]] = [
        [one.tool, one.calls, *(int(getattr(one, field)) for field, _, _ in shown)] for one in found
    ]
    legend = parts.legend(*((ink, name) for _, name, ink in shown))
    return parts.section(
        "tools", title, summary, legend, chart, parts.table("Calls by tool", columns, rows, stacks=True)
    )


def _went_wrong(found: tuple[ToolCalls, ...]) -> str:
    refused, failed = sum(one.refused for one in found), sum(one.failed for one in found)
    if not refused and not failed:
        return "No call was refused, and none failed."
    return f"{refused:,} {'was' if refused == 1 else 'were'} refused and {failed:,} failed."


def outputs(figures: DashboardFigures) -> Element:
    """Return what requests turned out to be."""
    title, found = "Categories", figures.outputs
    every = sum(one.turns for one in found)
    if not every:
        return parts.section("outputs", title, "No turn ended in these days.")
    several = len({one.agent for one in found}) > 1
    turns: dict[str, Counter[TurnOutcome]] = {}
    for one in found:
        category = plain_words.plain(one.category) if one.category else "no category"
        turns.setdefault(f"{one.agent}: {category}" if several else category, Counter())[one.outcome] += one.turns
    ordered = sorted(turns.items(), key=lambda item: (-item[1].total(), item[0]))
    name, most = ordered[0][0], ordered[0][1].total()
    summary = f"The most frequent is “{name}”: {most:,} of {wording.count(every, 'turn')} ({wording.of(most, every)})."
    bars = [
        BarAcross(
            category,
            tuple((INK_OF[outcome], float(counted[outcome])) for outcome in TurnOutcome),
            f"{counted.total():,} ({wording.of(counted.total(), every)})",
        )
        for category, counted in ordered[:MOST_BARS]
    ]
    chart = charts.bars_across(Caption("outputs-chart", title, summary), bars)
    shown = [outcome for outcome in TurnOutcome if any(counted[outcome] for _, counted in ordered)]
    said = {outcome: name for outcome, (_, name, _) in zip(INK_OF, OUTCOMES, strict=True)}
    columns = (
        Column("Category", words=True),
        Column("Turns", number=True),
        *(Column(said[one], number=True) for one in shown),
    )
    rows: list[list[parts.Cell]] = [
        [category, counted.total(), *(counted[one] for one in shown)] for category, counted in ordered
    ]
    legend = parts.legend(*((INK_OF[one], said[one]) for one in shown))
    table = parts.table("Turns by category and outcome", columns, rows, stacks=True)
    return parts.section("outputs", title, summary, legend, chart, table)
