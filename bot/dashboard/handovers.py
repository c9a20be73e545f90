"""Why requests went to people and how long those took, and what people thought of answers. Pure."""

from bot.dashboard import charts, parts, wording
from bot.dashboard.charts import BarAcross, Caption
from bot.dashboard.elements import Element
from bot.dashboard.inks import Ink
from bot.dashboard.parts import Column
from bot.principals import Reason
from bot.slack.handoffs import reasons
from bot.store.figures.dashboard import DashboardFigures, HandoffTimes
from bot.store.handoffs.handoff_metrics import Spread
from bot.stories import plain_words


def handoffs(figures: DashboardFigures) -> Element:
    """Return the handoffs by reason, with how long people took."""
    title, every = "Handoffs", figures.handoffs
    if not every.handoffs:
        return parts.section("handoffs", title, "No request was handed to people in these days.", wide=True)
    first = figures.handoff_reasons[0]
    summary = (
        f"{wording.count(every.handoffs, 'handoff')}. The most frequent reason is “{_words(first)}” "
        f"({first.handoffs:,}). {_times(every)}"
    )
    bars = [
        BarAcross(_words(one), ((Ink.SLANTED, float(one.handoffs)),), f"{one.handoffs:,}")
        for one in figures.handoff_reasons
    ]
    chart = charts.bars_across(Caption("handoffs-chart", title, summary), bars)
    columns = (
        *(Column("Reason", words=True), Column("Handoffs", number=True), Column("Claimed", number=True)),
        *(Column("First response", number=True), Column("Resolved", number=True)),
    )
    rows = [_row(one) for one in (*figures.handoff_reasons, every)]
    caption = "Times from the requester's first wait: half within, and 9 of 10 within"
    table = parts.table(caption, columns, rows, stacks=True)
    return parts.section("handoffs", title, summary, parts.beside(chart, table), wide=True)


def reason_in_words(reason: str) -> str:
    """Return why a ticket went to people, in words; a reason that this build does not know is shown as it is."""
    return reasons.words(Reason(reason)) if reason in list(Reason) else plain_words.plain(reason)


def _words(one: HandoffTimes) -> str:
    return "All reasons" if one.reason is None else reason_in_words(one.reason)


def _times(every: HandoffTimes) -> str:
    claimed, resolved = every.to_claim, every.to_resolve
    if not claimed.count:
        return "Nobody has claimed one yet."
    done = f", {resolved.count:,} are resolved" if resolved.count > 1 else ", 1 is resolved" if resolved.count else ""
    were = "was" if claimed.count == 1 else "were"
    return f"{claimed.count:,} {were} claimed, half of them within {wording.seconds(claimed.median)}{done}."


def _row(one: HandoffTimes) -> list[parts.Cell]:
    return [_words(one), one.handoffs, _spread(one.to_claim), _spread(one.to_first_response), _spread(one.to_resolve)]


def _spread(spread: Spread) -> str:
    if not spread.count:
        return wording.UNKNOWN
    return f"{wording.seconds(spread.median)}, {wording.seconds(spread.p90)}"


def quality(figures: DashboardFigures) -> Element:
    """Return how good answers were found to be by the people who got them."""
    up, down = figures.total.thumbs_up, figures.total.thumbs_down
    if not up + down:
        return parts.section("quality", "Thumbs", "Nobody has rated an answer of these days.")
    thumbs = f"{up:,} of {wording.count(up + down, 'rating')} by requesters {'was' if up == 1 else 'were'} a thumb up."
    bars = [
        BarAcross("Helpful", ((Ink.SOLID, float(up)),), f"{up:,}"),
        BarAcross("No help", ((Ink.CROSSED, float(down)),), f"{down:,}"),
    ]
    chart = charts.bars_across(Caption("quality-chart", "Thumbs", thumbs), bars)
    rows: list[list[parts.Cell]] = [
        ["Helpful", up, wording.of(up, up + down)],
        ["No help", down, wording.of(down, up + down)],
    ]
    columns = (Column("Rating"), Column("Answers", number=True), Column("Share", number=True))
    table = parts.table("Thumbs of requesters, the last of each counts", columns, rows)
    return parts.section("quality", "Thumbs", thumbs, chart, table)
