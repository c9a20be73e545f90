"""What owners are told of the probes of a release: that they show it to be worse, or that there were none. Pure."""

from datetime import datetime

from bot.slack import mrkdwn
from bot.store.figures.owner_alerts import OpenAlert
from bot.store.schema import AlertKind

_NOBODY_CHANGED_IT = (
    "The release is the same, so the change is outside it: most likely in the model behind its name. Chance alone "
    "does this to about one release in fifty a month."
)


def found(alert: OpenAlert) -> tuple[str, list[str], str]:
    """Return the heading, the lines below it, and what to do."""
    release, detail = mrkdwn.line(alert.subject, 80), alert.detail
    if alert.kind is AlertKind.NO_PROBE:
        last = mrkdwn.date(datetime.fromisoformat(str(detail["last"])))
        return (
            f"The probes of {release} have not been played for a day",
            [f"The last time was {last}. A change of the model would not be seen."],
            "Run `deskhand eval probe` to see why. The workers play them, from the budget of evaluations.",
        )
    to_do = (
        f"See `deskhand eval show {detail['run']}`, and run `deskhand eval run`. If it is blocked, every request goes "
        "to a person until another release has passed."
    )
    said = f"Run {detail['run']}: {mrkdwn.line(str(detail['said']), 400)}."
    return f"{release} does worse than in its own evaluation", [said, _NOBODY_CHANGED_IT], to_do


def over(alert: OpenAlert) -> str:
    """Return what is said at the end of the cause."""
    release = mrkdwn.line(alert.subject, 80)
    if alert.kind is AlertKind.NO_PROBE:
        return f"the probes of {release} are no longer missing."
    if alert.detail.get("replaced"):
        return f"{release} no longer serves, so its probes are not played any further."
    return f"the probes of {release} pass as often as in its evaluation again."
