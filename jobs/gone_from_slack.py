"""Looks whether the messages of tickets at rest are still in Slack, and erases the words of those that are not.

Slack sends an event when somebody deletes a message. When the workspace's own retention deletes it, none is promised,
and an event may be lost. So the clock asks for one ticket after the other, round and round. A ticket whose first
message is gone keeps no words.
"""

from datetime import timedelta

import structlog

from bot.slack.api import client as slack
from bot.store.personal import retention
from bot.store.schema import now
from jobs.process import WorkerContext

log = structlog.get_logger()

SINCE = timedelta(days=1)
"How long nobody must have written in a ticket before Slack is asked: until then somebody may come back to it."
GONE = frozenset({"thread_not_found", "message_not_found"})
"What Slack says of a message that it does not have any more; every other refusal leaves the words where they are."


def look(ctx: WorkerContext) -> None:
    """Ask Slack for the first message of the next ticket.

    Raises:
        Transient: Slack or the database cannot be reached; the same ticket is asked for again.
    """
    before = now() - SINCE
    with ctx.database.read() as session:
        ticket = retention.next_to_look_for(session, before)
    if ticket is None:
        return
    try:
        slack.call(ctx.slack.conversations_replies, channel=ticket.channel, ts=ticket.thread_ts, limit=1)
        gone = False
    except slack.Rejected as error:
        gone = error.code in GONE
    with ctx.database.write() as session:
        erased = retention.looked_for(session, ticket.id, before, gone=gone, at=now())
    if erased:
        log.info("retention.gone_from_slack", ticket=ticket.id)
