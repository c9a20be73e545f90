"""The other families of methods, through the SDK's own client."""

import urllib.error
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError


def test_auth_test_names_the_bot(workspace: Any) -> None:
    """auth.test says which bot in which team holds the token."""
    answer = workspace.slack.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0DESKHAND", "B0DESKHAND", "T0DESKHAND")


def test_people_are_found_and_missed(workspace: Any) -> None:
    """users.info, list and lookupByEmail know the seeded people, guests and deactivated ones included."""
    slack = workspace.slack
    assert slack.users_lookupByEmail(email="Maya.Okafor@northwind.example")["user"]["id"] == "U0MAYA"
    assert len(slack.users_list()["members"]) == 17
    with pytest.raises(SlackApiError, match="user_not_found"):
        slack.users_info(user="U0NOBODY")
    workspace.send("/sandbox/user", {"user": "U0MAYA", "deleted": True})
    assert slack.users_info(user="U0MAYA")["user"]["deleted"]
    with pytest.raises(SlackApiError, match="users_not_found"):  # a stranger whose profile shows it is not found by it
        slack.users_lookupByEmail(email="maya.okafor@northwind.example")


def test_guests_are_in_the_channels_that_list_them(workspace: Any) -> None:
    """One channel or several; Slack's flags tell the kinds apart, and a member has neither."""
    for user, flags, rooms in (
        ("U0NOOR", (True, True), {"C0HELP"}),
        ("U0KOFI", (True, False), {"C0HELP", "C0RANDOM"}),
        ("U0MAYA", (False, False), {"C0HELP", "C0RANDOM", "C0SHARED"}),
    ):
        card = workspace.slack.users_info(user=user)["user"]
        assert (card["is_restricted"], card["is_ultra_restricted"]) == flags
        assert {one["id"] for one in workspace.sees(user)["channels"]} == rooms


def test_a_language_is_said_where_it_is_asked_for(workspace: Any) -> None:
    """English (US) unless it was set, and nothing of it without `include_locale`."""
    slack = workspace.slack
    workspace.send("/sandbox/user", {"user": "U0MAYA", "says": {"locale": "de-DE"}})
    for user, locale in (("U0MAYA", "de-DE"), ("U0NOOR", "en-US"), ("U0DESKHAND", "en-US")):
        assert slack.users_info(user=user, include_locale=True)["user"]["locale"] == locale
        assert "locale" not in slack.users_info(user=user)["user"]
    listed = {one["id"]: one.get("locale") for one in slack.users_list(include_locale=True)["members"]}
    assert (listed["U0MAYA"], listed["U0NOOR"]) == ("de-DE", "en-US")


def test_replies_come_in_pages_with_their_parent(workspace: Any) -> None:
    """A cursor walks a thread; every page begins with the parent, none is lost or doubled."""
    ts = workspace.say("U0MAYA", "C0HELP", "parent")
    written = [workspace.say("U0IVAN", "C0HELP", str(number), thread_ts=ts) for number in range(5)]
    read, cursor = [], None
    while True:
        page = workspace.slack.conversations_replies(channel="C0HELP", ts=ts, limit=2, cursor=cursor)
        assert page["messages"][0]["ts"] == ts
        read += [one["ts"] for one in page["messages"][1:]]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert read == written
    late = workspace.slack.conversations_replies(channel="C0HELP", ts=ts, oldest=written[2])["messages"]
    assert [one["ts"] for one in late] == [ts, *written[3:]]


def test_history_holds_no_replies(workspace: Any) -> None:
    """conversations.history is newest first and leaves threads out."""
    first = workspace.say("U0MAYA", "C0HELP", "first")
    workspace.say("U0MAYA", "C0HELP", "reply", thread_ts=first)
    second = workspace.say("U0MAYA", "C0HELP", "second")
    history = workspace.slack.conversations_history(channel="C0HELP")["messages"]
    assert [one["ts"] for one in history] == [second, first]
    with pytest.raises(SlackApiError, match="thread_not_found"):
        workspace.slack.conversations_replies(channel="C0HELP", ts="1.000001")


def test_history_shows_metadata_when_asked(workspace: Any) -> None:
    """A post of unknown outcome is found again, also under another name and in direct messages."""
    slack, channel = workspace.slack, workspace.act("dm", "U0MAYA")["channel"]
    metadata = {"event_type": "deskhand_post", "event_payload": {"key": "42"}}
    slack.chat_postMessage(channel="U0MAYA", text="x", username="Priya Nair", metadata=metadata)
    (found,) = slack.conversations_history(channel=channel, include_all_metadata=True)["messages"]
    assert (found["metadata"], found["username"]) == (metadata, "Priya Nair")
    assert "metadata" not in slack.conversations_history(channel=channel)["messages"][0]
    with pytest.raises(SlackApiError, match="channel_not_found"):
        slack.conversations_history(channel="U0MAYA")


