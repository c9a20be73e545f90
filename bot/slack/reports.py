"""What owners see of cost and of evaluation: native charts and tables, and plainer blocks for when Slack refuses those.

Invariant: a report says only what its dataclass holds; a figure that is not known is left out, never guessed,
and no pass rate is ever shown as 100 %, only as the bound that the number of cases allows.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import MarkdownTextObject, RawTextObject, SectionBlock, TableBlock

from bot.slack import handoff_report, mrkdwn
from bot.slack.handoff_report import Week
from bot.slack.mrkdwn import Block, Body, dollars

__all__ = ["CostReport", "EvalReport", "cost", "dollars", "evaluation", "fallback", "usage"]

_NANO = 1_000_000_000
_CHART_POINTS = 12
"Slack takes 20; more than a dozen bars cannot be read."
_ROWS = 60
"Rows of a table; with their texts they stay below the characters of one message."
_FAILURES = 10
_USAGE = {
    "/agent-cost": "`/agent-cost [day|week|month] [by channel|user|team|agent|tool|outcome|model]`, "
    "for example `/agent-cost week by tool`. Without words: today, by user.",
    "/agent-eval": "`/agent-eval` or `/agent-eval status`: what is served, how it did in its last evaluation, "
    "which cases failed, and how the handoffs of this week went. To play the cases again: `deskhand eval run`.",
}


@dataclass(frozen=True, slots=True)
class CostReport:
    """What was spent in one window, shared out by one thing."""

    title: str
    "Whose spend and when: `today in #help-access`."
    by: str
    "What a row stands for: channel, user, team, agent, tool, outcome, model."
    window_start: datetime
    window_end: datetime
    spent_nusd: int
    cap_nusd: int | None
    rows: tuple[tuple[str, int, int, int], ...]
    "Label, nano-USD, model calls, tokens."
    tickets: int
    per_ticket_nusd: int | None
    per_resolved_nusd: int | None
    per_handoff_nusd: int | None
    tokens_per_turn: int | None
    cache_hit_share: float | None
    "Input tokens read from the cache, of all input tokens; 0 to 1."


@dataclass(frozen=True, slots=True)
class EvalReport:
    """How the release of an agent did in its last evaluation."""

    agent: str
    release: str
    verdict: str | None
    "pass or block; None: never evaluated."
    verdict_age_seconds: float | None
    serving: bool
    run_id: int | None
    finished_at: datetime | None
    slices: tuple[tuple[str, bool, int, int, float, float], ...]
    "Slice, hard, passed, played, and the interval of its pass rate (0 to 1)."
    failures: tuple[tuple[str, str], ...]
    "Case id and one sentence."
    handoffs: Week
    cost_nusd: int


@dataclass(frozen=True, slots=True)
class _Table:
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    values: tuple[tuple[float | None, ...], ...]
    "The number behind each cell, None where it is text: a native table sorts by it."


def cost(report: CostReport) -> Body:
    """Return the report on spend with a bar chart and a table that sorts."""
    return _body(_cost_heading(report), [_cost_chart(report), _native(_cost_table(report))] if report.rows else [])


def evaluation(report: EvalReport) -> Body:
    """Return the report on an evaluation with a bar chart and a table that sorts."""
    shown = [_eval_chart(report), _native(_eval_table(report))] if report.slices else []
    return _body(_eval_heading(report), [*shown, *_eval_details(report)])


def fallback(report: CostReport | EvalReport) -> Body:
    """Return the same report for a Slack that answered `invalid_blocks` to charts and data tables."""
    match report:
        case CostReport():
            return _body(_cost_heading(report), [_classic(_cost_table(report))] if report.rows else [])
        case EvalReport():
            shown = [_classic(_eval_table(report))] if report.slices else []
            return _body(_eval_heading(report), [*shown, *_eval_details(report)])


def usage(command: str) -> Body:
    """Say how a slash command is written."""
    return _body([mrkdwn.section(f"This is how to ask: {_USAGE[command]}")], [])


def _cost_heading(report: CostReport) -> list[Block]:
    spent = f"*Spent {mrkdwn.line(report.title, 150)}: {dollars(report.spent_nusd)}*"
    if report.cap_nusd is not None:
        spent += f" of {dollars(report.cap_nusd)}"
        if report.cap_nusd > 0:
            spent += f" ({100 * report.spent_nusd // report.cap_nusd} %)"
    window = f"From {mrkdwn.date(report.window_start)} until {mrkdwn.date(report.window_end)}."
    empty = "" if report.rows else " No model was called."
    facts = {
        "Tickets": f"{report.tickets:,}",
        "Per ticket": _amount(report.per_ticket_nusd),
        "Per resolved ticket": _amount(report.per_resolved_nusd),
        "Per handoff": _amount(report.per_handoff_nusd),
        "Tokens per turn": None if report.tokens_per_turn is None else f"{report.tokens_per_turn:,}",
        "Input read from cache": None if report.cache_hit_share is None else f"{100 * report.cache_hit_share:.0f} %",
    }
    fields = [MarkdownTextObject(text=f"*{name}*\n{fact}") for name, fact in facts.items() if fact is not None]
    return [mrkdwn.section(f"{spent}\n{window}{empty}"), SectionBlock(fields=fields).to_dict()]


def _cost_chart(report: CostReport) -> Block:
    rows = sorted(report.rows, key=lambda row: -row[1])
    points = [(row[0], row[1] / _NANO) for row in rows[:_CHART_POINTS]]
    if len(rows) > _CHART_POINTS:
        points[-1] = ("all others", sum(row[1] for row in rows[_CHART_POINTS - 1 :]) / _NANO)
    data = {"US dollars": [value for _, value in points]}
    return _chart(f"Spend by {report.by}", [label for label, _ in points], data, y_label="US dollars")


def _cost_table(report: CostReport) -> _Table:
    rows = sorted(report.rows, key=lambda row: -row[1])
    if len(rows) > _ROWS:
        rest = rows[_ROWS - 1 :]
        sums = (sum(row[1] for row in rest), sum(row[2] for row in rest), sum(row[3] for row in rest))
        rows = [*rows[: _ROWS - 1], (f"{len(rest)} others", *sums)]
    return _Table(
        caption=f"Spend by {_cell(report.by)}",
        header=(report.by.capitalize(), "Spent", "Model calls", "Tokens"),
        rows=tuple((label, dollars(nusd), f"{calls:,}", f"{tokens:,}") for label, nusd, calls, tokens in rows),
        values=tuple((None, nusd / _NANO, calls, tokens) for _, nusd, calls, tokens in rows),
    )


def _eval_heading(report: EvalReport) -> list[Block]:
    name = mrkdwn.line(report.release, 120)
    if report.run_id is None:
        serving = "" if report.serving else " Until then every request goes straight to a person."
        return [mrkdwn.section(f"*{name}*: nothing evaluated yet: run `deskhand eval run`.{serving}")]
    verdicts = {"pass": "passed its evaluation", "block": "did not pass its evaluation"}
    verdict = verdicts.get(report.verdict or "", "has no verdict yet; below is the agent's last run")
    if report.verdict is not None and report.verdict_age_seconds is not None:
        verdict += f" {_age(report.verdict_age_seconds)} ago"
    serves = "It answers people." if report.serving else "It answers nobody: every request goes straight to a person."
    run = f"Run {report.run_id}, {dollars(report.cost_nusd)}"
    if report.finished_at is not None:
        run += f", finished {mrkdwn.date(report.finished_at)}"
    return [mrkdwn.section(f"*{name}* {verdict}. {serves}"), mrkdwn.context(f"{run}.")]


def _eval_details(report: EvalReport) -> list[Block]:
    blocks = []
    if report.run_id is not None:
        shown = [
            f"• `{mrkdwn.line(case, 60).replace('`', '')}`: {mrkdwn.line(why, 150)}" for case, why in report.failures
        ]
        more = len(shown) - _FAILURES
        tail = [f"… and {more} more."] if more > 0 else []
        lines = ["*Failed cases*", *shown[:_FAILURES], *tail] if shown else ["No case failed."]
        blocks.append(mrkdwn.section("\n".join(lines)))
    return [*blocks, *handoff_report.blocks(report.handoffs)]


def _eval_chart(report: EvalReport) -> Block:
    shown = report.slices[:_CHART_POINTS]
    data = {"Passed": [row[2] for row in shown], "Failed": [row[3] - row[2] for row in shown]}
    return _chart("Cases by slice", [row[0] for row in shown], data, y_label="Cases played")


def _eval_table(report: EvalReport) -> _Table:
    slices = report.slices[:_ROWS]
    return _Table(
        caption="Results by slice; a hard slice may not fail once",
        header=("Slice", "Kind", "Passed", "Pass rate (95 %)"),
        rows=tuple(
            (name, "hard" if hard else "normal", f"{passed:,} of {played:,}", _interval(low, high))
            for name, hard, passed, played, low, high in slices
        ),
        values=tuple((None, None, None, None) for _ in slices),
    )


def _interval(low: float, high: float) -> str:
    """Say a range of rates, rounded outwards: a rate of one is only ever bounded from below."""
    least, most = min(99, math.floor(100 * low)), math.ceil(100 * high)
    return f"at least {least} %" if most >= 100 else f"{least} to {most} %"  # noqa: PLR2004 - percent


def _chart(title: str, names: Sequence[str], data: Mapping[str, Sequence[float]], *, y_label: str) -> Block:
    # slack_sdk has no class for this block nor for data_table.
    labels = _labels(names)
    series = [
        {
            "name": name,
            "data": [{"label": label, "value": value} for label, value in zip(labels, values, strict=True)],
        }
        for name, values in data.items()
    ]
    axis = {"categories": labels, "y_label": y_label}
    return {
        "type": "data_visualization",
        "title": mrkdwn.clamp(_cell(title), 50),
        "chart": {"type": "bar", "series": series, "axis_config": axis},
    }


def _labels(names: Sequence[str]) -> list[str]:
    """Return labels of at most 20 characters, no two alike: Slack finds a bar by its label."""
    labels: list[str] = []
    for name in names:
        label = mrkdwn.clamp(_cell(name), 20)
        number = 1
        while label in labels:
            number += 1
            label = f"{mrkdwn.clamp(_cell(name), 16)} {number}"
        labels.append(label)
    return labels


def _native(table: _Table) -> Block:
    cells: list[list[dict[str, Any]]] = [[{"type": "raw_text", "text": _cell(text)} for text in table.header]]
    for texts, values in zip(table.rows, table.values, strict=True):
        row: list[dict[str, Any]] = []
        for text, value in zip(texts, values, strict=True):
            number = {"type": "raw_number", "value": value, "text": text}
            row.append({"type": "raw_text", "text": _cell(text)} if value is None else number)
        cells.append(row)
    return {"type": "data_table", "caption": table.caption, "page_size": 10, "rows": cells}


def _classic(table: _Table) -> Block:
    rows = [[RawTextObject(text=_cell(text)).to_dict() for text in row] for row in (table.header, *table.rows)]
    return TableBlock(rows=rows).to_dict()


def _cell(text: str) -> str:
    """Return text for a place that shows it as it is, on one line."""
    return mrkdwn.clamp(" ".join(mrkdwn.plain(text).split()), 60) or mrkdwn.NO_WORDS


def _amount(nusd: int | None) -> str | None:
    return None if nusd is None else dollars(nusd)


def _age(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "a moment"


def _body(heading: list[Block], rest: list[Block]) -> Body:
    return {"text": mrkdwn.clamp(heading[0]["text"]["text"], mrkdwn.NOTICE), "blocks": [*heading, *rest]}
