"""The report on handoffs: for owners in Slack, for operators on a terminal and as JSON. Pure.

Invariant: an unknown figure is left out (`-` in a table, null in JSON), and a part is shown as a count (`3 of 4`),
since a percentage of a few says little. In Slack these are lines and fields: a message takes one table, and in the
report on an evaluation that is the table of slices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import MarkdownTextObject, SectionBlock

from bot.principals import Reason
from bot.slack import mrkdwn
from bot.slack.handoffs import reasons
from bot.slack.mrkdwn import Block
from bot.slack.reports import waits
from bot.store.handoffs.handoff_metrics import Cohort, Figures, Spread

_LINES = 7
"The most reasons in one section, so that their lines stay below its 3,000 characters."
_ABOVE = f"{'share':>34} {'waited until (half / 9 of 10 within)':>41} {'still solved':>22} {'agent':>6}"
_HEADER = ("handoffs", "of all", "claimed", "answered", "resolved", "reopened", "24 h", "7 d", "could")
_WIDTHS = (8, 7, 13, 13, 13, 8, 6, 6, 6)


@dataclass(frozen=True, slots=True)
class Week:
    """Figures of the handoffs of the last seven days."""

    totals: Figures
    by_reason: tuple[Figures, ...]
    before: Figures
    "The figures of the seven days before: only these handoffs can have stayed resolved for a week."


@dataclass(frozen=True, slots=True)
class HandoffReport:
    """Figures of the handoffs of a cohort: in all, by reason, by day, and by both."""

    cohort: Cohort
    totals: Figures
    by_reason: tuple[Figures, ...]
    by_day: tuple[Figures, ...]
    by_day_and_reason: tuple[Figures, ...]


def blocks(week: Week) -> list[Block]:
    """Return the blocks about a week's handoffs."""
    totals = week.totals
    if not totals.handoffs:
        return [mrkdwn.section("No handoffs in the last 7 days.")]
    replies = totals.outcomes - totals.handoffs
    answers = "1 answer" if replies == 1 else f"{replies:,} answers"
    beside = f", beside {answers} of the agent ({_percent(totals)} of both)" if replies else ""
    facts = {
        "Claimed after": waits.median_and_most(totals.to_claim),
        "First response after": waits.median_and_most(totals.to_first_response),
        "Resolved after": waits.median_and_most(totals.to_resolve),
        "Reopened": _of(totals.reopened, totals.resolved),
        "Lasted 24 hours": _of(totals.lasted_day, totals.day_old),
        "Lasted 7 days, of the week before": _of(week.before.lasted_week, week.before.week_old),
        "The agent could have done it": _of(totals.agent_could, totals.judged),
        "Asked for a person, in scope": f"{totals.requested_in_scope:,}",
        "Budget used up": f"{totals.budget:,}",
    }
    fields = [MarkdownTextObject(text=f"*{name}*\n{fact}") for name, fact in facts.items() if fact is not None]
    lines = [_line(figures) for figures in week.by_reason[: len(Reason)]]
    return [
        mrkdwn.section(f"*Handoffs, last 7 days: {totals.handoffs:,}*{beside}"),
        SectionBlock(fields=fields).to_dict(),
        *(mrkdwn.section("\n".join(lines[at : at + _LINES])) for at in range(0, len(lines), _LINES)),
        mrkdwn.context(f"{_happened(totals)} Times are medians, from the requester's first wait."),
    ]


def as_text(report: HandoffReport) -> str:
    """Return a report as two tables and its totals, for a terminal of 110 columns."""
    cohort, totals = report.cohort, report.totals
    whose = f"the agent {cohort.agent}" if cohort.agent else "all agents"
    window = f"from {cohort.since:%Y-%m-%d} to {cohort.until:%Y-%m-%d} (UTC), {whose}"
    if not totals.handoffs:
        answered = "once" if totals.outcomes == 1 else f"{totals.outcomes:,} times"
        return f"No handoffs {window}; the agent answered {answered}."
    lines = [f"Handoffs opened {window}", "", _ABOVE, _row("reason", _HEADER)]
    lines += [_row(str(figures.reason).replace("_", " "), _cells(figures)) for figures in report.by_reason]
    lines += [_row("all", _cells(totals)), "", _ABOVE, _row("day", _HEADER)]
    lines += [_row(str(figures.day), _cells(figures)) for figures in report.by_day]
    lines += ["", _happened(totals)]
    asked, used_up = f"{totals.requested_in_scope:,}", f"{totals.budget:,}"
    lines += [f"A person was asked for with what the agent may do: {asked}; a budget was used up: {used_up}."]
    lines += ["Times count from when the requester first waited for a person; 2/5 is 2 of the 5 of which it is known."]
    return "\n".join(lines)


