"""That an agent does not work now, for its owners and responders: since when, by whom and why. Pure."""

from bot.agent.standing import Standing
from bot.slack import mrkdwn

CAUSE_CHARACTERS = 300
TO_PEOPLE = "Every request goes to a person"


def line(agent: str, found: Standing) -> str:
    """Return the line about an agent that does not work."""
    name = mrkdwn.line(agent, 80)
    if found.since is None:
        return f":warning: *{name} is {found.status}*, as its card says. {TO_PEOPLE}."
    cause = mrkdwn.line(found.cause or "", CAUSE_CHARACTERS)
    since = f"since {mrkdwn.date(found.since)}, by {mrkdwn.line(found.whose, 80)}"
    return f":warning: *{name} has been suspended* {since}: {cause}\n{TO_PEOPLE} until it is resumed."
