"""What a budget is called by people: "the daily budget of #help-access"."""

from datetime import datetime, timedelta

from bot.slack import mrkdwn
from bot.slack.money import holders

_KINDS = {"day": "daily", "week": "weekly", "month": "monthly"}


def named(
    scope: str, holder: str, bounds: tuple[datetime, datetime], *, reader: str | None, requester: str | None
) -> str:
    """Say which budget.

    Args:
        scope: channel, user, team or agent.
        holder: whose it is.
        bounds: start and end of its window.
        reader: who reads this, where one person does.
        requester: in whose request it was met, where that is known.
    """
    kind = f"{_KINDS[window(*bounds)]} budget"
    if (scope, holder) == ("user", reader):
        return f"your own {kind}"
    whose = holders.in_slack(scope, holder)
    with_whom = f" with {mrkdwn.mention(requester)}" if requester and whose == holders.DIRECT else ""
    return f"the {kind} of {whose}{with_whom}"


def window(start: datetime, end: datetime) -> str:
    """Return how long a window is; one that holds a change of the clocks is an hour off."""
    length = end - start
    if length < timedelta(days=2):
        return "day"
    return "week" if length < timedelta(days=8) else "month"
