"""agents.sessions.* and assistant.threads.*: what people see while an agent works in a thread."""

from bot.sandbox.methods.registry import MethodCall, SlackError, method
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel

STATUSES = ("active", "processing", "suspended", "closed")
TITLE_CHARACTERS = 200


@method("agents.sessions.setStatus", "chat:write")
def set_status(call: MethodCall) -> Json:
    """Set the status of a thread's session; the first call creates the session."""
    channel, parent = _place(call)
    status = call.required("status")
    if status not in STATUSES:
        raise SlackError("invalid_status")
    title = call.text("title")
    if title is not None and len(title) > TITLE_CHARACTERS:
        raise SlackError("title_too_long")
    known = call.world.state.sessions.get((channel.id, parent), {})
    session = call.world.state.set_session(channel, parent, status=status, title=known.get("title") or title)
    answer: Json = {"status": status, "title": session["title"] or ""}
    if "agent_session_stopped" not in call.world.manifest.events:
        answer["warning"] = "missing_agent_session_stopped_event_subscription"
    return answer


@method("agents.sessions.rename", "chat:write")
def rename(call: MethodCall) -> Json:
    """Change the title of a thread's session."""
    channel, parent = _place(call)
    if (channel.id, parent) not in call.world.state.sessions:
        raise SlackError("session_not_found")
    call.world.state.set_session(channel, parent, title=call.required("title")[:TITLE_CHARACTERS])
    return {}


@method("assistant.threads.setStatus", "assistant:write")
def set_thread_status(call: MethodCall) -> Json:
    """Show a line such as "is looking it up" under a thread; an empty one removes it."""
    channel, parent = _place(call)
    line = str(call.args.get("status", ""))
    call.world.state.set_session(channel, parent, status="processing" if line else "active", line=line)
    return {}


@method("assistant.threads.setTitle", "assistant:write")
def set_thread_title(call: MethodCall) -> Json:
    """Set a thread's title in the person's list of conversations."""
    channel, parent = _place(call)
    call.world.state.set_session(channel, parent, title=call.required("title"))
    return {}


def _place(call: MethodCall) -> tuple[Channel, str]:
    channel = call.open_channel("channel_id")
    parent = call.world.state.parent_ts(channel, call.required("thread_ts"))
    if parent is None:
        raise SlackError("thread_not_found")
    return channel, parent
