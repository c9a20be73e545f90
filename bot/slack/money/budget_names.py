"""Names of budgets in words: "the daily budget of #help-access"."""

from datetime import datetime, timedelta

from bot.slack import mrkdwn
from bot.slack.money import holders

_KINDS = {"day": "daily", "week": "weekly", "month": "monthly"}


def named(
    scope: str, holder: str, bounds: tuple[datetime, datetime], *, reader: str | None, requester: str | None
) -> str:
    """Return the name of a budget.

    Args:
        scope: channel, user, team or agent.
        holder: its holder's id, or an agent's name.
        bounds: start and end of its window.
        reader: the only person who reads this; None for several.
        requester: the requester whose request met it; None when not known.
    """
    kind = f"{_KINDS[window(*bounds)]} budget"
    if (scope, holder) == ("user", reader):
        return f"your own {kind}"
    whose = holders.in_slack(scope, holder)
    with_whom = f" with {mrkdwn.mention(requester)}" if requester and whose == holders.DIRECT else ""
    return f"the {kind} of {whose}{with_whom}"


def window(start: datetime, end: datetime) -> str:
    """Return the kind of a window by its length, which is an hour off when the clocks change."""
    length = end - start
    if length < timedelta(days=2):
        return "day"
    return "week" if length < timedelta(days=8) else "month"
