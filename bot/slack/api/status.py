"""What Slack shows of the agent in a thread: that it is at it, or that it is not.

A nicety, so what goes wrong with it is only logged. Invariant, kept by who calls: once a person may have
the ticket nothing says that the agent is at it, whatever has become of the worker that was.
"""

from typing import Literal

import structlog

from bot.errors import Transient
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.store.schema import Ticket

Status = Literal["processing", "active"]

log = structlog.get_logger()


def show(client: WebClient, ticket: Ticket, status: Status) -> None:
    """Show in a ticket's thread that the agent is at it (`processing`), or that it is not (`active`)."""
    try:
        slack.call(
            client.agents_sessions_setStatus, channel_id=ticket.channel, thread_ts=ticket.thread_ts, status=status
        )
    except (Transient, slack.Rejected) as error:
        log.info("status.skipped", error=str(error))
