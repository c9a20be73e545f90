"""What a message that came late says by now, and what its requester said below it before anybody knew of it.

Slack delivers a message again, minutes later, when the web process was away. By then it may have been edited or
deleted, of which we were told before there was anything to change; and what is said below it in the meantime is people
talking among themselves. So a message that came late is looked up once: it is answered as it is now, and what its
requester said in the thread that it began is heard like any other message.
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
from bot.store.tickets import rewriting
from bot.store.tickets.turns import Fenced
from jobs import hearing
from jobs.process import WorkerContext

log = structlog.get_logger()

LATE_SECONDS = 2.0
"From Slack's time stamp of a message to ours; Slack's first try takes well under a second."
SLACKS_TRIES = 15 * 60.0
"Seconds: Slack has given up by then. What is older comes of a clock that is wrong, and is believed as it came."
MOST = 200
GONE = frozenset({"thread_not_found", "message_not_found"})


def catch_up(ctx: WorkerContext, ticket: Ticket, heard: Sequence[InboxEvent]) -> None:
    """Look up what came late; what was said below it waits for the next turn.

    Args:
        ctx: this process.
        ticket: whose thread it is.
        heard: what the turn answers.

    Raises:
        Fenced: a message has changed: another turn answers what it says now, if it still says anything.
        Transient: Slack or the database is away; the turn is worth another try.
    """
    late = [event for event in heard if event.kind is InboxKind.MESSAGE and event.ts and _late_by(event) > LATE_SECONDS]
    if not late:
        return
    bot_user = str(slack.call(ctx.slack.auth_test).get("user_id"))
    for event in late:
        shown = _shown(ctx, event)
        if shown is None:
            continue  # no one may look there; what stands there can be said again, and the turn goes on
        if _late_by(event) < SLACKS_TRIES:
            _follow(ctx, ticket, event, shown, bot_user)
        if event.ts == ticket.thread_ts and not ticket.private:
            _hear_below(ctx, ticket, shown, bot_user)


def _shown(ctx: WorkerContext, event: InboxEvent) -> Sequence[dict[str, Any]] | None:
    """Return a message and what stands in its thread, nothing where it is gone; None where no one may look."""
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
    """Let a message say what it says in Slack now.

    Raises:
        Fenced: it said something else.
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


def _late_by(event: InboxEvent) -> float:
    """Return how long after its time by Slack's clock a message came, in seconds."""
    return (event.received_at - datetime.fromtimestamp(float(event.ts or 0), UTC)).total_seconds()
