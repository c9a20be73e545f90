"""The first figures: what is served, and the success criterion with what it is made of. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from bot.agent.standing import Standing
from bot.dashboard import charts, parts, wording
from bot.dashboard.charts import Caption, Series
from bot.dashboard.elements import Element, element
from bot.dashboard.inks import Ink
from bot.dashboard.overview_values import Overview, Served
from bot.dashboard.parts import Column, Fact
from bot.store.figures.success import Requests, Success
from bot.store.handoffs.handoff_metrics import Spread
from bot.store.releases.probes import LastProbe
from bot.store.schema import Verdict

ENDS = (
    ("solved", "Solved without a person", Ink.SOLID),
    ("to_people", "Went to people", Ink.SLANTED),
    ("contradicted", "Resolved, then contradicted", Ink.CROSSED),
    ("unconfirmed", "Not confirmed as solved", Ink.DOTTED),
)
"What becomes of a request: the field of `Requests`, what it is called, and its ink."


def served(overview: Overview) -> Element:
    """Return a line for each release: its verdict, and whether it answers people."""
    lines = [_served(one, overview.at) for one in overview.served]
    if not lines:
        lines = [
            element("li", element("span", "No release yet", class_="state warn"), _words("Nothing was evaluated."))
        ]
    return element("ul", *lines, class_="verdict", aria_label="Releases that are served")


def _served(one: Served, at: datetime) -> Element:
    release = one.release
    match release.verdict:
        case Verdict.PASS:
            look, state = "good", "Passed"
        case Verdict.BLOCK:
            look, state = "bad", "Blocked"
        case Verdict.INCONCLUSIVE:
            look, state = "warn", "Inconclusive"
        case None | Verdict.NOT_RUN:
            look, state = "warn", "Not evaluated"
        case _:
            assert_never(release.verdict)
    age = "" if release.verdict_age_seconds is None else f", {wording.seconds(release.verdict_age_seconds)} ago"
    run = "" if not one.played else f"; {one.passed:,} of {one.played:,} plays of its cases passed"
    hard = f", {wording.count(one.hard_failures, 'failure')} in hard slices" if one.hard_failures else ""
    idle = None if one.standing is None or one.standing.works else one.standing
    if idle is not None:
        serves = _idle(idle)
    elif one.serving:
        waiver = release.waiver
        serves = "It answers people." if waiver is None else f"It answers people by a waiver: {waiver.words}."
    elif one.instead is None:
        serves = "It answers nobody: every request goes straight to a person."
    else:
        serves = f"{one.instead} has replaced it and was never evaluated: every request goes straight to a person."
    said = f"{release.fingerprint}{age}{run}{hard}. {serves}"
    if idle is not None:
        look, state, said = "bad", str(idle.status).capitalize(), f"{state}: {said}"
    probe = "" if one.probe is None else f" {_probed(one.probe, at)}"
    return element("li", element("span", state, class_=f"state {look}"), _words(f"{said}{probe}"))


def _probed(probe: LastProbe, at: datetime) -> str:
    """Return in words what the last probes of a release say."""
    return f"Probes {wording.age(probe.finished_at, at)}: {probe.words}."


def _idle(standing: Standing) -> str:
    """Return in words that an agent does not work, since when, by whom and why."""
    if standing.since is None:
        return f"It is {standing.status} by its card: every request goes straight to a person."
    since = f"It has been suspended since {wording.moment(standing.since)} UTC by {standing.whose}: {standing.cause}"
    return f"{since.rstrip('.')}. Every request goes straight to a person."


def _words(text: str) -> Element:
    return element("span", text)


def success(overview: Overview) -> Element:
    """Return the success criterion: the share with its interval, and the figures beside it."""
    found = overview.success
    title = element("h2", "Solved without a person", id="success")
    left = element("div", title, *_share(found))
    counted = element("p", _counted(overview), class_="soft small")
    right = element("div", element("p", ends_in_words(found), class_="soft"), parts.facts(*_facts(overview)), counted)
    return element("section", left, right, class_="first", aria_labelledby="success")


def _counted(overview: Overview) -> str:
    """Return in words how fresh the figures of the criterion are."""
    return (
        "These are counted by the clock: recent days every few minutes, older days when one of their requests changes. "
        f"The oldest count is of {wording.moment(overview.success_at)} UTC."
    )


def _share(found: Success) -> Iterator[Element]:
    settled, interval = found.settled, found.interval
    if found.share is None or interval is None:
        yield element("p", no_share(found))
        return
    figure = element("small", f"{settled.solved:,} of {settled.all:,}")
    yield element("p", wording.share(found.share), figure, class_="headline")
    low, high = (wording.share(bound) for bound in interval)
    said = f"The true share lies between {low} and {high} (95 % interval)."
    yield charts.interval(Caption("share", "Share solved without a person", said), found.share, *interval)
    yield element("p", said, class_="soft small")


def no_share(found: Success) -> str:
    """Return in words why there is no share."""
    none = "No request of these days is settled yet" if found.unsettled.all else "No request was made in these days"
    return f"{none}, so there is no share to show."


def ends_in_words(found: Success) -> str:
    """Return in words what solved means, and what became of the others."""
    settled = found.settled
    meaning = (
        "A request is solved when the agent has resolved it, what its card calls solved was seen, and its requester "
        "has not contradicted that within 24 hours."
    )
    others = [
        f"{number:,} {words}"
        for number, words in (
            (settled.to_people, "went to people"),
            (settled.contradicted, "were contradicted by their requester"),
            (settled.unconfirmed, "are not confirmed as solved"),
        )
        if number
    ]
    rest = f" Of the others, {wording.listed(others)}." if others else ""
    waiting, more = found.unsettled.all, "more " if settled.all else ""
    more = f" {wording.count(waiting, f'{more}request is', f'{more}requests are')} not settled yet." if waiting else ""
    return f"{meaning}{rest}{more}"


def _facts(overview: Overview) -> Iterator[Fact]:
    found = overview.success
    every = found.settled.all + found.unsettled.all
    touched = found.settled.to_people + found.unsettled.to_people
    yield Fact("Requests", f"{every:,}", f"{found.settled.all:,} settled, {found.unsettled.all:,} not yet")
    yield Fact("Went to people", wording.of(touched, every), f"{touched:,} of {every:,}")
    yield Fact("First useful answer", *_spread(found.to_answer))
    yield Fact("Resolution", *_spread(found.to_resolution))
    each, resolved = found.costs, found.resolved
    if not overview.shows_costs or not each.tickets:
        return
    if resolved.per_ticket is not None:
        yield Fact("Cost of a resolved request", wording.dollars(resolved.per_ticket), "model and people together")
    else:
        yield Fact("Model cost of a request", wording.dollars(round(each.ai_nusd / each.tickets)), "without people")


def _spread(spread: Spread) -> tuple[str, str]:
    if not spread.count:
        return wording.UNKNOWN, "none yet"
    return wording.seconds(spread.median), f"half of {spread.count:,}; 9 of 10 within {wording.seconds(spread.p90)}"


def by_day(overview: Overview) -> Element:
    """Return what became of the requests of each day."""
    found = overview.success
    title = "What became of requests"
    if not found.settled.all + found.unsettled.all:
        return parts.section("ends", title, "No request was made in these days.")
    known = {one.day: one for one in overview.success_by_day}
    days = [(one.day, known.get(one.day, Success())) for one in overview.figures.days]
    named = [wording.day(day) for day, _ in days]
    series = [Series(name, tuple(_end(one, field) for _, one in days), ink) for field, name, ink in ENDS]
    tips = [f"{name}: {told(one)}" for name, (_, one) in zip(named, days, strict=True)]
    summary = f"{told(found)}. Each request is shown on the day on which it was opened."
    chart = charts.stacked_bars(Caption("ends-chart", title, summary), named, series, tips)
    columns = (Column("Day"), *(Column(name, number=True) for _, name, _ in ENDS), Column("Not settled", number=True))
    rows: list[list[parts.Cell]] = [
        [str(day), *(int(_end(one, field)) for field, _, _ in ENDS), one.unsettled.all]
        for day, one in reversed(days)
        if one.settled.all + one.unsettled.all
    ]
    table = parts.behind(
        "Figures by day", parts.table("Requests by the day of their opening", columns, rows, stacks=True)
    )
    return parts.section("ends", title, summary, parts.legend(*((ink, name) for _, name, ink in ENDS)), chart, table)


def _end(one: Success, field: str) -> float:
    def count(of: Requests) -> int:
        return int(getattr(of, field))

    return float(count(one.settled) + count(one.unsettled))


def told(one: Success) -> str:
    """Return in words what became of requests; of those that are not settled yet, what has become of them so far."""
    solved, people = int(_end(one, "solved")), int(_end(one, "to_people"))
    every, waiting = one.settled.all + one.unsettled.all, one.unsettled.all
    if not every:
        return "No request was made"
    if every == 1:
        became = "was solved alone" if solved else "went to people" if people else "was not solved alone"
        return f"So far the only request {became}; it is not settled yet" if waiting else f"The only request {became}"
    went = f"{people:,} went to people" if people else "none went to people"
    said = f"{solved:,} of {every:,} requests {'was' if solved == 1 else 'were'} solved alone; {went}"
    if not waiting:
        return said
    pending = "none is" if waiting == every else f"{waiting:,} {'is' if waiting == 1 else 'are'} not"
    return f"So far {said}; {pending} settled yet"
