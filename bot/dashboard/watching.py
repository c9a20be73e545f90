"""Whether what is measured can be relied on: drift, the last signs of each part, and the last tickets. Pure."""

from collections.abc import Iterator, Sequence
from typing import assert_never

from bot.dashboard import handovers, parts, wording
from bot.dashboard.elements import Element, element
from bot.dashboard.overview_values import Overview
from bot.dashboard.parts import Column
from bot.slack.reports import drift_report
from bot.store.figures.drift_checks import DriftReading
from bot.store.figures.latest_tickets import LOOKED_AT, TicketEnd
from bot.store.figures.watch import Sign
from bot.store.schema import TurnOutcome
from bot.stories import plain_words

SMALLEST = 0.001
"A p-value below this is written as such."


def drift(overview: Overview) -> Element:
    """Return the latest comparison of each stream and window with its own past."""
    title = "Drift"
    readings = [(agent, one) for agent, found in overview.drift for one in found]
    if not readings:
        said = "Nothing has been compared yet: the first check needs 600 tickets of a release."
        return parts.section("drift", title, said, wide=True)
    drifted = [one for _, one in readings if one.drifted]
    compared = wording.count(len(readings), "comparison")
    if drifted:
        said = f"{len(drifted)} of {compared} with the past {'shows' if len(drifted) == 1 else 'show'} a drift."
    else:
        said = f"None of {compared} with the past shows a drift."
    several = len({agent for agent, _ in readings}) > 1
    columns = (
        *(Column("Stream"), Column("Window", number=True), Column("p", number=True), Column("V", number=True)),
        *(Column("Detectable", number=True), Column("State"), Column("What moved most", words=True), Column("Checked")),
    )
    rows: list[list[parts.Cell]] = [_reading(f"{agent}: " if several else "", one, overview) for agent, one in readings]
    caption = (
        "Window: the last tickets that are compared. V: Cramér's V, the size of the difference. "
        "Detectable: the smallest shift of a share that the window finds in four of five cases."
    )
    return parts.section("drift", title, said, parts.table(caption, columns, rows, stacks=True), wide=True)


def _reading(prefix: str, one: DriftReading, overview: Overview) -> list[parts.Cell]:
    state = element("span", "Drift" if one.drifted else "Steady", class_="state bad" if one.drifted else "good")
    p = f"<{SMALLEST}" if one.p_value < SMALLEST else f"{one.p_value:.3f}"
    moved = "; ".join(
        f"{plain_words.plain(shift.value)} {wording.share(shift.before)} → {wording.share(shift.now)}"
        for shift in one.moved[:3]
    )
    window = f"last {one.window:,} against {one.reference:,}"
    return [
        *(
            f"{prefix}{drift_report.NAMES[one.stream]}",
            window,
            p,
            f"{one.effect:.2f}",
            f"{100 * one.detectable:.0f} points",
        ),
        *(state, moved or wording.UNKNOWN, wording.age(one.at, overview.at)),
    ]


def signs(overview: Overview) -> Element:
    """Return when each part of the product was last seen at work."""
    title = "Self-watch"
    stale = [one for one in overview.signs if one.late]
    never = [one.name for one in overview.signs if one.at is None]
    if stale:
        said = (
            f"{wording.listed([one.name for one in stale])} {'is' if len(stale) == 1 else 'are'} older than expected."
        )
    else:
        said = "Nothing that was ever seen is older than expected."
    more = f" There has been no {wording.listed(never).replace(' and ', ' or ')} yet." if never else ""
    columns = (Column("What"), Column("When"), Column("Age", number=True), Column("State"))
    rows: list[list[parts.Cell]] = []
    for one in overview.signs:
        look, state = _state(one)
        name = one.name[0].upper() + one.name[1:]
        rows.append(
            [name, wording.moment(one.at), wording.age(one.at, overview.at), element("span", state, class_=look)]
        )
    return parts.section("watch", title, f"{said}{more}", parts.table("The last signs", columns, rows))


def _state(one: Sign) -> tuple[str, str]:
    """Return the look and the word of how a sign stands."""
    if one.at is None:
        return "soft", "None yet"
    if one.late is None:
        return "soft", "Seen"
    return ("bad", "Late") if one.late else ("good", "In time")


def examples(overview: Overview) -> Iterator[Element]:
    """Yield the tickets to look at: those that went to people or failed, and the last ones."""
    if not overview.owner:
        said = "Tickets are shown to owners of their agent only."
        yield parts.section("latest", "Tickets", said, wide=True)
        return
    none = f"None of the newest {LOOKED_AT} requests of these days was handed over or failed."
    yield _tickets("examples", "Handed over or failed", overview.latest.examples, none)
    yield _tickets("latest", "Last tickets", overview.latest.last, "No turn ended in these days.")


def _tickets(key: str, title: str, found: Sequence[TicketEnd], none: str) -> Element:
    if not found:
        return parts.section(key, title, none)
    number = f"last {len(found)}" if len(found) > 1 else "last one"
    said = f"The {number} of these days; each leads to its whole story."
    columns = (Column("Ticket"), Column("Ended"), Column("How", words=True), Column("State"))
    rows: list[list[parts.Cell]] = [
        [parts.ticket_link(one.ticket_id), parts.time(one.at), _how(one), plain_words.plain(one.state)] for one in found
    ]
    return parts.section(
        key,
        title,
        said,
        parts.table("By their opening, the newest first; times are of the last turn", columns, rows, stacks=True),
    )


def _how(one: TicketEnd) -> str:
    match one.outcome:
        case TurnOutcome.HANDOFF:
            return handovers.reason_in_words(one.reason) if one.reason else "Handed to people"
        case TurnOutcome.REPLY:
            return f"Answered: {plain_words.plain(one.category)}" if one.category else "Answered"
        case TurnOutcome.REFUSED:
            return "Not admitted"
        case TurnOutcome.WITHDRAWN:
            return "Taken back"
        case TurnOutcome.LINKED:
            return "Linked to a surge"
        case _:
            assert_never(one.outcome)