def test_channels_and_members_are_listed(workspace: Any) -> None:
    """conversations.list, info and members tell what the bot may know."""
    slack = workspace.slack
    public = {one["id"]: one["is_member"] for one in slack.conversations_list()["channels"]}
    assert public == {"C0HELP": True, "C0RANDOM": False, "C0SHARED": True}
    members = slack.conversations_members(channel="C0QUEUE")["members"]
    assert members == ["U0BEN", "U0DESKHAND", "U0OLIVIA", "U0PRIYA"]
    assert slack.conversations_info(channel="C0QUEUE")["channel"]["is_private"]
    assert slack.conversations_open(users="U0MAYA")["channel"]["id"] == "D0MAYA"


def test_reactions_are_put_and_taken(workspace: Any) -> None:
    """An emoji is put once, shown to people, and taken once."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    slack = workspace.slack
    slack.reactions_add(channel="C0HELP", name="eyes", timestamp=ts)
    with pytest.raises(SlackApiError, match="already_reacted"):
        slack.reactions_add(channel="C0HELP", name="eyes", timestamp=ts)
    shown = workspace.sees("U0MAYA")["messages"]["C0HELP"][0]["reactions"]
    assert shown == [{"name": "eyes", "users": ["U0DESKHAND"], "count": 1}]
    slack.reactions_remove(channel="C0HELP", name="eyes", timestamp=ts)
    with pytest.raises(SlackApiError, match="no_reaction"):
        slack.reactions_remove(channel="C0HELP", name="eyes", timestamp=ts)


def test_a_file_is_uploaded_in_three_steps(workspace: Any) -> None:
    """The SDK's files_upload_v2 puts real bytes into a thread, and they can be fetched again."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    answer = workspace.slack.files_upload_v2(
        channel="C0HELP", thread_ts=ts, content="all of it", filename="transcript.txt", initial_comment="Here"
    )
    reply = workspace.sees("U0MAYA")["messages"]["C0HELP"][1]
    assert (reply["thread_ts"], reply["text"]) == (ts, "Here")
    assert reply["files"][0]["id"] == answer["file"]["id"]
    path = reply["files"][0]["url_private"].removeprefix(workspace.base)
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:  # as in Slack: for who has the token
        workspace.open(path)
    refused.value.close()
    with workspace.open(path, Authorization="Bearer xoxb-local") as response:
        assert response.read() == b"all of it"
        assert response.headers["Content-Disposition"] == "attachment"


def test_a_file_without_its_bytes_is_not_found(workspace: Any) -> None:
    """An upload cannot be completed before its bytes have arrived."""
    announced = workspace.slack.files_getUploadURLExternal(filename="a.txt", length=3)
    with pytest.raises(SlackApiError, match="file_not_found"):
        workspace.slack.files_completeUploadExternal(files=[{"id": announced["file_id"], "title": "a"}])


def test_a_session_has_a_status_and_a_title(workspace: Any) -> None:
    """agents.sessions.setStatus makes the session; its title stays; a wrong status is refused."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    set_status = workspace.slack.agents_sessions_setStatus
    set_status(channel_id="C0HELP", thread_ts=ts, status="processing", title="Sign-in trouble")
    set_status(channel_id="C0HELP", thread_ts=ts, status="closed", title="Another")
    (session,) = workspace.sees("U0MAYA")["sessions"]
    assert (session["status"], session["title"]) == ("closed", "Sign-in trouble")
    with pytest.raises(SlackApiError, match="invalid_status"):
        set_status(channel_id="C0HELP", thread_ts=ts, status="busy")


def test_without_a_home_tab_there_is_nothing_to_publish(workspace: Any, serve_workspace: Any, tmp_path: Path) -> None:
    """An app whose manifest switches the Home tab off is refused, and nobody can open it."""
    manifest = tmp_path / "manifest.yaml"
    text = workspace.world.config.manifest.read_text().replace("home_tab_enabled: true", "home_tab_enabled: false")
    manifest.write_text(text)
    without = serve_workspace(manifest=manifest)
    with pytest.raises(SlackApiError, match="not_enabled"):
        without.slack.views_publish(user_id="U0MAYA", view={"type": "home", "blocks": []})
    assert without.act("home", "U0MAYA")["error"] == "home_tab_disabled"
    assert not without.sees("U0MAYA")["has_home"]