def as_json(report: HandoffReport) -> dict[str, Any]:
    """Return a report as JSON values: times in seconds, rates from 0 to 1, null for unknown."""
    return {
        "since": report.cohort.since.isoformat(),
        "until": report.cohort.until.isoformat(),
        "agent": report.cohort.agent,
        "totals": _plain(report.totals),
        "by_reason": [{"reason": one.reason, **_plain(one)} for one in report.by_reason],
        "by_day": [{"day": str(one.day), **_plain(one)} for one in report.by_day],
        "by_day_and_reason": [
            {"day": str(one.day), "reason": one.reason, **_plain(one)} for one in report.by_day_and_reason
        ],
    }


def _line(figures: Figures) -> str:
    reason = figures.reason or ""
    words = reasons.words(Reason(reason)) if reason in set(Reason) else mrkdwn.line(reason, 60)
    facts = {
        "claimed after": waits.in_words(figures.to_claim.median),
        "first response after": waits.in_words(figures.to_first_response.median),
        "resolved after": waits.in_words(figures.to_resolve.median),
        "reopened": _of(figures.reopened, figures.resolved),
        "lasted 24 hours": _of(figures.lasted_day, figures.day_old),
        "agent could": _of(figures.agent_could, figures.judged),
    }
    return "; ".join(
        [f"• {words}: *{figures.handoffs:,}*", *(f"{name} {fact}" for name, fact in facts.items() if fact is not None)]
    )


def _happened(figures: Figures) -> str:
    return (
        f"Resolved {figures.resolved:,}, given back {figures.returned:,}, cancelled {figures.cancelled:,}, "
        f"unclaimed {figures.unclaimed:,}, reassigned {figures.reassigned:,}, expired {figures.expired:,}."
    )


def _cells(figures: Figures) -> Iterator[str]:
    yield f"{figures.handoffs:,}"
    yield _percent(figures) or "-"
    for spread in (figures.to_claim, figures.to_first_response, figures.to_resolve):
        times = [waits.in_words(seconds, waits.SHORT) for seconds in (spread.median, spread.p90)]
        yield f"{times[0]} / {times[1]}" if spread.count else "-"
    yield _of(figures.reopened, figures.resolved, "/") or "-"
    yield _of(figures.lasted_day, figures.day_old, "/") or "-"
    yield _of(figures.lasted_week, figures.week_old, "/") or "-"
    yield _of(figures.agent_could, figures.judged, "/") or "-"


def _row(name: str, cells: Sequence[str] | Iterator[str]) -> str:
    columns = (f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return f"{name:<17} {' '.join(columns)}".rstrip()


def _plain(figures: Figures) -> dict[str, Any]:
    return {
        "handoffs": figures.handoffs,
        "outcomes": figures.outcomes,
        "rate": figures.rate,
        "requested_in_scope": figures.requested_in_scope,
        "budget": figures.budget,
        "to_claim": _seconds(figures.to_claim),
        "to_first_response": _seconds(figures.to_first_response),
        "to_resolve": _seconds(figures.to_resolve),
        "expired": figures.expired,
        "unclaimed": figures.unclaimed,
        "reassigned": figures.reassigned,
        "given_back": figures.returned,
        "cancelled": figures.cancelled,
        "resolved": figures.resolved,
        "reopened": figures.reopened,
        "reopen_rate": figures.reopen_rate,
        "durable_24h": {"lasted": figures.lasted_day, "of": figures.day_old, "rate": figures.durable_day},
        "durable_7d": {"lasted": figures.lasted_week, "of": figures.week_old, "rate": figures.durable_week},
        "agent_could": {"could": figures.agent_could, "of": figures.judged, "rate": figures.agent_could_rate},
    }


def _seconds(spread: Spread) -> dict[str, Any]:
    return {"count": spread.count, "median_seconds": spread.median, "p90_seconds": spread.p90}


def _of(part: int, whole: int, between: str = " of ") -> str | None:
    return f"{part:,}{between}{whole:,}" if whole else None


def _percent(figures: Figures) -> str | None:
    return None if figures.rate is None else f"{100 * figures.rate:.1f} %"
