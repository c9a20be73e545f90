"""What a requester said in their thread before anybody knew that it was a ticket's.

Slack delivers a message again, minutes later, when the web process was away. What is said below it in the
meantime is, by the time it comes, people talking among themselves. So a thread whose first message came
late is read once, and what its requester said there is heard like any other message.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from bot.listeners import messages, reading
from bot.listeners.door import Door
from bot.slack import client as slack
from bot.store.schema import InboxEvent, Ticket
from jobs.process import Process

log = structlog.get_logger()

LATE_SECONDS = 2.0
"From Slack's time stamp of a message to ours; Slack's first try takes well under a second."
MOST = 200
READ = ("type", "subtype", "user", "text", "ts", "thread_ts", "files")
"Of a message: in an Enterprise organisation its team may be any of its author's, whom the turn looks up anyway."


def catch_up(house: Process, ticket: Ticket, heard: Sequence[InboxEvent]) -> None:
    """Hear what was said below a message that came late; it waits for the next turn.

    Args:
        house: this process.
        ticket: whose thread it is.
        heard: what the turn answers.

    Raises:
        Transient: Slack or the database is away; the turn is worth another try.
    """
    if ticket.private or not any(event.ts == ticket.thread_ts and _came_late(event) for event in heard):
        return
    try:
        found = slack.call(house.slack.conversations_replies, channel=ticket.channel, ts=ticket.thread_ts, limit=MOST)
    except slack.Rejected as error:
        log.warning("thread.not_read", error=str(error))  # what stands there can be said again; the turn goes on
        return
    door = Door(house.database, house.queue, house.agents, {})
    for message in found["messages"]:
        if messages.is_said(message) and message["user"] == ticket.requester and message["ts"] != ticket.thread_ts:
            event = {**{name: message[name] for name in READ if name in message}, "channel": ticket.channel}
            body = {"event_id": f"thread:{ticket.channel}:{message['ts']}", "team_id": ticket.team, "event": event}
            messages.hear(door, reading.storable(body), "", mentioned=False)


def _came_late(event: InboxEvent) -> bool:
    said_at = datetime.fromtimestamp(float(event.ts or 0), UTC)
    return (event.received_at - said_at).total_seconds() > LATE_SECONDS
