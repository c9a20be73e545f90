"""Messages that grow, through the SDK's ChatStream."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import MarkdownTextChunk, TaskUpdateChunk


def test_a_stream_grows_and_ends(workspace: Any) -> None:
    """The SDK's stream shows its text while it grows and ends with blocks, metadata and session status."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    stream = workspace.slack.chat_stream(
        channel="C0HELP",
        thread_ts=ts,
        recipient_team_id="T0DESKHAND",
        recipient_user_id="U0MAYA",
        task_display_mode="plan",
        buffer_size=1,
    )
    task = TaskUpdateChunk(id="t1", title="Looking up", status="in_progress")
    stream.append(chunks=[MarkdownTextChunk(text="Your account "), task])
    growing = workspace.sees("U0MAYA")["messages"]["C0HELP"][1]
    assert growing["streaming"]
    assert [block["type"] for block in growing["blocks"]] == ["plan", "markdown"]
    stream.append(markdown_text="is open.")
    metadata = {"event_type": "deskhand_post", "event_payload": {"id": "7"}}
    stream.stop(blocks=[{"type": "divider"}], metadata=metadata, session_status="active")
    done = workspace.sees("U0MAYA")["messages"]["C0HELP"][1]
    assert "streaming" not in done
    assert done["text"] == "Your account is open."
    assert [block["type"] for block in done["blocks"]] == ["plan", "markdown", "divider"]
    assert done["metadata"] == metadata
    assert workspace.sees("U0MAYA")["sessions"][0]["status"] == "active"


def test_a_channel_stream_needs_its_recipient(workspace: Any) -> None:
    """In a channel recipient_team_id and recipient_user_id are required."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    with pytest.raises(SlackApiError, match="missing_recipient_team_id"):
        workspace.slack.chat_startStream(channel="C0HELP", thread_ts=ts)


def test_an_expired_stream_is_no_longer_streaming(serve_workspace: Any) -> None:
    """An old stream answers message_not_in_streaming_state, and chat.update works on it then."""
    workspace = serve_workspace(stream_seconds=0.0)
    channel = workspace.act("dm", "U0MAYA")["channel"]
    ts = workspace.say("U0MAYA", channel, "help")
    stream = workspace.slack.chat_startStream(channel=channel, thread_ts=ts, markdown_text="half")["ts"]
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        workspace.slack.chat_appendStream(channel=channel, ts=stream, markdown_text="more")
    assert workspace.slack.chat_update(channel=channel, ts=stream, text="whole")["text"] == "whole"


def test_a_stopped_stream_cannot_be_stopped_again(workspace: Any) -> None:
    """After stopStream the message is an ordinary one."""
    channel = workspace.act("dm", "U0MAYA")["channel"]
    ts = workspace.say("U0MAYA", channel, "help")
    stream = workspace.slack.chat_startStream(channel=channel, thread_ts=ts)["ts"]
    workspace.slack.chat_stopStream(channel=channel, ts=stream, markdown_text="done")
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        workspace.slack.chat_stopStream(channel=channel, ts=stream)
