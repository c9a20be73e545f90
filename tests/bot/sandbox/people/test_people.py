"""People say, edit, delete; the bot hears it as Slack tells it."""

from typing import Any

from bot.sandbox.people.people import slack_text


def test_a_mention_is_heard_twice_with_one_ts(workspace: Any) -> None:
    """A mention in a channel reaches the bot as app_mention and message, two event ids, the same ts, signed."""
    ts = workspace.say("U0MAYA", "C0HELP", "<@U0DESKHAND> I can't sign in")
    heard = workspace.bot.wait(lambda one: one.event.get("ts") == ts, count=2)
    assert [one.event["type"] for one in heard] == ["app_mention", "message"]
    assert len({one.body["event_id"] for one in heard}) == 2
    assert all(one.signed for one in heard)
    assert heard[1].event["channel_type"] == "channel"
    assert heard[0].body["authorizations"][0]["user_id"] == "U0DESKHAND"


def test_a_direct_message_is_heard_once(workspace: Any) -> None:
    """In a DM there is one message event of type im, even when the bot is named."""
    channel = workspace.act("dm", "U0MAYA")["channel"]
    ts = workspace.say("U0MAYA", channel, "<@U0DESKHAND> hello")
    workspace.say("U0MAYA", channel, "last")
    assert workspace.bot.wait(lambda one: one.event.get("text") == "last")
    heard = workspace.bot.wait(lambda one: one.event.get("ts") == ts)
    assert [(one.event["type"], one.event["channel_type"]) for one in heard] == [("message", "im")]


def test_the_bot_hears_nothing_where_it_is_no_member(workspace: Any) -> None:
    """A message in a channel without the bot is not delivered."""
    workspace.say("U0MAYA", "C0RANDOM", "<@U0DESKHAND> psst")
    workspace.say("U0MAYA", "C0HELP", "loud")
    assert workspace.bot.wait(lambda one: one.event.get("text") == "loud")
    assert not [one for one in workspace.bot.heard if one.event.get("channel") == "C0RANDOM"]


def test_edit_and_delete_are_told_with_what_was_before(workspace: Any) -> None:
    """message_changed and message_deleted carry the message as it was."""
    ts = workspace.say("U0MAYA", "C0HELP", "first")
    assert workspace.act("edit", "U0MAYA", channel="C0HELP", ts=ts, text="second")["ok"]
    assert workspace.act("delete", "U0MAYA", channel="C0HELP", ts=ts)["ok"]
    (changed,) = workspace.bot.wait(lambda one: one.event.get("subtype") == "message_changed")
    (deleted,) = workspace.bot.wait(lambda one: one.event.get("subtype") == "message_deleted")
    assert changed.event["previous_message"]["text"] == "first"
    assert changed.event["message"]["text"] == "second"
    assert changed.event["message"]["edited"]["user"] == "U0MAYA"
    assert (deleted.event["deleted_ts"], deleted.event["previous_message"]["text"]) == (ts, "second")
    both = {"type", "subtype", "hidden", "channel", "channel_type", "ts", "event_ts", "previous_message"}
    assert set(changed.event) == both | {"message"}
    assert set(deleted.event) == both | {"deleted_ts"}
    assert workspace.sees("U0MAYA")["messages"]["C0HELP"] == []


def test_a_deleted_parent_changes_into_a_tombstone(workspace: Any) -> None:
    """With replies below it there is no message_deleted; the last reply of another person is one."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    reply = workspace.say("U0IVAN", "C0HELP", "me too", thread_ts=ts)
    assert workspace.act("delete", "U0MAYA", channel="C0HELP", ts=ts)["ok"]
    assert workspace.act("delete", "U0IVAN", channel="C0HELP", ts=reply)["ok"]
    (changed,) = workspace.bot.wait(lambda one: one.event.get("subtype") == "message_changed")
    (deleted,) = workspace.bot.wait(lambda one: "deleted_ts" in one.event)
    assert changed.event["message"] == {
        "type": "message",
        "subtype": "tombstone",
        "user": "USLACKBOT",
        "text": "This message was deleted.",
        "hidden": True,
        "is_locked": False,
        "ts": ts,
        "thread_ts": ts,
        "reply_count": 1,
        "reply_users": ["U0IVAN"],
        "reply_users_count": 1,
        "latest_reply": reply,
    }
    assert (changed.event["previous_message"]["text"], changed.event["previous_message"]["user"]) == ("help", "U0MAYA")
    assert deleted.event["previous_message"]["parent_user_id"] == "U0MAYA"


def test_nothing_is_changed_in_an_archived_channel(workspace: Any) -> None:
    """People neither write, answer, edit nor delete there."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    workspace.send("/sandbox/channel", {"channel": "C0HELP", "archived": True})
    at = {"channel": "C0HELP", "ts": ts}
    tries = [
        workspace.act("say", "U0MAYA", channel="C0HELP", text="x", thread_ts=ts),
        workspace.act("edit", "U0MAYA", **at, text="x"),
        workspace.act("delete", "U0MAYA", **at),
    ]
    assert [one["error"] for one in tries] == ["is_archived"] * 3


