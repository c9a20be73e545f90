"""The plays of one case of an evaluation: what was said, what was expected, and what was seen. Pure.

Invariant: words of people, tools and the model are shown as text and never as markup. What does not fit is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack import charts, mrkdwn
from bot.slack.mrkdwn import Block, Body
from bot.slack.reports.evaluations import STANDIN

TOLD = 3
"The most plays of which the words are shown."
_FAILURES = 5
_LINE_CHARACTERS = 400
_PLAY_CHARACTERS = 2_400
_NAMES = {"requester": "Requester", "colleague": "Colleague", "agent": "Agent", "judge": "Judge"}


@dataclass(frozen=True, slots=True)
class CasePlay:
    """One play of a case."""

    repeat: int
    played: bool
    "False if every try met an outage: then nothing is known."
    failures: tuple[str, ...]
    "What was expected and seen instead, one sentence each."
    outages: tuple[str, ...]
    transcript: tuple[Mapping[str, Any], ...]
    "What was said and done, redacted."


@dataclass(frozen=True, slots=True)
class CaseReport:
    """A case in one run."""

    case: str
    slice: str
    hard: bool
    run_id: int
    release: str
    model_is_standin: bool
    plays: tuple[CasePlay, ...]
    "At least one."


def report(found: CaseReport) -> Body:
    """Return the plays of a case, those that failed first."""
    plays = sorted(found.plays, key=lambda one: (one.played and not one.failures, one.repeat))
    blocks = [block for one in plays[:TOLD] for block in _play(one)]
    rest = [mrkdwn.context(f"{len(plays) - TOLD} more: {_counts(plays[TOLD:])}.")] if len(plays) > TOLD else []
    return charts.body([mrkdwn.section(_heading(found))], [*blocks, *rest])


def _heading(found: CaseReport) -> str:
    kind = "hard slice" if found.hard else "slice"
    standin = STANDIN if found.model_is_standin else ""
    return (
        f"*{mrkdwn.line(found.case, 80)}* ({kind} {mrkdwn.line(found.slice, 60)}), run {found.run_id} of "
        f"{mrkdwn.line(found.release, 120)}: {_counts(found.plays)}.{standin}"
    )


def _counts(plays: Sequence[CasePlay]) -> str:
    """Return how many of some plays passed, and how many say nothing."""
    played = [one for one in plays if one.played]
    outages = len(plays) - len(played)
    passed = f"passed {sum(not one.failures for one in played):,} of {len(played):,}"
    return f"{passed}, and {outages:,} met only outages" if outages else passed


def _play(one: CasePlay) -> list[Block]:
    mark = ":white_check_mark:" if not one.failures else ":x:"
    result = ["passed"] if not one.failures else [f"• {mrkdwn.line(why, 300)}" for why in one.failures[:_FAILURES]]
    if not one.played:
        mark, result = ":warning:", [f"not played: {mrkdwn.line(one.outages[-1] if one.outages else '', 300)}"]
    more = len(one.failures) - _FAILURES
    tail = [f"… and {more} more."] if more > 0 else []
    heading = mrkdwn.section("\n".join([f"{mark} *Repeat {one.repeat}*", *result, *tail]))
    return [heading, mrkdwn.section(_transcript(one.transcript))] if one.transcript else [heading]


def _transcript(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return what was said, as many lines as fit."""
    lines, used = list[str](), 0
    for number, entry in enumerate(entries):
        line = f"> {_entry(entry)}"
        used += len(line) + 1
        if used > _PLAY_CHARACTERS:
            return "\n".join([*lines, f"… and {len(entries) - number} more entries: `deskhand eval case` shows them."])
        lines.append(line)
    return "\n".join(lines)


def _entry(entry: Mapping[str, Any]) -> str:
    by, text = str(entry.get("by", "")), mrkdwn.line(str(entry.get("text", "")), _LINE_CHARACTERS)
    match by:
        case "tool":
            name, status = str(entry.get("name", "")), str(entry.get("status", ""))
            return f"_Tool_ {mrkdwn.line(name, 80)}: {mrkdwn.line(status, 40)}"
        case "handoff":
            return f"_Handed to a person_, {mrkdwn.line(str(entry.get('reason', '')), 40)}: {text}"
        case _:
            return f"*{_NAMES.get(by) or mrkdwn.line(by, 40)}:* {text}"
