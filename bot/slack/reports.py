"""What owners see of an evaluation: a native chart and table, and plainer blocks for when Slack refuses those.

Invariant: a report says only what its dataclass holds; a figure that is not known is left out, never guessed,
and no pass rate is ever shown as 100 %, only as the bound that the number of cases allows.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from bot.slack import charts, handoff_report, mrkdwn
from bot.slack.handoff_report import Week
from bot.slack.mrkdwn import Block, Body, dollars

_FAILURES = 10
_USAGE = {
    "/agent-cost": "`/agent-cost [day|week|month] [by channel|user|team|agent|tool|outcome|model]`, "
    "for example `/agent-cost week by tool`. Without words: today, by user.",
    "/agent-eval": "`/agent-eval` or `/agent-eval status`: what is served, how it did in its last evaluation, "
    "which cases failed, and how the handoffs of this week went. To play the cases again: `deskhand eval run`.",
}


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


def evaluation(report: EvalReport) -> Body:
    """Return the report on an evaluation with a bar chart and a table that sorts."""
    shown = [_eval_chart(report), charts.native(_eval_table(report))] if report.slices else []
    return charts.body(_eval_heading(report), [*shown, *_eval_details(report)])


def fallback(report: EvalReport) -> Body:
    """Return the same report for a Slack that answered `invalid_blocks` to charts and data tables."""
    shown = [charts.classic(_eval_table(report))] if report.slices else []
    return charts.body(_eval_heading(report), [*shown, *_eval_details(report)])


def usage(command: str) -> Body:
    """Say how a slash command is written."""
    return charts.body([mrkdwn.section(f"This is how to ask: {_USAGE[command]}")], [])


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
    shown = report.slices[: charts.POINTS]
    data = {"Passed": [row[2] for row in shown], "Failed": [row[3] - row[2] for row in shown]}
    return charts.chart("Cases by slice", [row[0] for row in shown], data, y_label="Cases played")


def _eval_table(report: EvalReport) -> charts.Table:
    slices = report.slices[: charts.ROWS]
    return charts.Table(
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


def _age(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "a moment"