def test_events_of_a_channel_arrive_in_their_order(workspace: Any) -> None:
    """Forty quick messages in one channel are heard in the order they were written."""
    for number in range(40):
        workspace.say("U0MAYA", "C0HELP", f"number {number}")
    heard = workspace.bot.wait(lambda one: one.event.get("type") == "message", count=40)
    assert [one.event["text"] for one in heard] == [f"number {number}" for number in range(40)]


def test_wrong_requests_are_refused_by_name(workspace: Any) -> None:
    """Unknown people, wrong channels, empty and too long texts answer 400 and change nothing."""
    say = workspace.act
    assert say("say", "U0NOBODY", channel="C0HELP", text="x")["error"] == "user_not_found"
    assert say("say", "U0MAYA", channel="C0NONE", text="x")["error"] == "channel_not_found"
    assert say("say", "U0MAYA", channel="C0QUEUE", text="x")["error"] == "not_in_channel"
    assert say("say", "U0MAYA", channel="C0HELP", text="  \n")["error"] == "no_text"
    assert say("say", "U0MAYA", channel="C0HELP", text="x" * 40_001)["error"] == "msg_too_long"
    gone = say("say", "U0MAYA", channel="C0HELP", text="x", thread_ts="1.000001")
    assert (gone["http"], gone["error"]) == (400, "thread_not_found")
    assert "channel: Field required" in say("say", "U0MAYA", text="x")["error"]
    assert workspace.sees("U0OLIVIA")["messages"]["C0HELP"] == []


def test_forty_thousand_characters_are_delivered(workspace: Any) -> None:
    """The longest message Slack allows arrives whole."""
    workspace.say("U0MAYA", "C0HELP", "x" * 40_000)
    (heard,) = workspace.bot.wait(lambda one: one.event.get("type") == "message")
    assert len(heard.event["text"]) == 40_000


def test_an_edit_that_names_the_bot_is_a_mention_too(workspace: Any) -> None:
    """Once, after the edit itself; one that names it already, or in a direct message, is an edit alone."""
    ts = workspace.say("U0MAYA", "C0HELP", "I can't sign in")
    for text in ("<@U0DESKHAND> I can't sign in", "<@U0DESKHAND> I cannot sign in"):
        workspace.act("edit", "U0MAYA", channel="C0HELP", ts=ts, text=text)
    direct = workspace.act("dm", "U0MAYA")["channel"]
    written = workspace.say("U0MAYA", direct, "hi")
    workspace.act("edit", "U0MAYA", channel=direct, ts=written, text="<@U0DESKHAND> hi")
    heard = workspace.bot.wait(lambda one: one.event["type"] in ("message", "app_mention"), count=6)
    kinds = [(one.event["channel"], one.event.get("subtype") or one.event["type"]) for one in heard]
    assert [kind for where, kind in kinds if where == direct] == ["message", "message_changed"]
    assert [kind for where, kind in kinds if where == "C0HELP"] == [
        "message",
        "message_changed",
        "app_mention",
        "message_changed",
    ]
    [mention] = [one.event for one in heard if one.event["type"] == "app_mention"]
    assert (mention["ts"], mention["edited"]["user"], mention["text"]) == (
        ts,
        "U0MAYA",
        "<@U0DESKHAND> I can't sign in",
    )


def test_only_the_author_edits(workspace: Any) -> None:
    """Nobody edits or deletes what another person wrote."""
    ts = workspace.say("U0MAYA", "C0HELP", "mine")
    assert workspace.act("edit", "U0IVAN", channel="C0HELP", ts=ts, text="no")["error"] == "not_your_message"
    assert workspace.act("delete", "U0IVAN", channel="C0HELP", ts=ts)["error"] == "not_your_message"


