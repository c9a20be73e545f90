"""Answers messages that an app posts without a user, as Workflow Builder posts a form; they are never a request.

Slack names no sender for such a message, and a person named in its text need not have filled it in. So the answer, in
the thread of the form, asks people to write themselves. It is given once a thread and `MOST_AN_HOUR` times an hour in
a channel, so that two apps cannot keep each other busy.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from bot.casework import content, overhearing
from bot.casework.pleas import PleaVerdict
from bot.listeners import senders
from bot.listeners.context import ListenerContext
from bot.slack import mrkdwn
from bot.store.outbox import messages
from bot.store.schema import MessageKind, now
from bot.store.tickets import threads

log = structlog.get_logger()

Json = Mapping[str, Any]

MOST_AN_HOUR = 20
"The most answers to forms in one channel within an hour."
SAYS = (
    "A form does not tell me who you are, so I cannot act on it. If it is about you, please write to me yourself, "
    "in a message of your own: mention me in this channel, or send me a direct message, and say what is wrong."
)


def is_form(event: Json) -> bool:
    """Return whether an app has posted a message without a user and under a name; without a name it is no form."""
    has_no_user = bool(event.get("bot_id")) and not event.get("user") and event.get("subtype") in (None, "bot_message")
    return has_no_user and (
        event.get("type") == "app_mention" or bool(event.get("username") or event.get("bot_profile"))
    )


def answer(ctx: ListenerContext, body: Json, *, bot_user: str, bot_id: str, mentioned: bool) -> None:
    """Answer a form once in its thread, if it mentions the bot or asks for its help in a help channel.

    Raises:
        Transient: it could not be stored; Slack is answered 500 and sends it again.
    """
    event = body["event"]
    channel, root = event["channel"], event.get("thread_ts") or event["ts"]
    if bot_id == event.get("bot_id") or _is_ours(body):
        return
    if not (mentioned or content.mentions(event, bot_user) or _asks(ctx, event)):
        return
    if ctx.agent_in(channel, private=False) is None or senders.elsewhere(body) is not None:
        return
    with ctx.database.write() as session:
        if threads.ticket_at(session, channel, root) is not None:
            return  # the thread is the conversation of a requester
        if messages.count_lately(session, MessageKind.FORM, channel, since=now() - timedelta(hours=1)) >= MOST_AN_HOUR:
            log.warning("form.ignored", channel=channel)
            return
        key = f"{MessageKind.FORM}:{channel}:{root}"
        messages.add(
            session,
            key=key,
            kind=MessageKind.FORM,
            lane=key,
            channel=channel,
            thread_ts=root,
            body=mrkdwn.message(SAYS),
        )
    ctx.deliver(0)


def _asks(ctx: ListenerContext, event: dict[str, Any]) -> bool:
    """Return whether a form that opens a thread clearly asks for help; unclear ones do not count."""
    if event.get("thread_ts") is not None:
        return False
    text = content.read(event, lambda _: None, bot_user="").text
    return overhearing.of_channel(ctx, event["channel"], text) is PleaVerdict.ASKS


def _is_ours(body: Json) -> bool:
    """Return whether our own app has posted a message, under a name of its choice."""
    event = body["event"]
    profile = event.get("bot_profile")
    app = event.get("app_id") or (profile.get("app_id") if isinstance(profile, Mapping) else None)
    return app is not None and app == body.get("api_app_id")
