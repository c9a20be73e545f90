"""Sets the status that Slack shows in a thread: the agent is working, idle, or waits for a person.

The status is not essential, so its errors are only logged. Invariant, kept by the callers: once a person may have the
ticket, no thread shows that the agent is working, whatever has become of its worker.
"""

from typing import Literal

import structlog

from bot.errors import Transient
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.store.schema import Ticket

Status = Literal["processing", "active", "suspended"]

log = structlog.get_logger()


def show(client: WebClient, ticket: Ticket, status: Status) -> None:
    """Show in a ticket's thread that the agent is working (`processing`), idle (`active`) or waits (`suspended`)."""
    try:
        slack.call(
            client.agents_sessions_setStatus, channel_id=ticket.channel, thread_ts=ticket.thread_ts, status=status
        )
    except (Transient, slack.Rejected) as error:
        log.info("status.skipped", error=str(error))