def test_typed_markup_is_escaped_and_mentions_stay() -> None:
    """Text is stored as Slack stores it, and escaping twice changes nothing."""
    mentions = "<@U0DESKHAND> <!subteam^S0ONCALL>"
    typed = f"{mentions} <script>a & b</script> <!channel> <https://x.example|x> &lt;"
    stored = f"{mentions} &lt;script&gt;a &amp; b&lt;/script&gt; &lt;!channel&gt; <https://x.example|x> &lt;"
    assert slack_text(typed) == stored
    assert slack_text(stored) == stored


def test_people_see_their_own_channels_only(workspace: Any) -> None:
    """A requester sees neither the queue channel nor another person's DM."""
    workspace.act("dm", "U0MAYA")
    maya = {one["id"] for one in workspace.sees("U0MAYA")["channels"]}
    priya = {one["id"] for one in workspace.sees("U0PRIYA")["channels"]}
    assert maya == {"C0HELP", "C0RANDOM", "C0SHARED", "D0MAYA"}
    assert priya == {"C0HELP", "C0RANDOM", "C0SHARED", "C0QUEUE"}
    assert {one["id"] for one in workspace.sees("U0PETRA")["channels"]} == {"C0SHARED"}


def test_state_shows_the_banner_and_who_is_who(workspace: Any) -> None:
    """The page learns who answers, the people with their roles, the commands and shortcuts."""
    state = workspace.sees("U0OLIVIA")
    assert state["banner"] == "The stand-in model answers."
    assert state["me"]["role"] == "owner"
    assert {one["id"] for one in state["users"]} >= {"U0DESKHAND", "U0MAYA", "U0PRIYA"}
    assert [one["command"] for one in state["commands"]] == ["/agent-cost", "/agent-eval"]
    group = {"id": "S0ONCALL", "handle": "access-oncall", "name": "Access on call", "users": ["U0PRIYA", "U0BEN"]}
    assert state["groups"] == [group]
    assert state["has_home"]
    assert state["shortcuts"] == [{"callback_id": "hand_to_person", "name": "Hand this to a person"}]


def test_unread_counts_until_it_is_read(workspace: Any) -> None:
    """What others said counts as unread until the person reads the channel."""
    workspace.say("U0MAYA", "C0HELP", "one")
    workspace.say("U0IVAN", "C0HELP", "two")

    def unread(user: str) -> int:
        channels = {one["id"]: one for one in workspace.sees(user)["channels"]}
        return int(channels["C0HELP"]["unread"])

    assert (unread("U0LENA"), unread("U0IVAN")) == (2, 0)
    workspace.act("read", "U0LENA", channel="C0HELP")
    assert unread("U0LENA") == 0


def test_a_file_comes_with_a_message(workspace: Any) -> None:
    """A message may be a file only; the bot hears file_share, without a team, with the file's card and addresses."""
    workspace.say("U0MAYA", "C0HELP", "", files=[{"name": "Screen shot.png", "size": 1234}])
    (heard,) = workspace.bot.wait(lambda one: one.event.get("subtype") == "file_share")
    (file,) = heard.event["files"]
    assert (file["name"], file["mimetype"], file["size"]) == ("Screen shot.png", "image/png", 1234)
    assert file["permalink"] == f"{workspace.base}/files/U0MAYA/{file['id']}/screen_shot.png"
    assert file["url_private"] == f"{workspace.base}/files-pri/T0DESKHAND-{file['id']}/screen_shot.png"
    assert "team" not in heard.event


def test_the_stop_button_stops_streams_and_tells_the_bot(workspace: Any) -> None:
    """Stopping a session that is processing ends its streams and sends agent_session_stopped."""
    channel = workspace.act("dm", "U0MAYA")["channel"]
    ts = workspace.say("U0MAYA", channel, "help")
    slack = workspace.slack
    slack.agents_sessions_setStatus(channel_id=channel, thread_ts=ts, status="processing", title="Sign-in")
    stream = slack.chat_startStream(channel=channel, thread_ts=ts, markdown_text="Looking")["ts"]
    assert workspace.act("stop_session", "U0MAYA", channel=channel, thread_ts=ts)["streams"] == [stream]
    (heard,) = workspace.bot.wait(lambda one: one.event.get("type") == "agent_session_stopped")
    assert heard.event["streaming_message_ts"] == [stream]
    assert heard.event["thread_ts"] == ts
