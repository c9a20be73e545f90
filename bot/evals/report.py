"""A run as text: a table for the terminal; and the same facts as JSON. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from bot.evals import gate
from bot.evals.gate import SliceTally, pass_k
from bot.evals.gate.pass_k import PassK
from bot.evals.plays import Play
from bot.evals.runner import RunProgress, RunReport
from bot.slack.mrkdwn import dollars
from bot.store.schema import EvalRun, RunKind, RunState, Verdict

UNTOUCHED = "The release keeps the verdict that it had, if any."
"What a run without a verdict means."
AGAIN = (
    "Fix what was down, and run the evaluation again: `deskhand doctor` checks it all, and the cap of evaluations is"
    " channel.named.eval in budgets.yaml."
)
"What to do when a whole suite has got no verdict."
WHOLE = "For a verdict run `deskhand eval run` for all cases."
"What to do when only a part was to be played."
STANDIN = "A STAND-IN MODEL answered: these figures say nothing about Claude."
WORDS = {
    Verdict.PASS: "PASS",
    Verdict.BLOCK: "BLOCK",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE, it does not serve until a person signs for it",
    Verdict.NOT_RUN: "NOT RUN, no verdict",
    None: "UNDER WAY, no verdict yet",
}


def as_text(report: RunReport) -> str:
    """Return a run as a table with its failing cases, for a terminal of 100 columns."""
    lines = [
        f"{report.release} against suite {report.suite[:12]}, run {report.run_id}",
        *([STANDIN] if report.model_is_standin else []),
        "",
        f"{'slice':<16} {'passed':>9} {'rate':>7}   95 % bound",
        *(_row(row) for row in gate.tally(report.scores)),
    ]
    if report.scores:
        lines += [_row(gate.total(report.scores)), *_in_a_row(report)]
    for play in report.plays:
        lines += _failure(play)
    reasons = [reason for reason in report.why if not reason.startswith(pass_k.ALARM_WORD)]
    lines += ["", f"{_headline(report)}{': ' if reasons else ''}{'; '.join(reasons)}"]
    if report.verdict is Verdict.NOT_RUN:
        lines += [f"{UNTOUCHED} {WHOLE if report.only else AGAIN}"]
    lines += [f"{report.judge[0].upper()}{report.judge[1:]}."]
    plays = "1 play" if len(report.plays) == 1 else f"{len(report.plays)} plays"
    lines += [f"{plays} in {report.seconds:.1f} s for {dollars(report.cost_nusd)}"]
    return "\n".join(lines)


def _headline(report: RunReport) -> str:
    if report.kind is RunKind.PROBE and report.state is RunState.FINISHED:
        return "PROBES, the verdict stays as it is"
    return WORDS[report.verdict]


def as_json(report: RunReport) -> dict[str, Any]:
    """Return a run as plain values; money in nano-USD."""
    rows = [*gate.tally(report.scores), *([gate.total(report.scores)] if report.scores else [])]
    return {
        "run": report.run_id,
        "kind": report.kind,
        "release": report.release,
        "suite": report.suite,
        "state": report.state,
        "verdict": report.verdict,
        "why": list(report.why),
        "model_is_standin": report.model_is_standin,
        "repeats": report.repeats,
        "slices": [
            {
                "slice": row.slice,
                "hard": row.hard,
                "cases": row.cases,
                "passed": row.passed,
                "played": row.played,
                "rate": round(row.rate, 4),
                "low": round(row.low, 4),
                "high": round(row.high, 4),
            }
            for row in rows
        ],
        "pass_k": [
            {"k": one.k, "rate": round(one.rate, 4), "low": round(one.low, 4), "high": round(one.high, 4)}
            for one in _pass_k(report)
        ],
        "alarms": [_alarm(reason) for reason in report.why if reason.startswith(pass_k.ALARM_WORD)],
        "judge": report.judge,
        "failures": [
            {"case": play.case.id, "slice": play.case.slice, "repeat": play.repeat, "failures": list(play.failures)}
            for play in report.plays
            if play.failures
        ],
        "outages": sum(bool(play.outages) for play in report.plays),
        "seconds": round(report.seconds, 3),
        "cost_nusd": report.cost_nusd,
    }


def runs_as_text(runs: Sequence[EvalRun]) -> str:
    """Return a table of runs, for a terminal of 100 columns."""
    lines = [f"{'run':>6}  {'release':<24} {'begun (UTC)':<17} {'cases':>6} {'plays':>6}  result"]
    for run in runs:
        part = f", only {' '.join(map(str, run.only))}" if run.only else ""
        part = ", probes" if run.kind is RunKind.PROBE else part
        standin = ", stand-in model" if run.model_is_standin else ""
        verdict = (run.verdict.upper().replace("_", " ")) if run.verdict else run.state.upper()
        begun = f"{run.started_at:%Y-%m-%d %H:%M}"
        lines.append(
            f"{run.id:>6}  {run.release:<24} {begun:<17} {run.cases:>6} {run.repeats * run.cases:>6}  "
            f"{verdict}{part}{standin}"
        )
    return "\n".join(lines)


def run_as_json(run: EvalRun) -> dict[str, Any]:
    """Return what is known of a run without its plays; money in nano-USD, times in UTC."""
    return {
        "run": run.id,
        "kind": run.kind,
        "release": run.release,
        "suite": run.suite,
        "state": run.state,
        "verdict": run.verdict,
        "why": list(run.why),
        "model_is_standin": run.model_is_standin,
        "cases": run.cases,
        "repeats": run.repeats,
        "only": list(run.only),
        "started_by": run.started_by,
        "started_at": run.started_at.isoformat(),
        "finished_at": None if run.finished_at is None else run.finished_at.isoformat(),
        "cost_nusd": run.cost_nusd,
    }


def line(progress: RunProgress) -> str:
    """Return the progress of a run in one line."""
    failed = f", {progress.failed} failed" if progress.failed else ""
    outages = f", {progress.outages} met an outage" if progress.outages else ""
    return f"{progress.done}/{progress.total} played{failed}{outages}, {dollars(progress.cost_nusd)}"


def _row(row: SliceTally) -> str:
    """Format one slice; without a failure its rate is left out, since the cases never prove 100 %."""
    failed = row.played - row.passed
    rate = f"{100 * row.rate:.1f} %" if failed else ""
    bound = f"{failed} FAILED: {row.bounds}" if row.hard and failed else row.bounds
    bound = f"hard, {bound}" if row.hard else bound
    return f"{row.slice:<16} {f'{row.passed}/{row.played}':>9} {rate:>7}   {bound}"


def _pass_k(report: RunReport) -> tuple[PassK, ...]:
    return pass_k.figures(gate.by_case(report.scores).values())


def _in_a_row(report: RunReport) -> Iterator[str]:
    """Yield a line for each pass^k, and one for each alarm about them."""
    for one in _pass_k(report):
        rate = "" if one.rate == 1 else f"{100 * one.rate:.1f} %"
        times = f"passed {one.k} times in a row" if one.k > 1 else "passed once"
        yield f"{f'pass^{one.k}':<16} {'':>9} {rate:>7}   {one.bounds}, {times}"
    yield from (f"ALARM: {_alarm(reason)}" for reason in report.why if reason.startswith(pass_k.ALARM_WORD))


def _alarm(reason: str) -> str:
    return reason.removeprefix(pass_k.ALARM_WORD)


def _failure(play: Play) -> Iterator[str]:
    if not play.played:
        yield f"\nnot played  {play.case.id}: {play.outages[-1]}"
    if not play.failures:
        return
    yield f"\nfailed  {play.case.id} ({play.case.slice}, repeat {play.repeat})"
    yield from (f"  - {sentence}" for sentence in play.failures)
    yield from (f"    {_spoken(entry)}" for entry in play.transcript)


def _spoken(entry: dict[str, Any]) -> str:
    match entry["by"]:
        case "tool":
            return f"{entry['name']} ({entry['status']})"
        case "handoff":
            return f"handoff, {entry['reason']}: {_short(entry['text'])}"
        case who:
            return f"{who}: {_short(entry['text'])}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 160 else f"{flat[:157]}..."  # noqa: PLR2004 - the line above says what it is for
