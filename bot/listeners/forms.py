"""What an app posts in no one's name, as Workflow Builder posts a form: it is answered, and never a request.

Slack says who has sent a message, and of such a one it says no one. Whoever its text names may have filled it in, or
not: so the person is told, in the thread of the form, to write themselves. Two apps cannot keep each other busy: a
thread is answered once, and a channel so many times an hour.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from bot.casework import overhearing, said
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
"Answers to forms in one channel."
SAYS = (
    "A form does not tell me who you are, so I cannot act on it. If it is about you, please write to me yourself, "
    "in a message of your own: mention me in this channel, or send me a direct message, and say what is wrong."
)


def is_form(event: Json) -> bool:
    """Return whether a message is an app's, under a name and with no user; a bot that goes by no name posts no form."""
    is_no_ones = bool(event.get("bot_id")) and not event.get("user") and event.get("subtype") in (None, "bot_message")
    return is_no_ones and (
        event.get("type") == "app_mention" or bool(event.get("username") or event.get("bot_profile"))
    )


def answer(ctx: ListenerContext, body: Json, *, bot_user: str, bot_id: str, mentioned: bool) -> None:
    """Answer a form in its thread, once, where it calls the bot, or asks what it is for, in a channel that it helps in.

    Raises:
        Transient: it could not be stored; Slack is answered 500 and sends it again.
    """
    event = body["event"]
    channel, root = event["channel"], event.get("thread_ts") or event["ts"]
    if bot_id == event.get("bot_id") or _is_ours(body):
        return
    if not (mentioned or said.mentions(event, bot_user) or _asks(ctx, event)):
        return
    if ctx.agent_in(channel, private=False) is None or senders.elsewhere(body) is not None:
        return
    with ctx.database.write() as session:
        if threads.ticket_at(session, channel, root) is not None:
            return  # a conversation of its requester's
        if messages.count_lately(session, MessageKind.FORM, channel, since=now() - timedelta(hours=1)) >= MOST_AN_HOUR:
            log.warning("form.ignored", channel=channel)
            return
        key = f"{MessageKind.FORM}:{channel}:{root}"
        messages.add(
            session, key=key, kind=MessageKind.FORM, lane=key, channel=channel, thread_ts=root, body=mrkdwn.said(SAYS)
        )
    ctx.deliver(0)


def _asks(ctx: ListenerContext, event: dict[str, Any]) -> bool:
    """Return whether a form that opens a thread says what a request says; of what is unclear no one can be asked."""
    if event.get("thread_ts") is not None:
        return False
    text = said.read(event, lambda _: None, bot_user="").text
    return overhearing.of_channel(ctx, event["channel"], text) is PleaVerdict.ASKS


def _is_ours(body: Json) -> bool:
    """Return whether we have posted a message ourselves, under a name of our choice."""
    event = body["event"]
    profile = event.get("bot_profile")
    app = event.get("app_id") or (profile.get("app_id") if isinstance(profile, Mapping) else None)
    return app is not None and app == body.get("api_app_id")
