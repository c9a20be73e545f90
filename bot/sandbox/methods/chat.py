"""chat.*: post in a channel or to one person in it, change and delete what was posted."""

import html
from typing import Any

from bot.sandbox.methods.registry import MethodCall, SlackError, checked_text, method
from bot.sandbox.slack.blocks import MARKDOWN_CHARACTERS
from bot.sandbox.slack.events import for_slack
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel

CUSTOMIZE = "chat:write.customize"
UPDATE_BYTES = 4_000
"Longest text of an update, in bytes, with `&`, `<` and `>` escaped."


@method("chat.postMessage", "chat:write", tier=None)
def post_message(call: MethodCall) -> Json:
    """Post in a channel or a thread; a post to a person's id goes to their direct messages."""
    channel = call.open_channel(or_person=True)
    fields = content(call)
    parent = thread(call, channel)
    if call.world.config.rate_limits:
        wait = call.world.limits.wait_for_message(channel.id)
        if wait:
            raise SlackError("ratelimited", retry_after=wait)
    fields |= speaker(call) | metadata(call)
    if parent is not None and call.flag("reply_broadcast"):
        fields["subtype"] = "thread_broadcast"
    message = call.world.say(channel, fields, thread_ts=parent)
    return {"channel": channel.id, "ts": message["ts"], "message": for_slack(message)}


@method("chat.postEphemeral", "chat:write", tier=4)
def post_ephemeral(call: MethodCall) -> Json:
    """Post something that only one person in the channel sees."""
    channel = call.open_channel()
    user = call.user()
    if user not in channel.members - call.world.state.deleted_users:
        raise SlackError("user_not_in_channel")
    fields = {**content(call), **speaker(call)}
    parent = thread(call, channel)
    if parent is not None:
        fields["thread_ts"] = parent
    note = call.world.state.add_ephemeral(user, channel, fields)
    return {"message_ts": note["ts"]}


@method("chat.update", "chat:write")
def update(call: MethodCall) -> Json:
    """Change one of the bot's own messages."""
    channel = call.open_channel(archived="is_inactive")
    old = _own(call, channel, "cant_update_message")
    if old.get("streaming"):
        raise SlackError("streaming_state_conflict")
    fields: Json = content(call) | metadata(call)
    if len(html.escape(call.text("text") or "", quote=False).encode()) > UPDATE_BYTES:
        raise SlackError("msg_too_long")
    if "text" not in call.args and "markdown_text" not in call.args:
        fields["text"] = old["text"]
    elif "blocks" not in call.args and "markdown_text" not in call.args:
        # Slack drops the old blocks when only a text is given, and only then marks the message as edited.
        fields |= {"blocks": [], "edited": _edited(call)}
    message = call.world.edit(channel, old["ts"], fields)
    shown = for_slack(message)
    return {"channel": channel.id, "ts": old["ts"], "text": shown["text"], "message": shown}


@method("chat.delete", "chat:write")
def delete(call: MethodCall) -> Json:
    """Delete one of the bot's own messages."""
    channel = call.channel()
    old = _own(call, channel, "cant_delete_message")
    call.world.delete(channel, old["ts"])
    return {"channel": channel.id, "ts": old["ts"]}


@method("chat.getPermalink", tier=None)
def get_permalink(call: MethodCall) -> Json:
    """Return an address that shows a message on the page."""
    channel = call.channel()
    ts = call.required("message_ts")
    message = channel.messages.get(ts)
    if message is None:
        raise SlackError("message_not_found")
    parent = message.get("thread_ts")
    link = f"{call.base_url}/archives/{channel.id}/p{ts.replace('.', '')}"
    if parent and parent != ts:
        link += f"?thread_ts={parent}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def content(call: MethodCall) -> Json:
    """Return the checked text and blocks of a call."""
    blocks = call.blocks()
    markdown = call.text("markdown_text")
    if markdown is not None:
        if blocks or call.text("text"):
            raise SlackError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_CHARACTERS:
            raise SlackError("msg_too_long")
        return {"text": markdown, "blocks": [{"type": "markdown", "text": markdown, "block_id": "markdown"}]}
    text = checked_text(call.text("text"))
    attachments = call.decoded("attachments")
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    fields: dict[str, Any] = {"text": text, "blocks": blocks or []}
    if attachments:
        fields["attachments"] = attachments
    return fields


def speaker(call: MethodCall) -> Json:
    """Return who is shown as the author: the bot, or the name it asks for and may use."""
    bot = call.world.seed.bot
    fields: Json = {"user": bot.id, "bot_id": bot.bot_id, "app_id": bot.app_id, "username": bot.name}
    custom = {key: call.text(key) for key in ("username", "icon_emoji", "icon_url") if call.text(key)}
    if not custom:
        return fields
    if CUSTOMIZE not in call.world.manifest.scopes:
        # Slack ignores a name that the app may not use; here it is refused, so that tests see it.
        provided = ",".join(sorted(call.world.manifest.scopes))
        raise SlackError("missing_scope", needed=CUSTOMIZE, provided=provided)
    icons = {key.removeprefix("icon_"): custom[key] for key in ("icon_emoji", "icon_url") if key in custom}
    name = custom.get("username", bot.name)
    return {**fields, "subtype": "bot_message", "username": name, **({"icons": icons} if icons else {})}


def metadata(call: MethodCall) -> Json:
    """Return the checked metadata of a call."""
    given = call.decoded("metadata")
    if given is None:
        return {}
    right = (
        isinstance(given, dict)
        and isinstance(given.get("event_type"), str)
        and isinstance(given.get("event_payload"), dict)
    )
    if not right:
        raise SlackError("invalid_metadata_format")
    return {"metadata": {"event_type": given["event_type"], "event_payload": given["event_payload"]}}


def thread(call: MethodCall, channel: Channel) -> str | None:
    """Return the parent of the thread that a call posts in; if the parent is gone, the post goes to the channel."""
    ts = call.text("thread_ts")
    return None if ts is None else call.world.state.parent_ts(channel, ts)


def _own(call: MethodCall, channel: Channel, otherwise: str) -> Json:
    message = channel.messages.get(call.required("ts"))
    if message is None or message.get("deleted"):
        raise SlackError("message_not_found")
    if message.get("bot_id") != call.world.seed.bot.bot_id:
        raise SlackError(otherwise)
    return message


def _edited(call: MethodCall) -> Json:
    return {"user": call.world.seed.bot.id, "ts": call.world.state.next_ts()}
