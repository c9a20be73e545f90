"""An evaluation beside the promoted release: by slice, and the cases that got worse or better. Pure.

Invariant: where a stand-in model answered on either side, it is said first. Cases that do not fit are counted.
"""

from bot.slack import charts, mrkdwn
from bot.slack.mrkdwn import Block, Body
from bot.slack.reports.evaluations import STANDIN, VERDICTS
from bot.store.releases.comparisons import Beside, RunBeside

_CASES = 12
"The most cases of a list."
_WHY_CHARACTERS = 1_500


def report(found: RunBeside) -> Body:
    """Return the comparison with a chart of the slices that changed and a table that sorts."""
    shown = [*_chart(found), charts.native(_table(found))] if _compared(found) else []
    return charts.body([mrkdwn.section(_heading(found))], [*shown, *_details(found)])


def fallback(found: RunBeside) -> Body:
    """Return the same for a Slack that answered `invalid_blocks` to charts and data tables."""
    shown = [charts.classic(_table(found))] if _compared(found) else []
    return charts.body([mrkdwn.section(_heading(found))], [*shown, *_details(found)])


def _compared(found: RunBeside) -> bool:
    return bool(found.slices) and not found.is_baseline


def _heading(found: RunBeside) -> str:
    release = mrkdwn.line(found.release, 120)
    standin = STANDIN if found.model_is_standin else ""
    if found.baseline is None:
        beside = "No release was promoted yet, so there is nothing to compare it with."
    elif found.is_baseline:
        beside = "It is the baseline itself, so there is nothing to compare it with."
    else:
        beside = f"Beside the baseline {mrkdwn.line(found.baseline, 120)}: {_summary(found)}"
    return f"*{release}*, run {found.run_id}, {VERDICTS[found.verdict]}.{standin}\n{beside}"


def _summary(found: RunBeside) -> str:
    if not found.slices:
        return "it has played none of these cases as they are now."
    apart = f" {_cases(found.apart)} not compared: the baseline did not play the same." if found.apart else ""
    return f"{_cases(len(found.worse))} worse and {len(found.better):,} better.{apart}"


def _cases(count: int) -> str:
    return "1 case is" if count == 1 else f"{count:,} cases are"


def _chart(found: RunBeside) -> list[Block]:
    """Return a chart of the pass rates of the slices that changed, largest loss first; empty if none did."""
    changed = [one for one in found.slices if one.change][: charts.POINTS]
    if not changed:
        return []
    data = {
        "Baseline": [round(100 * one.before.rate, 1) for one in changed],
        "This release": [round(100 * one.now.rate, 1) for one in changed],
    }
    names = [one.name for one in changed]
    return [charts.chart("Pass rate of the slices that changed", names, data, y_label="Plays passed, %")]


def _table(found: RunBeside) -> charts.ChartTable:
    slices, rest = found.slices[: charts.ROWS - 1], found.slices[charts.ROWS - 1 :]
    rows = [(one.name, "hard" if one.hard else "normal", one.now.words, one.before.words) for one in slices]
    if rest:
        rows.append((f"{len(rest)} other slices", "-", "-", "-"))
    return charts.ChartTable(
        caption="Plays passed by slice, largest loss first",
        header=("Slice", "Kind", "This release", "Baseline"),
        rows=tuple(rows),
        values=tuple((None, None, None, None) for _ in rows),
    )


def _details(found: RunBeside) -> list[Block]:
    lists = [_list("Worse", found.worse), _list("Better", found.better)] if _compared(found) else []
    said = "; ".join(found.why)
    gate = [mrkdwn.section(f"*The gate says:* {mrkdwn.line(said, _WHY_CHARACTERS)}")] if said else []
    how = mrkdwn.context("`/agent-eval case ID` shows what was said in a case.")
    return [*(mrkdwn.section(text) for text in lists if text), *gate, how]


def _list(title: str, cases: tuple[Beside, ...]) -> str:
    if not cases:
        return ""
    shown = [
        f"• `{mrkdwn.line(one.name, 60).replace('`', '')}`: passed {one.now.words}, the baseline {one.before.words}"
        for one in cases[:_CASES]
    ]
    more = [f"… and {len(cases) - _CASES} more."] if len(cases) > _CASES else []
    return "\n".join([f"*{title}*", *shown, *more])
