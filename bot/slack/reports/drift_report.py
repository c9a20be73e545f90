"""Drift in words and as a short table: what moved, how sure that is, and what a window can find. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Block
from bot.store.figures.drift_checks import DriftReading
from bot.store.schema import DriftStream

NAMES: Mapping[DriftStream, str] = {
    DriftStream.OUTCOME: "Outcome",
    DriftStream.FIRST_TOOL: "First tool",
    DriftStream.TOOL_SEQUENCE: "Tool sequence",
    DriftStream.MODEL_CALLS: "Model calls",
    DriftStream.LATENCY: "Latency",
    DriftStream.OUTPUT_TOKENS: "Output tokens",
}
LEAST_P = 1e-6
"A smaller p-value is shown as being below this one."
_NOT_YET = "*Drift*: nothing to compare yet. The first check needs 600 tickets of a release."


def blocks(readings: Sequence[DriftReading]) -> list[Block]:
    """Return one line a stream: the window in which it moved most, or the widest one if it did not drift."""
    if not readings:
        return [mrkdwn.section(_NOT_YET)]
    rows: list[tuple[str, ...]] = [("Stream", "State", "Window", "p", "V", "Finds from")]
    rows += [_row(one) for one in worst(readings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    found = [NAMES[one.stream] for one in worst(readings) if one.drifted]
    state = f"*Drift in {', '.join(found)}*" if found else "*No drift*"
    against = max(readings, key=lambda one: one.reference)
    small = (
        f"Compared with {against.reference:,} tickets of {mrkdwn.line(against.reference_release, 80)}, last "
        f"{mrkdwn.date(against.at)}. *Finds from*: the smallest shift of a share that the window finds four times in "
        "five."
    )
    return [mrkdwn.section(f"{state}\n```\n{table}\n```"), mrkdwn.context(small)]


def worst(readings: Sequence[DriftReading]) -> list[DriftReading]:
    """Return one reading a stream: the drifted one with the smallest p-value, else that of the widest window."""
    best: dict[DriftStream, DriftReading] = {}
    for one in readings:
        known = best.get(one.stream)
        if known is None or _rank(one) > _rank(known):
            best[one.stream] = one
    return list(best.values())


def moved(stream: DriftStream, found: Mapping[str, Any]) -> str:
    """Return in one line what moved in a stream, as an alert keeps it."""
    parts = [f"{value(name)} from {percent(before)} to {percent(now)}" for name, before, now in found["moved"]]
    sure = (
        f"p {probability(found['p'])}, V {found['effect']:.2f}; such a window finds a shift of "
        f"{percent(found['detectable'])} or more"
    )
    return f"*{NAMES[stream]}*, last {found['window']:,} tickets: {', '.join(parts)} ({sure})."


def value(name: str) -> str:
    """Return the name of a cell, which may be a tool's."""
    return f"`{mrkdwn.line(name, 120).replace('`', '')}`"


def percent(share: float) -> str:
    """Return a share in percent, with one decimal where it is small."""
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"  # noqa: PLR2004 - ten percent


def probability(p_value: float) -> str:
    """Return a p-value in words that follow `p`."""
    return f"below {LEAST_P:.6f}" if p_value < LEAST_P else f"= {p_value:.2g}"


def _row(one: DriftReading) -> tuple[str, ...]:
    p_value = probability(one.p_value).removeprefix("= ")
    state = "moved" if one.drifted else "steady"
    return NAMES[one.stream], state, f"{one.window:,}", p_value, f"{one.effect:.2f}", percent(one.detectable)


def _rank(one: DriftReading) -> tuple[bool, float]:
    return one.drifted, -one.p_value if one.drifted else one.window
