"""The report of `/agent-cost`: spending against budgets, the forecast, and who or what the money went to.

Invariant: a report says only what its statement holds; an unknown figure is left out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.budget.reports.statement import BudgetUse, Question, Statement
from bot.cost_dimensions import NANO, Dimension
from bot.principals import CHANNEL_ID, OF_EVALUATIONS, USER_ID
from bot.slack import charts, mrkdwn
from bot.slack.charts import ChartTable, Mention
from bot.slack.money import cost_words, holders
from bot.slack.mrkdwn import Block, Body, dollars
from bot.store.money.spending import CostLine

_BUDGETS = 12
"The most budgets, so that their lines fit into one section."
_WHOSE = 4
"The most people and channels that the first line names."
_COUNTED = {1: "", 2: "two ", 3: "three ", 4: "four "}
BEFORE = {"channel": "in", "team": "in", "user": "for", "agent": "by"}
"The preposition between an amount and the name of its holder, by scope."
_USER, _CHANNEL = re.compile(USER_ID), re.compile(CHANNEL_ID)


@dataclass(frozen=True, slots=True)
class Reader:
    """The person who asked, where they asked, and the names that are known."""

    user: str
    channel: str
    names: Mapping[str, str]
    "Names of people and channels by Slack id, for the chart, which cannot show mentions."


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    label: str
    key: str | None
    "Slack id or name; None for a sum of several, or for no name."
    cost_nusd: int
    calls: int
    tokens: int


def report(statement: Statement, reader: Reader) -> Body:
    """Return the report with a chart, and a table that sorts."""
    shown = rows(statement.question.by, statement.lines)
    figures = [*chart(statement.question.by, shown, reader.names), charts.native(table(statement.question.by, shown))]
    return charts.body([*_heading(statement, reader)], figures if shown else [])


def fallback(statement: Statement, reader: Reader) -> Body:
    """Return the same report for a Slack that answered `invalid_blocks` to charts and data tables."""
    shown = rows(statement.question.by, statement.lines)
    figures = [charts.classic(table(statement.question.by, shown))] if shown else []
    return charts.body([*_heading(statement, reader)], figures)


def rows(by: Dimension, lines: tuple[CostLine, ...]) -> tuple[Row, ...]:
    """Return lines with readable names, sorted by cost, evaluations last; all direct messages are one line."""
    found: dict[str, Row] = {}
    workspaces = len({line.key for line in lines} - OF_EVALUATIONS) if by == "team" else 1
    for line in lines:
        label = cost_words.name(by, line.key)
        if workspaces > 1 and line.key:
            label = holders.plain(by, line.key, workspaces=workspaces)
        known = found.get(label)
        if known is None:
            found[label] = Row(label, line.key, line.cost_nusd, line.calls, line.tokens)
        else:
            sums = (known.cost_nusd + line.cost_nusd, known.calls + line.calls, known.tokens + line.tokens)
            found[label] = Row(label, None, *sums)
    return tuple(sorted(found.values(), key=lambda row: (row.key in OF_EVALUATIONS, -row.cost_nusd)))


def chart(by: Dimension, shown: tuple[Row, ...], names: Mapping[str, str]) -> list[Block]:
    """Return the most expensive rows as bars, and the others as one bar; evaluations are left out."""
    people = [row for row in shown if row.key not in OF_EVALUATIONS]
    if not people:
        return []
    points = [(names.get(row.key or "", row.label), row.cost_nusd / NANO) for row in people[: charts.POINTS]]
    if len(people) > charts.POINTS:
        points[-1] = ("all others", sum(row.cost_nusd for row in people[charts.POINTS - 1 :]) / NANO)
    data = {"US dollars": [value for _, value in points]}
    title = f"{cost_words.SPENT} by {by}{', without evaluations' if len(people) < len(shown) else ''}"
    return [charts.chart(title, [label for label, _ in points], data, y_label="US dollars")]


def table(by: Dimension, shown: tuple[Row, ...]) -> ChartTable:
    """Return the rows as a table; rows beyond `charts.ROWS` are one row."""
    if len(shown) > charts.ROWS:
        rest = shown[charts.ROWS - 1 :]
        sums = (sum(row.cost_nusd for row in rest), sum(row.calls for row in rest), sum(row.tokens for row in rest))
        shown = (*shown[: charts.ROWS - 1], Row(f"{len(rest)} others", None, *sums))
    places = mrkdwn.places(row.cost_nusd for row in shown)
    return ChartTable(
        caption=f"{cost_words.SPENT} by {by}",
        header=(by.capitalize(), cost_words.SPENT, cost_words.CALLS, "Tokens"),
        rows=tuple(
            (_who(by, row), dollars(row.cost_nusd, places), f"{row.calls:,}", f"{row.tokens:,}") for row in shown
        ),
        values=tuple((None, row.cost_nusd / NANO, row.calls, row.tokens) for row in shown),
    )


def when(statement: Statement) -> str:
    """Return the window in words: `today`, or its date if it is over."""
    first = statement.since.astimezone(statement.zone)
    if not statement.over:
        return cost_words.THIS[statement.question.window]
    forms = {"day": "on %Y-%m-%d", "week": "in the week of %Y-%m-%d", "month": "in %B %Y"}
    return first.strftime(forms[statement.question.window])


def compared(statement: Statement) -> str | None:
    """Return the comparison with what is usual, in words, or None when it is not known."""
    usual, deviation = statement.usual, statement.deviation
    if usual is None or deviation is None:
        return None
    first = statement.since.astimezone(statement.zone)
    one = f"{first:%A}" if statement.question.window == "day" else statement.question.window
    before = f"{_COUNTED[usual.windows]}{one}{'s' if usual.windows > 1 else ''} before"
    until = "" if statement.over else ", up to the same time"
    mean = f"{dollars(usual.so_far_nusd)}{' on average' if usual.windows > 1 else ''}"
    return f"{int(100 * deviation):+,} % against the {before}{until} ({mean})"


def forecast(statement: Statement) -> str | None:
    """Return the forecast for the end of the window, in words, or None when it is not known."""
    if statement.forecast_nusd is None or statement.summary.cost_nusd == statement.summary.evaluations_nusd:
        return None
    return (
        f"about {dollars(_rounded(statement.forecast_nusd))} by the end of {cost_words.THIS[statement.question.window]}"
    )


def workspaces(statement: Statement) -> int:
    """Return the number of workspaces whose budgets a report shows."""
    return len({one.cap.holder for one in statement.accounts if one.cap.scope == "team"})


def account_of(statement: Statement) -> BudgetUse | None:
    """Return the budget that the whole report is about, or None when it is not about one."""
    question = statement.question
    if question.seen is None or len(question.seen) != 1:
        return None
    whole = (*question.seen[0], statement.since, statement.until)
    accounts = ((one.cap.scope, one.cap.holder, one.cap.window_start, one.cap.resets_at) for one in statement.accounts)
    return next((one for one, key in zip(statement.accounts, accounts, strict=True) if key == whole), None)


def _heading(statement: Statement, reader: Reader) -> Iterator[Block]:
    summary, account = statement.summary, account_of(statement)
    spent = f"*Spent {when(statement)} {_whose(statement.question, reader)}: {cost_words.total(summary)}*"
    if account is not None:
        spent += f" of {dollars(account.limit_nusd)}{_percent(account)}"
    lines = [spent, *filter(None, [cost_words.parts(summary)])]
    lines += [f"From {mrkdwn.date(statement.since)} until {mrkdwn.date(statement.until)}."]
    course = [compared(statement), forecast(statement)]
    lines += ["; ".join(part for part in course if part) + "."] if any(course) else []
    lines += [] if statement.lines else ["No model was called."]
    yield mrkdwn.section(mrkdwn.clamp("\n".join(lines), 3_000))
    yield charts.fields(cost_words.figures(summary))
    if statement.accounts:
        budgets = [_budget(one, reader, statement) for one in statement.accounts[:_BUDGETS]]
        more = len(statement.accounts) - len(budgets)
        yield mrkdwn.section("\n".join(["*Budgets*", *budgets, *([f"… and {more} more."] if more else [])]))
    if statement.question.by != "user" and statement.spenders:
        most = ", ".join(f"{mrkdwn.mention(user)} {dollars(nusd)}" for user, nusd in statement.spenders)
        yield mrkdwn.context(f"Who spent most: {most}.")
    yield from _uncertain(statement)


def _uncertain(statement: Statement) -> Iterator[Block]:
    summary = statement.summary
    if summary.charged_nusd:
        yield mrkdwn.context(
            f"{dollars(summary.charged_nusd)} of this is the most that some calls can have cost: how they ended "
            "never became known."
        )
    if summary.held_nusd:
        yield mrkdwn.context(f"Calls under way may add up to {dollars(summary.held_nusd)}.")


def _whose(question: Question, reader: Reader) -> str:
    if question.seen is None:
        return "everywhere"
    parts = list(dict.fromkeys(_holder(holder, reader) for holder in question.seen[:_WHOSE]))
    more = len(question.seen[_WHOSE:])
    return " and ".join([*parts, *([f"{more} more"] if more else [])])


def _holder(holder: tuple[str, str], reader: Reader) -> str:
    match holder:
        case ("channel", reader.channel):
            return "in this channel"
        case ("user", reader.user):
            return "for you"
        case (scope, key):
            return f"{BEFORE[scope]} {holders.in_slack(scope, key)}"


def _budget(account: BudgetUse, reader: Reader, statement: Statement) -> str:
    cap = account.cap
    match (cap.scope, cap.holder):
        case ("channel", reader.channel):
            whose = "This direct message" if reader.channel.startswith("D") else "This channel"
        case ("user", reader.user):
            whose = "You"
        case (scope, key):
            named = holders.in_slack(scope, key, workspaces=workspaces(statement))
            whose = f"{named[0].upper()}{named[1:]}"
    during = when(statement) if statement.over else cost_words.THIS[account.window]
    used = f"{dollars(account.spent_nusd)} of {dollars(account.limit_nusd)}{_percent(account)}"
    raised = f", {dollars(account.raised_nusd)} of it added by its owner" if account.raised_nusd else ""
    return f"• {whose}, {during}: {used}{raised}{_course(account, over=statement.over)}"


def _course(account: BudgetUse, *, over: bool) -> str:
    """Return when a budget will be used up, and the state of its review, in words."""
    if over:
        return ""
    review = "; its owner is asked to raise it" if account.waiting else "; its owner did not raise it"
    review = review if account.waiting or account.denied else ""
    if account.spent_nusd >= account.limit_nusd:
        return f"; used up until {mrkdwn.date(account.cap.resets_at)}{review}"
    if account.full_at is not None:
        return f"; used up about {mrkdwn.date(account.full_at)}, as it goes now{review}"
    return review


def _who(by: Dimension, row: Row) -> str | Mention:
    if row.key in OF_EVALUATIONS:
        return row.label
    if by == "user" and row.key and _USER.fullmatch(row.key):
        return Mention("user", row.key)
    if by == "channel" and row.key and _CHANNEL.fullmatch(row.key):
        return Mention("channel", row.key)
    return row.label


def _rounded(nusd: int) -> int:
    """Return an estimate rounded up to two significant digits."""
    step: int = 10 ** max(0, len(str(nusd)) - 2)
    return -(-nusd // step) * step


def _percent(account: BudgetUse) -> str:
    return f" ({mrkdwn.percent(account.spent_nusd, account.limit_nusd)})" if account.limit_nusd else ""
