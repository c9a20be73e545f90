"""The report on an evaluation: a native chart and table, and simpler blocks for when Slack refuses those.

Invariant: a report says only what its dataclass holds, and an unknown figure is left out, never guessed. No pass rate
is shown as 100 %, only as the bound that the number of cases allows. Slices that do not fit are counted, not dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.agent.standing import ACTIVE, Standing
from bot.sampling.quality import SampledQuality
from bot.slack import charts, mrkdwn
from bot.slack.mrkdwn import Block, Body, dollars
from bot.slack.reports import agent_standing, drift_report, handoff_report, sample_report, success_report, thumb_report
from bot.slack.reports.about_ticket import About
from bot.slack.reports.handoff_report import Week
from bot.store.figures.drift_checks import DriftReading
from bot.store.figures.success import Success
from bot.store.releases.probes import LastProbe
from bot.store.releases.run_plays import RunUnderWay
from bot.store.schema import ProbeState, Promotion, RunKind, Verdict
from bot.store.tickets.feedback import Thumbs
from bot.store.tickets.surges import SurgeCount

VERDICTS: Mapping[Verdict | None, str] = {
    Verdict.PASS: "passed its evaluation",
    Verdict.BLOCK: "did not pass its evaluation",
    Verdict.INCONCLUSIVE: "was evaluated without a clear result",
    Verdict.NOT_RUN: "was not evaluated: its run says nothing about it",
    None: "has no verdict yet; below is the agent's last run",
}
STANDIN = " A *stand-in model* answered: these figures say nothing about Claude."
_FAILURES = 10
_RUNS = 3
"The most evaluations under way that are shown, the newest."
_USAGE = {
    "/agent-cost": "`/agent-cost [today|week|month] [by channel|user|team|agent|tool|outcome|model]`, "
    "for example `/agent-cost week by tool`. Without words: today, by user. `/agent-cost help` shows this.",
    "/agent-eval": "`/agent-eval [status|diff|case ID]`; owners also "
    "`/agent-eval [run|promote|waive DAYS REASON|waive revoke]`.\n"
    "• `status`, or no word: what is served, how it did in its last evaluation, which cases failed, whether it drifts, "
    "and how the handoffs of this week went\n"
    "• `diff`: the last evaluation beside the promoted release, by slice and case\n"
    "• `case ID`: what was said in one case, and what was expected\n"
    "• `run`: plays all cases of what is served now; a direct message shows how far it is\n"
    "• `promote`: makes what is served now the baseline, if it has passed\n"
    "• `waive 3 REASON`: you answer for what is served now for three days, though it did not pass\n"
    "• `waive revoke`: ends the waiver of what is served now\n"
    "Before a promotion, a waiver and its end you are asked whether you are sure.\n"
    "Of several agents name one: `/agent-eval diff access`. `/agent-eval help` shows this.",
}


@dataclass(frozen=True, slots=True)
class EvalReport:
    """The last evaluation of an agent's release, and its last week."""

    agent: str
    release: str
    verdict: Verdict | None
    "pass or block; None when it was never evaluated."
    verdict_age_seconds: float | None
    serving: bool
    run_id: int | None
    finished_at: datetime | None
    slices: tuple[tuple[str, bool, int, int, str], ...]
    "Each slice: its name, whether it is hard, cases passed, cases played, and its pass rate in words."
    failures: tuple[tuple[str, str], ...]
    "Each failed case: its id, and why in one sentence."
    success: Success
    "The success criterion over the requests of the last 7 days, with their times and costs."
    handoffs: Week
    cost_nusd: int
    suite: str = ""
    "Fingerprint of the suite in the agent's folder."
    baseline: Promotion | None = None
    "Which release was promoted last."
    in_a_row: tuple[str, ...] = ()
    "pass^k of that evaluation, each with its bounds in words."
    probe: LastProbe | None = None
    "What the last probes of the release say."
    under_way: tuple[RunUnderWay, ...] = ()
    "The evaluations that have not ended."
    model_is_standin: bool = False
    "Whether a stand-in answered in that evaluation: its figures say nothing about Claude."
    waiver: str | None = None
    "In words, the waiver by which it serves without having passed."
    standing: Standing = ACTIVE
    "Whether the agent works now, and if not, who says so and why."
    surges: tuple[SurgeCount, ...] = ()
    "The surges under way."
    thumbs: Thumbs = field(default_factory=Thumbs)
    "The thumbs of the last 7 days."
    links: Mapping[int, str] = field(default_factory=dict)
    "Addresses of the answers that did not help, by ticket id."
    drift: tuple[DriftReading, ...] = ()
    "The latest comparisons of the release with its own past."
    sampled: SampledQuality | None = None
    "What the samples of people's turns with this release say."
    tickets: Mapping[str, About | None] = field(default_factory=dict)
    "What may be seen of the tickets whose sampled turns failed, by their number."


def evaluation(report: EvalReport) -> Body:
    """Return the report on an evaluation with a bar chart and a table that sorts."""
    shown = [*_eval_chart(report), charts.native(_eval_table(report))] if report.slices else []
    return charts.body(_eval_heading(report), [*shown, *_eval_details(report)])


def fallback(report: EvalReport) -> Body:
    """Return the same report for a Slack that answered `invalid_blocks` to charts and data tables."""
    shown = [charts.classic(_eval_table(report))] if report.slices else []
    return charts.body(_eval_heading(report), [*shown, *_eval_details(report)])


def usage(command: str) -> Body:
    """Return the usage of a slash command."""
    return charts.body([mrkdwn.section(f"This is how to ask: {_USAGE[command]}")], [])


