"""What people forward, and what apps post: a forwarded message, a form of Workflow Builder."""

from typing import Any

from bot.sandbox.people.control import BenchBody
from bot.sandbox.people.people import Act, PersonRequest, RequestError, slack_text
from bot.sandbox.slack.ids import app
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.world import World


class Forward(PersonRequest):
    """Forward a message to another conversation, or to another thread."""

    channel: str
    """The conversation that it is forwarded to."""
    from_channel: str
    ts: str
    text: str = ""
    """The text that is added to it."""
    thread_ts: str | None = None


async def forward(act: Act, body: Forward) -> Json:
    """Forward a message: its content is an attachment, and `text` is what was added."""
    channel, source = act.open_channel(body.channel), act.channel(body.from_channel)
    original = act.message(source, body.ts)
    parent = act.world.state.parent_ts(channel, body.thread_ts) if body.thread_ts else None
    if body.thread_ts and parent is None:
        raise RequestError("thread_not_found")
    fields: Json = {"text": slack_text(body.text), **act.author(), "team": act.world.state.team_of(act.user)}
    message = act.world.say(channel, {**fields, "attachments": [_share(act, source.id, original)]}, thread_ts=parent)
    act.world.state.seen[act.user, channel.id] = message["ts"]
    return {"ts": message["ts"]}


def _share(act: Act, channel: str, original: Json) -> Json:
    author = str(original.get("user") or "")
    name = original.get("username") or act.world.user_name(author)
    link = f"{act.base_url}/archives/{channel}/p{original['ts'].replace('.', '')}"
    shared: dict[str, Any] = {
        "id": 1,
        "ts": original["ts"],
        "channel_id": channel,
        "channel_team": act.world.seed.team.id,
        "is_msg_unfurl": True,
        "is_share": True,
        "author_name": name,
        "author_id": author,
        "author_subname": name,
        "from_url": link,
        "text": original.get("text", ""),
        "fallback": f"[{original['ts']}] {name}: {original.get('text', '')}",
        "mrkdwn_in": ["text"],
        "footer": "Posted in a conversation",
    }
    return shared | {key: original[key] for key in ("files",) if key in original}


class Workflow(BenchBody):
    """Let Workflow Builder post a message, such as a form that somebody has filled in."""

    channel: str
    text: str
    name: str = "IT request"
    thread_ts: str | None = None


def workflow(world: World, body: Workflow) -> Json:
    """Post a message of a bot, without a user."""
    channel = world.state.channels.get(body.channel)
    if channel is None:
        raise RequestError("channel_not_found")
    fields = {
        "subtype": "bot_message",
        "text": slack_text(body.text),
        "username": body.name,
        **app(body.name, world.seed.team.id),
    }
    return {"ts": world.say(channel, fields, thread_ts=body.thread_ts)["ts"]}
