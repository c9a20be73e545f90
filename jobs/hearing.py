"""Messages that a worker reads in Slack itself; it hears them with the use cases and look-ups of the web process."""

from typing import Any

from bot.casework import heard, hearing
from bot.casework.context import HearingContext
from bot.casework.heard import HeardMessage
from bot.slack.api import names, roles
from jobs.process import WorkerContext


def is_persons(ctx: WorkerContext, message: dict[str, Any], bot_user: str) -> bool:
    """Return whether a message that Slack shows was written by a person."""
    return heard.is_persons(message, bot_user, roles.app_check(ctx.members))


def read(ctx: WorkerContext, message: dict[str, Any], *, team: str, channel: str, bot_user: str) -> HeardMessage:
    """Return a message that Slack shows as one that is heard; no transaction may be open, as names are looked up."""
    return heard.read_again(message, names.of(ctx.slack), team=team, channel=channel, bot_user=bot_user)


def hear(ctx: WorkerContext, message: HeardMessage) -> None:
    """Store a message and queue what it needs.

    Raises:
        Transient: it could not be stored.
    """
    hearing.hear(HearingContext(ctx.database, ctx.queue, ctx.agents), message)
