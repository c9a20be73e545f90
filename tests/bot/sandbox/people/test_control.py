"""What an administrator changes: accounts that come and go."""

from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError


def changes(workspace: Any) -> list[dict[str, Any]]:
    """Return the members as the bot was told of them."""
    return [one.event for one in workspace.bot.heard if one.event.get("type") == "user_change"]


def test_a_deactivated_member_is_told_to_the_bot(workspace: Any) -> None:
    """user_change carries the member as users.info knows them: once when they leave, once when they are back.

    The page shows people each time as they are then.
    """
    gone, back = {"user": "U0PRIYA", "deleted": True}, {"user": "U0PRIYA", "deleted": False}
    for change in (gone, gone, back):
        assert workspace.send("/sandbox/user", change)["ok"]
        [shown] = [one for one in workspace.sees("U0MAYA")["users"] if one["id"] == "U0PRIYA"]
        assert shown["deleted"] is change["deleted"]
    workspace.bot.wait(lambda one: one.event.get("type") == "user_change", count=2)
    left, returned = changes(workspace)
    assert set(left) == {"type", "user", "cache_ts", "event_ts"}
    assert (left["user"]["id"], left["user"]["deleted"]) == ("U0PRIYA", True)
    assert left["user"]["profile"]["real_name"] == "Priya Nair"
    assert not {"tz", "is_admin"} & set(left["user"])
    assert returned["user"] == workspace.slack.users_info(user="U0PRIYA")["user"]
    assert (returned["user"]["deleted"], returned["user"]["tz"]) == (False, "Asia/Kolkata")


def test_who_is_deactivated_cannot_act(workspace: Any) -> None:
    """They neither write nor click nor are whispered to, and are no member; a forged act reaches the bot."""
    button = {"type": "button", "action_id": "claim", "value": "1", "text": {"type": "plain_text", "text": "Claim"}}
    blocks = [{"type": "actions", "block_id": "acts", "elements": [button]}]
    ts = workspace.slack.chat_postMessage(channel="C0QUEUE", text="card", blocks=blocks)["ts"]
    at = {"channel": "C0QUEUE", "ts": ts, "block_id": "acts", "action_id": "claim"}
    workspace.send("/sandbox/user", {"user": "U0PRIYA", "deleted": True})
    assert workspace.act("say", "U0PRIYA", channel="C0QUEUE", text="x")["error"] == "account_inactive"
    assert workspace.act("click", "U0PRIYA", **at)["error"] == "account_inactive"
    assert "U0PRIYA" not in workspace.slack.conversations_members(channel="C0QUEUE")["members"]
    with pytest.raises(SlackApiError, match="user_not_in_channel"):
        workspace.slack.chat_postEphemeral(channel="C0QUEUE", user="U0PRIYA", text="psst")
    assert workspace.act("click", "U0PRIYA", **at, forge=True)["ok"]
    assert workspace.bot.last("block_actions")["user"]["id"] == "U0PRIYA"


def test_a_member_who_leaves_is_not_told_without_the_right_to_read_members(
    workspace: Any, serve_workspace: Any, tmp_path: Path
) -> None:
    """An event whose scope the manifest does not ask for is never sent."""
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(workspace.world.config.manifest.read_text().replace("      - users:read\n", ""))
    blind = serve_workspace(manifest=manifest)
    blind.send("/sandbox/user", {"user": "U0PRIYA", "deleted": True})
    blind.say("U0MAYA", "C0HELP", "last")
    assert workspace.bot.wait(lambda one: one.event.get("text") == "last")
    assert changes(workspace) == []


def test_an_administrator_removes_what_the_bot_has_said(workspace: Any) -> None:
    """It hears of it as of any deletion, can change it no longer, and what is not there cannot be removed."""
    slack = workspace.slack
    first, second = (slack.chat_postMessage(channel="C0HELP", text=text)["ts"] for text in ("one", "two"))
    slack.chat_postMessage(channel="C0HELP", text="below", thread_ts=second)
    for ts in (first, second):
        assert workspace.send("/sandbox/remove", {"channel": "C0HELP", "ts": ts})["ok"]
        with pytest.raises(SlackApiError, match="message_not_found"):
            slack.chat_update(channel="C0HELP", ts=ts, text="changed")
        assert workspace.send("/sandbox/remove", {"channel": "C0HELP", "ts": ts})["error"] == "message_not_found"
    gone = workspace.bot.wait(lambda one: one.event.get("hidden"), count=2)
    told = [(one.event.get("deleted_ts"), one.event.get("message", {}).get("subtype")) for one in gone]
    assert (first, None) in told
    assert (None, "tombstone") in told
    assert {one.event["previous_message"]["bot_id"] for one in gone} == {"B0DESKHAND"}