def under_way(run: RunUnderWay) -> str:
    """Return the sentence about an evaluation that has not ended."""
    release = mrkdwn.line(run.release, 120)
    what = f"The probes of {release} are" if run.kind is RunKind.PROBE else f"An evaluation of {release} is"
    return f":hourglass_flowing_sand: *{what} under way:* {run.words}, begun by {by_whom(run.started_by)}."


def by_whom(user: str) -> str:
    """Return who began or promoted something: a mention, or what the command line and the clock are called."""
    return {"operator": "an operator", "clock": "the clock"}.get(user) or mrkdwn.mention(user)


def _eval_heading(report: EvalReport) -> list[Block]:
    criterion = "\n".join(success_report.lines(report.success, "in the last 7 days"))
    surges = [mrkdwn.section(f":warning: *A surge is under way:* {one}.") for one in report.surges]
    idle = [] if report.standing.works else [mrkdwn.section(agent_standing.line(report.agent, report.standing))]
    running = [mrkdwn.section(under_way(one)) for one in report.under_way[-_RUNS:]]
    return [mrkdwn.section(f"{criterion}\n\n{_verdict(report)}"), *idle, *surges, *running, *_run(report)]


def _verdict(report: EvalReport) -> str:
    name = mrkdwn.line(report.release, 120)
    if report.run_id is None:
        serving = "" if report.serving else " Until then every request goes straight to a person."
        return f"*{name}*: nothing evaluated yet: ask for `/agent-eval run`.{serving}"
    verdict = VERDICTS[report.verdict]
    if report.verdict is not None and report.verdict_age_seconds is not None:
        verdict += f" {_age(report.verdict_age_seconds)} ago"
    serves = "It answers people." if report.serving else "It answers nobody: every request goes straight to a person."
    waived = "" if report.waiver is None else f" By a waiver: {mrkdwn.line(report.waiver, 400)}."
    return f"*{name}* {verdict}. {serves}{waived}"


def _run(report: EvalReport) -> list[Block]:
    said = []
    if report.run_id is not None:
        run = f"Run {report.run_id}, {dollars(report.cost_nusd)}"
        if report.finished_at is not None:
            run += f", finished {mrkdwn.date(report.finished_at)}"
        said = [f"{run}.{STANDIN if report.model_is_standin else ''}", *report.in_a_row]
    if report.suite:
        said.append(f"Suite `{report.suite[:12]}`. {_baseline(report)}")
        said.append(_probe(report.probe))
    return [mrkdwn.context("\n".join(said))] if said else []


def _probe(probe: LastProbe | None) -> str:
    if probe is None:
        return "Probes: none were played yet of this release."
    mark = ":rotating_light: " if probe.result.state is ProbeState.WORSE else ""
    return f"{mark}Probes of {mrkdwn.date(probe.finished_at)}, run {probe.run_id}: {mrkdwn.line(probe.words, 400)}."


def _baseline(report: EvalReport) -> str:
    if report.baseline is None:
        return "No release is the baseline yet: the first one that passes becomes it."
    promoted = f"promoted {mrkdwn.date(report.baseline.at)} by {by_whom(report.baseline.by)}"
    if report.baseline.release == report.release:
        return f"It is the baseline, {promoted}."
    return f"The baseline is {mrkdwn.line(report.baseline.release, 120)}, {promoted}."


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
    thumbs = mrkdwn.section("\n".join(thumb_report.lines(report.thumbs, report.links)))
    blocks += sample_report.blocks(report.sampled, report.tickets)
    return [*blocks, *drift_report.blocks(report.drift), thumbs, *handoff_report.blocks(report.handoffs)]


def _worst_first(report: EvalReport) -> list[tuple[str, bool, int, int, str]]:
    """Return the slices, most failures first, and among equals the hard ones first."""
    return sorted(report.slices, key=lambda one: (one[2] - one[3], not one[1], one[0]))


def _eval_chart(report: EvalReport) -> list[Block]:
    """Return a chart of the failures by slice, slices beyond `charts.POINTS` as one bar; empty without failures."""
    failures = [(name, played - passed) for name, _, passed, played, _ in _worst_first(report) if passed < played]
    if not failures:
        return []
    if len(failures) > charts.POINTS:
        rest = failures[charts.POINTS - 1 :]
        failures = [*failures[: charts.POINTS - 1], (f"{len(rest)} other slices", sum(count for _, count in rest))]
    data = {"Failed": [count for _, count in failures]}
    return [charts.chart("Failures by slice", [name for name, _ in failures], data, y_label="Cases failed")]


def _eval_table(report: EvalReport) -> charts.ChartTable:
    slices, rest = _worst_first(report), list[tuple[str, bool, int, int, str]]()
    if len(slices) > charts.ROWS:
        slices, rest = slices[: charts.ROWS - 1], slices[charts.ROWS - 1 :]
    rows = [
        (name, "hard" if hard else "normal", f"{passed:,} of {played:,}", shows)
        for name, hard, passed, played, shows in slices
    ]
    if rest:
        passed, played = sum(one[2] for one in rest), sum(one[3] for one in rest)
        rows.append((f"{len(rest)} other slices", "-", f"{passed:,} of {played:,}", "-"))
    return charts.ChartTable(
        caption="Results by slice, most failures first; a hard slice may not fail once",
        header=("Slice", "Kind", "Passed", "Pass rate (95 %)"),
        rows=tuple(rows),
        values=tuple((None, None, None, None) for _ in rows),
    )


def _age(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "a moment"
