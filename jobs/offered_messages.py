"""The button "Yes, look at this": the agent had offered to look at a message that may be a request.

The message was not stored, so it is read in Slack now, as it is by then, and heard as if it mentioned the agent.
"""

from dataclasses import replace
from typing import Any

from bot.casework import heard
from bot.slack import mrkdwn
from bot.slack.api import client as slack
from bot.slack.sentences import say, spoken_by
from bot.store.outbox import messages
from bot.store.schema import InboxEvent, MessageKind, MessageOp
from bot.store.tickets import inbox_commands
from jobs import hearing, undeliverable
from jobs.process import WorkerContext


def look(ctx: WorkerContext, event: InboxEvent) -> None:
    """Hear the message of an accepted offer, and show its writer what happens.

    Raises:
        Transient: Slack or the database cannot be reached; it is tried again.
    """
    ts = str(event.detail["ts"])
    message = _read(ctx, event.channel, ts)
    if message is None or not heard.is_said(message):
        answer = "offer.gone"
    elif message["user"] != event.user:
        answer = "offer.not_theirs"
    else:
        answer = "offer.looking"
        bot_user = str(slack.call(ctx.slack.auth_test).get("user_id"))
        if hearing.is_persons(ctx, message, bot_user):
            said_so = hearing.read(ctx, message, team=event.team, channel=event.channel, bot_user=bot_user)
            hearing.hear(ctx, replace(said_so, called=True))
    _show(ctx, event, answer)


def _read(ctx: WorkerContext, channel: str, ts: str) -> dict[str, Any] | None:
    """Return a message as Slack shows it now, or None if it is gone."""
    try:
        found = slack.call(ctx.slack.conversations_replies, channel=channel, ts=ts, limit=1)["messages"]
    except slack.Rejected:
        return None
    return next((one for one in found if one.get("ts") == ts), None)


def _show(ctx: WorkerContext, event: InboxEvent, answer: str) -> None:
    """Replace the offer by the answer; without a response URL nothing is shown, as the agent answers in the thread."""
    url = event.detail.get("response_url")
    with ctx.database.write() as session:
        if not inbox_commands.mark_answered(session, event.id) or url is None:
            return
        key = f"response:event:{event.id}"
        shown = mrkdwn.message(say(answer, spoken_by(session, event.user)))
        body = {**shown, "response_url": url, "replace_original": True}
        messages.add(
            session,
            key=key,
            kind=MessageKind.RESPONSE,
            op=MessageOp.RESPOND,
            lane=key,
            channel=event.channel,
            user=event.user,
            body=body,
        )
    undeliverable.deliver(0)
