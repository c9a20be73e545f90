"""The digest for owners of a week or a month: how well it went, its cost beside the one before, what was decided. Pure.

Invariant: the text of the message says everything important without the chart and the table, which Slack may refuse.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.budget.reports.periods import Period
from bot.cost_dimensions import NANO, Dimension
from bot.principals import OF_EVALUATIONS
from bot.slack import charts, mrkdwn
from bot.slack.charts import ChartTable
from bot.slack.money import alerts, cost_words, digest_figures, holders
from bot.slack.money.digest_figures import CapUse, Digest
from bot.slack.mrkdwn import Block, Body, dollars
from bot.slack.reports import success_report, thumb_report
from bot.store.money.digests import Decisions
from bot.store.money.spending import CostLine

_TOP = 5
_WIDTHS = (24, 26, 26, 9)

Name = Callable[[str, str | None, int], str]
"(dimension of a row or scope of a cap, its key, number of workspaces named) -> its name."


def message(digest: Digest) -> Body:
    """Return the message to an owner: text, a chart, and a table that sorts."""
    bars = {"US dollars": [nusd / NANO for _, nusd in digest.points]}
    title = f"{cost_words.SPENT}{', without evaluations' if digest.now.spent.evaluations_nusd else ''}"
    chart = charts.chart(title, [label for label, _ in digest.points], bars, y_label="US dollars")
    return _body(digest, [chart, charts.native(_table(digest))])


def fallback(digest: Digest) -> Body:
    """Return the same message for a Slack that answered `invalid_blocks` to charts and data tables."""
    return _body(digest, [charts.classic(_table(digest))])


def as_text(digest: Digest, called: Mapping[str, str]) -> str:
    """Return a digest for a terminal.

    Args:
        digest: the digest.
        called: names of people and channels by Slack id.
    """
    heading, *lines = _words(digest, partial(_on_terminal, called))
    criterion = _criterion(digest)
    table = map(_row, [digest_figures.header(digest), *digest_figures.rows(digest)])
    return "\n".join([*criterion, "", heading, "", *table, "", *lines, thumb_report.share(digest.thumbs)]).replace(
        "*", ""
    )


def receipt(sent: Sequence[str], called: Mapping[str, str]) -> str:
    """Return the line for a terminal that says to whom the digest was sent.

    Args:
        sent: Slack ids of the owners.
        called: names by Slack id.
    """
    if not sent:
        return "Nothing was sent: every owner has got it before."
    named = ", ".join(called.get(owner, owner) for owner in sent)
    return f"Sent to {named}: the clock process posts it in Slack within seconds."


def called(period: Period, zone: str) -> str:
    """Return the name of a period: `November 2026`, `the week from 16 to 22 November 2026`."""
    first, last = (at.astimezone(ZoneInfo(zone)) for at in (period.since, period.until - timedelta(hours=1)))
    if period.kind == "month":
        return f"{first:%B %Y}"
    begin = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
    return f"the week from {begin} to {last.day} {last:%B %Y}"


def _body(digest: Digest, shown: Sequence[Block]) -> Body:
    heading, *lines = _words(digest, _in_slack)
    small = (
        "It is sent weekly in the first quarter, then monthly. `deskhand digest` shows any; `/agent-cost` shows more."
    )
    details = mrkdwn.section(mrkdwn.clamp("\n".join(lines), mrkdwn.SECTION_CHARACTERS))
    rows = digest_figures.rows(digest)
    figures = [f"{name}: {now}{f' ({change})' if before != '-' else ''}" for name, now, before, change in rows]
    helpful = list(thumb_report.lines(digest.thumbs, digest.links))
    thumbs = mrkdwn.section(mrkdwn.clamp("\n".join(helpful), mrkdwn.SECTION_CHARACTERS))
    criterion = "\n".join(_criterion(digest))
    text = "\n".join([criterion, heading, *figures, *lines, *helpful])
    return mrkdwn.body(
        text, [mrkdwn.section(criterion), mrkdwn.section(heading), *shown, details, thumbs, mrkdwn.context(small)]
    )


def _criterion(digest: Digest) -> list[str]:
    """Return the success criterion of the period, in the words of every report."""
    so_far = "" if digest.over else " so far"
    when = f"in {called(digest.period, digest.zone)}{so_far}"
    return list(success_report.lines(digest.now.success, when, with_costs=False))  # they are among its figures


def _words(digest: Digest, name: Name) -> Iterator[str]:
    """Yield the heading and the lines, with channels and people named in the form that the reader sees."""
    summary, kind = digest.now.spent, digest.period.kind
    spent = next(one for one in digest_figures.figures(digest) if one.name == cost_words.SPENT)
    against = f", {spent.change} against the {kind} before" if digest.before else f"; nothing the {kind} before"
    so_far = "" if digest.over else " so far"
    yield f"*Spent in {called(digest.period, digest.zone)}{so_far}: {cost_words.total(summary)}*{against}."
    yield from filter(None, [cost_words.parts(summary)])
    if digest.users:
        yield _top("By person", digest.users, lambda key: name("user", key, 1))
        yield _top("By tool", digest.tools, lambda key: name("tool", key, 1))
    if digest.caps:
        workspaces = len({one.holder for one in digest.caps if one.scope == "team"})
        yield "*Nearest to their caps:* " + "; ".join(_cap(one, name, workspaces) for one in digest.caps) + "."
    yield f"*Budgets:* {_decided(digest.decisions)}"
    if digest.alerts:
        shown = [f"{alerts.subject(per, name(per, who, 1))} on {day}" for _, per, who, day in digest.alerts]
        more = f", and {len(shown) - _TOP} more" if len(shown) > _TOP else ""
        yield f"*Alerts:* {len(shown)}: {', '.join(shown[:_TOP])}{more}."
    else:
        yield "*Alerts:* none: nothing was far from what is usual."
    if digest.now.charged:
        yield (
            f"*Charged at the worst case:* {_calls(digest.now.charged)} without a known end, "
            f"{dollars(digest.now.spent.charged_nusd)} of the above."
        )


def _top(title: str, lines: Sequence[CostLine], name: Callable[[str | None], str]) -> str:
    named = [(name(one.key), one.cost_nusd, one.calls) for one in lines[:_TOP]]
    if rest := lines[_TOP:]:
        who = "1 other" if len(rest) == 1 else f"{len(rest):,} others"
        named.append((who, sum(one.cost_nusd for one in rest), sum(one.calls for one in rest)))
    places = mrkdwn.places(nusd for _, nusd, _ in named)
    shown = [f"{who} {dollars(nusd, places)} ({_calls(calls)})" for who, nusd, calls in named]
    return f"*{title}:* {'; '.join(shown)}."


def _cap(one: CapUse, name: Name, workspaces: int) -> str:
    share = mrkdwn.percent(one.spent_nusd, one.limit_nusd) if one.limit_nusd else "nothing may be spent"
    spent = f"{dollars(one.spent_nusd)} of {dollars(one.limit_nusd)}"
    return f"{name(one.scope, one.holder, workspaces)} {_window(one.window)}: {spent} ({share})"


def _window(name: str) -> str:
    """Return a cap's window in words: `on Wednesday 18 November`, `in week 47`, `in November 2026`."""
    if "W" in name:
        return f"in week {int(name.rpartition('W')[2])}"
    if name.count("-") == 1:
        return f"in {date.fromisoformat(f'{name}-01'):%B %Y}"
    day = date.fromisoformat(name)
    return f"on {day:%A} {day.day} {day:%B}"


