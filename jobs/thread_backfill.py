"""Messages that Slack delivers late: what they say now, and what their requester wrote in the thread meanwhile.

If the web process was down, Slack delivers a message again at once, or minutes later. Its edits, its deletion and
further messages of its thread may have been told before it, when there was no ticket yet. So a late message is looked
up once: it is answered as it reads now, and what its requester wrote in the thread that it began is heard like any
other message.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from bot.casework import answers
from bot.errors import Transient
from bot.queue import RUN_TURN
from bot.slack.api import client as slack
from bot.store.schema import InboxEvent, InboxKind, Ticket
from bot.store.tickets import rewriting, threads
from bot.store.tickets.turns import Fenced
from jobs import hearing
from jobs.process import WorkerContext

log = structlog.get_logger()

LATE_SECONDS = 2.0
"A message that comes this many seconds after its timestamp is late; Slack's first try takes well under a second."
SLACK_GIVES_UP_SECONDS = 15 * 60.0
"Slack does not deliver later than this. An older message comes from a wrong clock and is not compared with Slack."
MOST = 200
"The most messages of a thread that are read."
GONE = frozenset({"thread_not_found", "message_not_found"})


def catch_up(ctx: WorkerContext, ticket: Ticket, heard: Sequence[InboxEvent]) -> None:
    """Look up messages that came late; what was written below them waits for the next turn.

    Args:
        ctx: this process's connections.
        ticket: the ticket of the turn.
        heard: the messages that the turn answers.

    Raises:
        Fenced: a message has changed, so this turn has ended; another turn answers it unless it was deleted.
        Transient: Slack or the database cannot be reached; the turn is tried again.
    """
    late = [event for event in heard if event.kind is InboxKind.MESSAGE and event.ts and _is_late(event)]
    if not late:
        return
    bot_user = str(slack.call(ctx.slack.auth_test).get("user_id"))
    for event in late:
        shown = _shown(ctx, event)
        if shown is None:
            continue  # we may not read there; the turn goes on with what was delivered
        if _late_by(event) < SLACK_GIVES_UP_SECONDS:
            _follow(ctx, ticket, event, shown, bot_user)
        if event.ts == ticket.thread_ts and not ticket.private:
            _hear_below(ctx, ticket, shown, bot_user)


def _shown(ctx: WorkerContext, event: InboxEvent) -> Sequence[dict[str, Any]] | None:
    """Return a message and its thread, empty if it is gone; None: we may not read there, or it is not on the page."""
    try:
        page = slack.call(ctx.slack.conversations_replies, channel=event.channel, ts=event.ts, limit=MOST)
    except slack.Rejected as error:
        if error.code in GONE:
            return ()
        log.warning("thread.not_read", error=str(error))
        return None
    found: Sequence[dict[str, Any]] = page["messages"]
    return None if page.get("has_more") and all(one["ts"] != event.ts for one in found) else found


def _follow(
    ctx: WorkerContext, ticket: Ticket, event: InboxEvent, shown: Sequence[dict[str, Any]], bot_user: str
) -> None:
    """Apply what a message says in Slack now.

    Raises:
        Fenced: it has changed.
    """
    now = next((one for one in shown if one["ts"] == event.ts and one.get("subtype") != "tombstone"), None)
    text, quoted = None, None
    if now is not None:
        read = hearing.read(ctx, now, team=ticket.team, channel=ticket.channel, bot_user=bot_user)
        kept = answers.redacted(read.heard)
        text, quoted = kept.text, kept.quoted
    with ctx.database.write() as session:
        rewritten = rewriting.rewrite(session, event.channel, str(event.ts), text, quoted=quoted)
    if rewritten is None:
        return
    if rewritten.turn_id is not None:
        try:
            ctx.queue.put(RUN_TURN, rewritten.turn_id)
        except Transient as error:
            log.warning("job.not_queued", job=RUN_TURN, error=str(error))  # the clock finds the row
    raise Fenced(f"turn {event.turn_id}: a message that came late says something else by now")


def _hear_below(ctx: WorkerContext, ticket: Ticket, shown: Sequence[dict[str, Any]], bot_user: str) -> None:
    for message in shown:
        if message.get("user") != ticket.requester or message["ts"] == ticket.thread_ts:
            continue
        if hearing.is_persons(ctx, message, bot_user):
            hearing.hear(ctx, hearing.read(ctx, message, team=ticket.team, channel=ticket.channel, bot_user=bot_user))


def _is_late(event: InboxEvent) -> bool:
    """Return whether more may have been told of a message before it came; the first retry comes within a second."""
    return bool(event.detail.get(threads.RETRIED)) or _late_by(event) > LATE_SECONDS


def _late_by(event: InboxEvent) -> float:
    """Return how many seconds after its Slack timestamp a message came."""
    return (event.received_at - datetime.fromtimestamp(float(event.ts or 0), UTC)).total_seconds()
