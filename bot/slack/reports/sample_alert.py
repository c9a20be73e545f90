"""What owners are told of sampled turns: what did not hold although it always must, and that quality is low. Pure."""

from collections.abc import Mapping

from bot.slack import mrkdwn
from bot.slack.reports import about_ticket, drift_report
from bot.slack.reports.about_ticket import About
from bot.store.figures.owner_alerts import OpenAlert
from bot.store.schema import AlertKind

_READ_IT = (
    "Read that ticket at once. If others may be affected, run `deskhand agents suspend`. "
    "`/agent-eval` lists every such turn."
)


def words(alert: OpenAlert, tickets: Mapping[str, About | None]) -> tuple[str, list[str], str]:
    """Return the heading, the lines below it, and what to do."""
    if alert.kind is AlertKind.SAMPLE_FAILED:
        return _failed(alert, tickets)
    detail, release = alert.detail, mrkdwn.line(alert.subject, 80)
    held = (
        f"In {_percent(detail['rate'])} of its turns all held that must always hold: {_percent(detail['low'])} to "
        f"{_percent(detail['high'])}, by {detail['scored']:,} turns that were scored."
    )
    passed = (
        f"Of the plays of {mrkdwn.line(str(detail['baseline']), 80)}, {_percent(detail['baseline_rate'])} passed: at "
        f"least {_percent(detail['baseline_low'])}."
    )
    do = "`/agent-eval` lists the turns and what did not hold in them. If the release is to blame, roll it back."
    return f"The turns of {release} go worse than the plays of the baseline", [held, passed], do


def end(alert: OpenAlert) -> str:
    """Return in a sentence that it is over."""
    if alert.kind is AlertKind.SAMPLE_FAILED:
        agent = mrkdwn.line(alert.agent, 80)
        return f"{drift_report.value(alert.subject)} has held in every turn of {agent} that was scored for a day."
    return f"the turns of {mrkdwn.line(alert.subject, 80)} are no longer below the baseline, or it no longer serves."


def _failed(alert: OpenAlert, tickets: Mapping[str, About | None]) -> tuple[str, list[str], str]:
    detail, agent = alert.detail, mrkdwn.line(alert.agent, 80)
    where = about_ticket.shown(str(detail["ticket"]), tickets.get(str(detail["ticket"])))
    heading = f"{drift_report.value(alert.subject)} did not hold in a turn of {agent}, and must always hold"
    return heading, [f"{mrkdwn.line(str(detail['said']), 300)} It was found in {where}."], _READ_IT


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