def _decided(done: Decisions) -> str:
    if not any((done.notices, done.opened, done.raised, done.denied, done.ended)):
        return "no cap was reached."
    raised = f" (by {dollars(done.raised_nusd)})" if done.raised else ""
    return (
        f"soft caps passed {done.notices:,}; hard caps reached {done.opened:,}, "
        f"raised {done.raised:,}{raised}, denied {done.denied:,}, left until they reset {done.ended:,}."
    )


def _table(digest: Digest) -> ChartTable:
    rows = tuple(digest_figures.rows(digest))
    values = tuple((None, None, None, None) for _ in rows)
    return ChartTable(f"Beside the {digest.period.kind} before", digest_figures.header(digest), rows, values)


def _in_slack(by: Dimension | str, key: str | None, workspaces: int) -> str:
    if key is None or key in OF_EVALUATIONS:
        return cost_words.name(by, key)
    match by:
        case "tool":
            return f"`{mrkdwn.line(key, 60).replace('`', '')}`"
        case "ticket":
            return mrkdwn.line(key, 20)
        case _:
            return holders.in_slack(by, key, workspaces=workspaces)


def _on_terminal(called: Mapping[str, str], by: Dimension | str, key: str | None, workspaces: int) -> str:
    if key is None:
        return cost_words.name(by, None)
    return mrkdwn.visible(holders.plain(by, key, called, workspaces=workspaces))


def _row(cells: Sequence[str]) -> str:
    name, *figures = (f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return " ".join([f"{name.strip():<{_WIDTHS[0]}}", *figures])


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"
