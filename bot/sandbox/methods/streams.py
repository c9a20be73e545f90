"""chat.startStream, appendStream, stopStream: a message that grows while people watch.

A stream that was stopped by the app, by a person's stop button or by its age answers `message_not_in_streaming_state`;
what was streamed stays, and chat.update works again.
"""

import time
from typing import Any

from bot.sandbox.methods.chat import metadata, speaker, thread
from bot.sandbox.methods.registry import MethodCall, SlackError, checked_blocks, method
from bot.sandbox.methods.sessions import STATUSES
from bot.sandbox.slack.blocks import MARKDOWN_CHARACTERS
from bot.sandbox.slack.events import for_slack, message_changed
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel

_TASK_FIELDS = ("title", "status", "details", "output", "sources")


@method("chat.startStream", "chat:write", tier=2)
def start_stream(call: MethodCall) -> Json:
    """Start a growing reply in a thread."""
    channel = call.open_channel()
    call.required("thread_ts")
    parent = thread(call, channel)
    if parent is None:
        raise SlackError("invalid_thread_ts")
    if not channel.is_im:
        for name in ("recipient_team_id", "recipient_user_id"):
            if call.text(name) is None:
                raise SlackError(f"missing_{name}")
        call.user("recipient_user_id")
    if call.text("task_display_mode") not in {None, "plan", "timeline"}:
        raise SlackError("invalid_task_display_mode")
    streaming = {
        "until": time.time() + call.world.config.stream_seconds,
        "mode": call.text("task_display_mode") or "timeline",
        "plan": None,
        "tasks": [],
        "extra": [],
    }
    fields = _grown({"text": "", "streaming": streaming}, _chunks(call))
    message = call.world.say(channel, {**speaker(call), **fields}, thread_ts=parent)
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.appendStream", "chat:write", tier=4)
def append_stream(call: MethodCall) -> Json:
    """Add to a growing message."""
    channel = call.open_channel()
    message = _streaming(call, channel)
    call.world.state.replace(channel, message["ts"], **_grown(message, _chunks(call)))
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.stopStream", "chat:write", tier=2)
def stop_stream(call: MethodCall) -> Json:
    """Finish a growing message, with the blocks below it."""
    channel = call.open_channel()
    message = _streaming(call, channel)
    status = call.text("session_status")
    if status not in {None, *STATUSES}:
        raise SlackError("invalid_session_status")
    fields = _grown(message, _chunks(call))
    fields["blocks"] = [*fields["blocks"], *(call.blocks() or [])]
    final = call.world.state.replace(channel, message["ts"], **fields | metadata(call) | {"streaming": None})
    if status is not None:
        call.world.state.set_session(channel, message["thread_ts"], status=status)
    call.world.tell(channel, message_changed(channel, final, message, call.world.state.next_ts()))
    return {"channel": channel.id, "ts": message["ts"], "message": for_slack(final)}


def _streaming(call: MethodCall, channel: Channel) -> Json:
    message = channel.messages.get(call.required("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message.get("bot_id") != call.world.seed.bot.bot_id:
        raise SlackError("message_not_owned_by_app")
    if not message.get("streaming"):
        raise SlackError("message_not_in_streaming_state")
    if message["streaming"]["until"] < time.time():
        call.world.state.replace(channel, message["ts"], streaming=None)
        raise SlackError("message_not_in_streaming_state")
    return message


def _chunks(call: MethodCall) -> list[Json]:
    chunks = call.decoded("chunks") or []
    if not isinstance(chunks, list) or not all(isinstance(one, dict) for one in chunks):
        raise SlackError("invalid_chunks")
    markdown = call.text("markdown_text")
    if markdown is not None:
        chunks = [{"type": "markdown_text", "text": markdown}, *chunks]
    return chunks


def _grown(message: Json, chunks: list[Json]) -> Json:
    text, streaming = message["text"], dict(message["streaming"])
    for chunk in chunks:
        match chunk:
            case {"type": "markdown_text", "text": str(more)}:
                if len(more) > MARKDOWN_CHARACTERS:
                    raise SlackError("msg_too_long")
                text += more
            case {"type": "plan_update", "title": str(title)}:
                streaming["plan"] = title
            case {"type": "task_update", "id": str(), "title": str(), "status": str()}:
                streaming["tasks"] = _with_task(streaming["tasks"], chunk)
            case {"type": "blocks", "blocks": list(blocks)}:
                streaming["extra"] = checked_blocks([*streaming["extra"], *blocks])
            case _:
                raise SlackError("invalid_chunks")
    return {"text": text, "streaming": streaming, "blocks": _blocks(text, streaming)}


def _with_task(tasks: list[Json], chunk: Json) -> list[Json]:
    if chunk["status"] not in {"pending", "in_progress", "complete", "error"}:
        raise SlackError("invalid_chunks")
    known = {key: chunk[key] for key in _TASK_FIELDS if chunk.get(key) is not None}
    merged = {task["task_id"]: task for task in tasks}
    old = merged.get(chunk["id"], {"type": "task_card", "task_id": chunk["id"]})
    merged[chunk["id"]] = {**old, **known}
    return list(merged.values())


def _blocks(text: str, streaming: Json) -> list[Json]:
    tasks: list[Json] = streaming["tasks"]
    blocks: list[Any] = []
    if streaming["mode"] == "plan" and (tasks or streaming["plan"]):
        title = streaming["plan"] or "Plan"
        blocks.append({"type": "plan", "block_id": "plan", "title": title, "tasks": tasks})
    else:
        blocks += [{**task, "block_id": f"task-{task['task_id']}"} for task in tasks]
    if text:
        blocks.append({"type": "markdown", "block_id": "streamed", "text": text})
    return [*blocks, *streaming["extra"]]
