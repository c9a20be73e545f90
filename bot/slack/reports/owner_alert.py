"""What owners are told of a cause, and of its end: what was found, why it matters, what to do next. Pure.

Invariant: a ticket is named by its number, its channel and a link, never by its words; one that was written in private
has no link.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body
from bot.slack.reports import about_ticket, drift_report, probe_alert, read_back_alert, sample_alert
from bot.slack.reports.about_ticket import About
from bot.store.figures.owner_alerts import OpenAlert
from bot.store.figures.vital_signs import SIGNS
from bot.store.schema import AlertKind, DriftStream

_AFTER_DRIFT = (
    "Read the examples and compare what changed since then: the model, the directory, the people who ask. If the "
    "answers are worse, run `deskhand agents suspend`, or serve the release before. `/agent-eval` shows every "
    "stream; others may follow within the next 1,000 tickets and belong to this drift."
)
_ONCE = "You are told of this once, and once more when it is over."


def tickets_in(alert: OpenAlert) -> tuple[str, ...]:
    """Return the numbers of the tickets that an alert names."""
    named = (*alert.detail.get("examples", ()), alert.detail.get("ticket"))
    return tuple(str(one) for one in named if one is not None)


def found(alert: OpenAlert, tickets: Mapping[str, About | None]) -> Body:
    """Return the message about a new cause.

    Args:
        alert: the cause.
        tickets: what owners may see of each ticket that it names, by its number.
    """
    heading, lines, next_step = _words(alert, tickets)
    text = "\n".join([f":rotating_light: *{heading}*", *lines, f"*What to do:* {next_step}"])
    return {"text": text, "blocks": [mrkdwn.section(text), mrkdwn.context(_ONCE)]}


def over(alert: OpenAlert) -> Body:
    """Return the message about the end of a cause."""
    text = f":white_check_mark: *It is over:* {_end(alert)} It was found {mrkdwn.date(alert.found_at)}."
    return {"text": text, "blocks": [mrkdwn.section(text)]}


def _words(alert: OpenAlert, tickets: Mapping[str, About | None]) -> tuple[str, list[str], str]:
    """Return the heading, the lines below it, and what to do."""
    agent, detail = mrkdwn.line(alert.agent, 80), alert.detail
    match alert.kind:
        case AlertKind.DRIFT:
            return _drift(alert, tickets)
        case AlertKind.LOOP:
            where = about_ticket.shown(str(detail["ticket"]), tickets.get(str(detail["ticket"])))
            heading = f"{agent} repeated itself: {mrkdwn.line(str(detail['how']), 200)}"
            return heading, [f"For example in {where}."], "Read that ticket: the tool's answer may not tell it enough."
        case AlertKind.MODEL_CHANGED:
            return _another_model(alert, tickets)
        case AlertKind.EVALUATION_STALE:
            days = detail["days"]
            state = "has no verdict" if days is None else f"was evaluated {days:,} days ago"
            return (
                f"{mrkdwn.line(str(detail['release']), 80)} {state}",
                ["A model or a directory may have changed since." if days else "Every request goes to a person."],
                "Run `deskhand eval run`.",
            )
        case AlertKind.NO_TRAFFIC:
            return (
                f"Nobody has asked {agent} anything for {detail['hours']:.0f} hours",
                [f"In the same hours of each of the four weeks before there were {detail['usual']:.0f} on average."],
                "Write a test request; then run `deskhand doctor`: Slack may no longer reach Deskhand.",
            )
        case AlertKind.PROBES_WORSE | AlertKind.NO_PROBE:
            return probe_alert.found(alert)
        case AlertKind.SILENT:
            sign = next(one for one in SIGNS if one.name == alert.subject)
            last = mrkdwn.date(datetime.fromisoformat(str(detail["last"])))
            return (
                f"{sign.words} for more than {detail['minutes']:.0f} minutes",
                [f"The last time was {last}."],
                sign.do,
            )
        case AlertKind.SAMPLE_FAILED | AlertKind.SAMPLED_QUALITY | AlertKind.WRITE_DIVERGED | AlertKind.WRITES_UNKNOWN:
            words = read_back_alert.words if alert.kind in read_back_alert.KINDS else sample_alert.words
            return words(alert, tickets)
        case _:
            assert_never(alert.kind)


def _another_model(alert: OpenAlert, tickets: Mapping[str, About | None]) -> tuple[str, list[str], str]:
    detail = alert.detail
    asked, answered = drift_report.value(str(detail["asked"])), drift_report.value(alert.subject)
    if "case" in detail:
        where = f"the probe {drift_report.value(str(detail['case']))}"
    else:
        where = about_ticket.shown(str(detail["ticket"]), tickets.get(str(detail["ticket"])))
    return (
        f"Another model answers {mrkdwn.line(alert.agent, 80)}",
        [f"{asked} was asked and {answered} answered, first in {where}. Its evaluation was of the first one."],
        "Pin a dated model id in the card, run `deskhand eval run`, and ask the vendor.",
    )


def _drift(alert: OpenAlert, tickets: Mapping[str, About | None]) -> tuple[str, list[str], str]:
    detail = alert.detail
    streams = {DriftStream(name): one for name, one in detail["streams"].items()}
    first = next(iter(streams.values()))
    since = mrkdwn.date(datetime.fromisoformat(str(first["since"])))
    before = mrkdwn.line(str(first["reference_release"]), 80)
    examples = [about_ticket.shown(one, tickets.get(one)) for one in map(str, detail["examples"])]
    return (
        f"{mrkdwn.line(alert.subject, 80)} does not behave as it did before",
        [
            *(f"• {drift_report.moved(stream, one)}" for stream, one in streams.items()),
            f"The window begins {since}. Before: {first['reference']:,} tickets of {before}.",
            f"Examples of what became more: {', '.join(examples)}." if examples else "No example is left.",
        ],
        _AFTER_DRIFT,
    )


def _end(alert: OpenAlert) -> str:
    agent = mrkdwn.line(alert.agent, 80)
    match alert.kind:
        case AlertKind.DRIFT:
            return _end_of_drift(alert)
        case AlertKind.LOOP:
            return f"{agent} has not repeated that for a day: {mrkdwn.line(str(alert.detail['how']), 200)}."
        case AlertKind.MODEL_CHANGED:
            return f"{drift_report.value(str(alert.detail['asked']))} answers {agent} again."
        case AlertKind.EVALUATION_STALE:
            return f"the release that serves for {agent} has a verdict that is not old."
        case AlertKind.NO_TRAFFIC:
            return f"{agent} is asked again."
        case AlertKind.PROBES_WORSE | AlertKind.NO_PROBE:
            return probe_alert.over(alert)
        case AlertKind.SILENT:
            sign = next((one for one in SIGNS if one.name == alert.subject), None)
            return f"{alert.subject if sign is None else sign.name} works again."
        case AlertKind.SAMPLE_FAILED | AlertKind.SAMPLED_QUALITY | AlertKind.WRITE_DIVERGED | AlertKind.WRITES_UNKNOWN:
            end = read_back_alert.end if alert.kind in read_back_alert.KINDS else sample_alert.end
            return end(alert)
        case _:
            assert_never(alert.kind)


def _end_of_drift(alert: OpenAlert) -> str:
    if alert.detail.get("replaced"):
        return f"{mrkdwn.line(alert.subject, 80)} no longer serves, so its drift is not followed any further."
    return f"{mrkdwn.line(alert.subject, 80)} behaves as it did before, in three checks in a row."
