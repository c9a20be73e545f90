"""What owners are told of writes that the directory does not show, or of which it is unknown for long. Pure."""

from collections.abc import Mapping
from datetime import datetime

from bot.slack import mrkdwn
from bot.slack.reports import about_ticket, drift_report
from bot.slack.reports.about_ticket import About
from bot.store.figures.owner_alerts import OpenAlert
from bot.store.schema import AlertKind

KINDS = frozenset({AlertKind.WRITE_DIVERGED, AlertKind.WRITES_UNKNOWN})


def words(alert: OpenAlert, tickets: Mapping[str, About | None]) -> tuple[str, list[str], str]:
    """Return the heading, the lines below it, and what to do."""
    detail, ticket = alert.detail, str(alert.detail["ticket"])
    where = about_ticket.shown(ticket, tickets.get(ticket))
    look = f"`deskhand audit explain ticket:{ticket}` says what was done, and why."
    if alert.kind is AlertKind.WRITE_DIVERGED:
        at = mrkdwn.date(datetime.fromisoformat(str(detail["at"])))
        return (
            f"The directory does not show what {drift_report.value(str(detail['tool']))} has done",
            [f"It was for {where}, {at}. The directory was read back and is not as it should be after that."],
            f"Look at the account in the directory now. {look}",
        )
    count = detail["writes"]
    writes = "a write" if count == 1 else f"{count:,} writes"
    return (
        f"It is unknown whether the directory shows {writes} of {drift_report.value(alert.subject)}",
        [f"The oldest is for {where}. The directory does not answer, or does not know of it."],
        f"Run `deskhand doctor` to see if the directory answers, and look at the account. {look}",
    )


def end(alert: OpenAlert) -> str:
    """Return in a sentence that it is over."""
    if alert.kind is AlertKind.WRITES_UNKNOWN:
        tool = drift_report.value(alert.subject)
        return f"the directory has answered for every write of {tool}, or was read back for a day."
    what = f"what {drift_report.value(str(alert.detail['tool']))} has done for ticket {alert.detail['ticket']}"
    if alert.detail.get("shown"):
        return f"the directory shows {what}."
    return f"the directory was read back for a day and does not show {what}; it is not read any further."
