"""How good turns are by the samples that were scored, beside the baseline. Pure."""

from collections.abc import Iterator

from bot.dashboard import charts, parts, wording
from bot.dashboard.charts import Caption, IntervalBar
from bot.dashboard.elements import Element, element
from bot.dashboard.overview_values import Overview
from bot.dashboard.parts import Column
from bot.sampling import quality_words
from bot.sampling.quality import SampledQuality, SampledWeekShare


def sampled(overview: Overview) -> Element:
    """Return what the samples of each agent's release say of the last weeks, whatever days are shown elsewhere."""
    title, found = "Sampled quality", [one for one in overview.sampled if one.turns]
    if not found:
        said = "No turn of a release that is served now has been sampled in the last four weeks."
        return parts.section("sampled", title, said, wide=True)
    scored, passed = sum(one.all.scored for one in found), sum(one.all.passed for one in found)
    said = summary(scored, failed=scored - passed)
    body = [part for one in found for part in _of_agent(one, named=len(found) > 1)]
    return parts.section("sampled", title, said, *body, wide=True)


def summary(scored: int, *, failed: int) -> str:
    """Return in a sentence how many sampled turns were scored, and in how many of them something did not hold."""
    turns = f"{wording.count(scored, 'sampled turn was', 'sampled turns were')} scored in the last four weeks"
    if not failed:
        return f"{turns}, and nothing failed." if scored else f"{turns}."
    return f"{turns}; in {failed:,} of them something did not hold."


def _of_agent(found: SampledQuality, *, named: bool) -> Iterator[Element]:
    """Yield what the samples of one agent say: in words, as a chart, by week, and the turns that failed."""
    if named:
        yield element("h3", found.agent)
    words = element("div", *(element("p", one) for one in quality_words.sentences(found)))
    bars = list(_bars(found))
    if not bars:
        yield words
    else:
        caption = Caption(
            f"sampled-{found.agent}", "Share of turns in which all held", " ".join(quality_words.sentences(found)[:1])
        )
        yield parts.beside(charts.intervals(caption, bars), words)
    if found.failures:
        yield _failures(found)
    yield parts.behind("Figures by week", _weeks(found))


def _bars(found: SampledQuality) -> Iterator[IntervalBar]:
    good, baseline = found.good, found.baseline
    if good is not None:
        yield IntervalBar("Turns, by their samples", good.rate, good.low, good.high)
    if good is not None and baseline is not None:
        yield IntervalBar("Plays of the baseline", baseline.rate, baseline.low, baseline.high)


def _weeks(found: SampledQuality) -> Element:
    columns = (
        *(Column("Week from"), Column("Turns", number=True), Column("Kept for certain", number=True)),
        *(Column("Drawn", number=True), Column("Scored", number=True), Column("All held", number=True)),
        Column("Share (95 %)", number=True),
    )
    caption = "Each drawn turn counts for as many turns of its week as there are for one that was drawn"
    return parts.table(caption, columns, [_week(one) for one in reversed(found.weeks)], stacks=True)


def _week(one: SampledWeekShare) -> list[parts.Cell]:
    every = one.certain + one.drawn
    share = wording.UNKNOWN if one.good is None else quality_words.share(one.good)
    return [one.week, one.turns, one.certain.kept, one.drawn.kept, every.scored, every.passed, share]


def _failures(found: SampledQuality) -> Element:
    columns = (Column("Ticket"), Column("Ended"), Column("What did not hold", words=True))
    rows: list[list[parts.Cell]] = [
        [parts.ticket_link(one.ticket_id), parts.time(one.at), quality_words.failure(one)] for one in found.failures
    ]
    return parts.table("Turns in which something did not hold, the newest first", columns, rows, stacks=True)
