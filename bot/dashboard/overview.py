"""The page with the figures of agents: first what is served and how well it does, then why and at what cost. Pure.

Invariant: it shows only what its values hold, and a section without anything to show says so in a sentence.
"""

from datetime import date, timedelta

from bot.dashboard import costs, handovers, headline, parts, samples, volume, watching, wording
from bot.dashboard.elements import Element, element
from bot.dashboard.filters import WINDOWS, Filter
from bot.dashboard.overview_values import Overview


def overview_page(overview: Overview) -> str:
    """Return the page with the figures of the days and agents that were asked for."""
    wanted, figures = overview.filter, overview.figures
    whose = wanted.agent or (overview.allowed[0] if len(overview.allowed) == 1 else "All agents")
    title = f"{whose}: {_days(wanted)}"
    sections = [
        *(headline.by_day(overview), volume.volume(figures), volume.latency(figures), volume.outputs(figures)),
        *(volume.tools(figures), handovers.quality(figures), handovers.handoffs(figures)),
        *(
            costs.costs(overview),
            samples.sampled(overview),
            watching.drift(overview),
            *watching.examples(overview),
            watching.signs(overview),
        ),
    ]
    return parts.page(
        title,
        element("h1", title),
        _choices(overview),
        _complaints(wanted),
        headline.served(overview),
        headline.success(overview),
        element("div", *sections, class_="sections"),
        viewer=overview.viewer,
        at=overview.at,
    )


def _days(wanted: Filter) -> str:
    since, until = wanted.since, wanted.until
    if since == until:
        return f"{wording.day(until)} {until.year}"
    year = "" if since.year == until.year else f" {since.year}"
    return f"{wording.day(since)}{year} to {wording.day(until)} {until.year}"


def _choices(overview: Overview) -> Element:
    """Return the links to other windows and agents."""
    wanted, today = overview.filter, overview.at.date()
    windows = [(f"{days} days", _window(wanted, days, today), _is_last(wanted, days, today)) for days in WINDOWS]
    named = [(name, wanted.address(agent=name), wanted.agent == name) for name in overview.allowed]
    every = ("All", wanted.address(agent=None), wanted.agent is None)
    return element(
        "div",
        _links("Days", "Window of days", windows),
        _links("Agent", "Agents", [every, *named]) if len(named) > 1 else None,
        class_="choices",
    )


def _window(wanted: Filter, days: int, today: date) -> str:
    return wanted.address(since=today - timedelta(days=days - 1), until=today)


def _is_last(wanted: Filter, days: int, today: date) -> bool:
    return wanted.until == today and wanted.days == days


def _links(label: str, name: str, links: list[tuple[str, str, bool]]) -> Element:
    shown = [element("a", text, href=to, aria_current="page" if here else None) for text, to, here in links]
    return element("nav", element("span", label, class_="label"), *shown, aria_label=name)


def _complaints(wanted: Filter) -> Element | None:
    if not wanted.complaints:
        return None
    return element("div", *map(_paragraph, wanted.complaints), class_="complaint", role="status")


def _paragraph(text: str) -> Element:
    return element("p", text)
