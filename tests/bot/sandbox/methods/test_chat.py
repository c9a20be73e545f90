"""Speaking through the SDK's own client."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack import limits


def refusal(call: Any, **arguments: Any) -> Any:
    """Return Slack's answer to a call that must be refused."""
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value.response


def test_a_reply_joins_its_thread(workspace: Any) -> None:
    """A message with thread_ts is a reply, and the parent counts it."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    answer = workspace.slack.chat_postMessage(channel="C0HELP", text="On it", thread_ts=ts)
    assert answer["message"]["thread_ts"] == ts
    parent, reply = workspace.slack.conversations_replies(channel="C0HELP", ts=ts)["messages"]
    assert (parent["reply_count"], parent["latest_reply"]) == (1, answer["ts"])
    assert reply["bot_id"] == "B0DESKHAND"


def test_wrong_places_have_slacks_names(workspace: Any) -> None:
    """Where the bot cannot speak, Slack's own error says why."""
    post = workspace.slack.chat_postMessage
    assert refusal(post, channel="C0NONE", text="x")["error"] == "channel_not_found"
    assert refusal(post, channel="C0RANDOM", text="x")["error"] == "not_in_channel"
    ts = post(channel="C0HELP", text="x")["ts"]
    workspace.send("/sandbox/channel", {"channel": "C0HELP", "archived": True})
    workspace.send("/sandbox/channel", {"channel": "C0QUEUE", "bot_member": False})
    assert refusal(post, channel="C0HELP", text="x")["error"] == "is_archived"
    assert refusal(post, channel="C0HELP", text="x", thread_ts=ts)["error"] == "is_archived"
    assert refusal(workspace.slack.chat_update, channel="C0HELP", ts=ts, text="y")["error"] == "is_inactive"
    assert refusal(post, channel="C0QUEUE", text="x")["error"] == "channel_not_found"


def test_a_persons_id_means_their_direct_messages(workspace: Any) -> None:
    """chat.postMessage opens them and says where it was put; no other method takes a person's id for a channel."""
    said = workspace.slack.chat_postMessage(channel="U0OLIVIA", text="hello")
    assert said["channel"] == "D0OLIVIA"
    assert workspace.sees("U0OLIVIA")["messages"]["D0OLIVIA"][0]["text"] == "hello"
    wrong = refusal(workspace.slack.chat_update, channel="U0OLIVIA", ts=said["ts"], text="x")
    assert wrong["error"] == "channel_not_found"
    assert workspace.slack.chat_delete(channel="D0OLIVIA", ts=said["ts"])["ok"]
    assert workspace.sees("U0OLIVIA")["messages"]["D0OLIVIA"] == []


def test_wrong_content_has_slacks_names(workspace: Any) -> None:
    """Nothing to say, too long a text, wrong metadata are refused."""
    post = workspace.slack.chat_postMessage
    raw = workspace.slack.api_call
    assert refusal(raw, api_method="chat.postMessage", json={"channel": "C0HELP", "text": " "})["error"] == "no_text"
    assert refusal(post, channel="C0HELP", text="x" * 40_001)["error"] == "msg_too_long"
    wrong = {"event_type": "x"}
    assert refusal(post, channel="C0HELP", text="x", metadata=wrong)["error"] == "invalid_metadata_format"
    sections = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}} for _ in range(5)]
    assert refusal(post, channel="C0HELP", text="x", blocks=sections)["error"] == "msg_blocks_too_long"


def test_wrong_blocks_are_pointed_at(workspace: Any) -> None:
    """invalid_blocks says what is wrong and where, as Slack does."""
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    answer = refusal(workspace.slack.chat_postMessage, channel="C0HELP", text="x", blocks=blocks)
    assert answer["error"] == "invalid_blocks"
    (message,) = answer["response_metadata"]["messages"]
    assert message == "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"


def test_update_changes_only_own_messages(workspace: Any) -> None:
    """The bot changes its own message; another's, or none, is refused."""
    slack = workspace.slack
    theirs = workspace.say("U0MAYA", "C0HELP", "mine")
    ours = slack.chat_postMessage(channel="C0HELP", text="one")["ts"]
    assert slack.chat_update(channel="C0HELP", ts=ours, text="two")["text"] == "two"
    assert refusal(slack.chat_update, channel="C0HELP", ts=theirs, text="x")["error"] == "cant_update_message"
    assert refusal(slack.chat_update, channel="C0HELP", ts="1.0", text="x")["error"] == "message_not_found"
    assert refusal(slack.chat_delete, channel="C0HELP", ts=theirs)["error"] == "cant_delete_message"


def test_an_update_with_text_alone_drops_the_blocks(workspace: Any) -> None:
    """Slack replaces blocks by the text when only a text is given."""
    blocks = [{"type": "divider"}]
    ts = workspace.slack.chat_postMessage(channel="C0HELP", text="x", blocks=blocks)["ts"]
    assert workspace.slack.chat_update(channel="C0HELP", ts=ts, text="y", blocks=blocks)["message"]["blocks"]
    message = workspace.slack.chat_update(channel="C0HELP", ts=ts, text="z")["message"]
    assert "blocks" not in message
    assert message["edited"]["user"] == "U0DESKHAND"


def test_metadata_is_found_again(workspace: Any) -> None:
    """conversations.replies shows metadata when it is asked for, and only then."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    metadata = {"event_type": "deskhand_post", "event_payload": {"message_id": "42"}}
    workspace.slack.chat_postMessage(channel="C0HELP", text="x", thread_ts=ts, metadata=metadata)
    replies = workspace.slack.conversations_replies
    assert replies(channel="C0HELP", ts=ts, include_all_metadata=True)["messages"][1]["metadata"] == metadata
    assert "metadata" not in replies(channel="C0HELP", ts=ts)["messages"][1]


def test_an_ephemeral_message_is_for_one_person(workspace: Any) -> None:
    """Only its reader sees it, in the thread it was put in; others cannot be reached outside the channel."""
    ts = workspace.say("U0MAYA", "C0HELP", "help")
    slack = workspace.slack
    slack.chat_postEphemeral(channel="C0HELP", user="U0MAYA", text="psst", thread_ts=ts)
    (note,) = workspace.sees("U0MAYA")["ephemeral"]
    assert (note["text"], note["thread_ts"], note["username"]) == ("psst", ts, "deskhand")
    assert workspace.sees("U0IVAN")["ephemeral"] == []
    wrong = refusal(slack.chat_postEphemeral, channel="C0QUEUE", user="U0MAYA", text="psst")
    assert wrong["error"] == "user_not_in_channel"


def test_a_deleted_parent_leaves_a_mark_and_its_replies(workspace: Any) -> None:
    """A parent with replies becomes a tombstone; without replies it is gone."""
    slack = workspace.slack
    ts = slack.chat_postMessage(channel="C0HELP", text="parent")["ts"]
    reply = slack.chat_postMessage(channel="C0HELP", text="reply", thread_ts=ts)["ts"]
    slack.chat_delete(channel="C0HELP", ts=ts)
    parent, kept = slack.conversations_replies(channel="C0HELP", ts=ts)["messages"]
    assert (parent["subtype"], kept["ts"]) == ("tombstone", reply)
    slack.chat_delete(channel="C0HELP", ts=reply)
    assert [one["ts"] for one in workspace.sees("U0MAYA")["messages"]["C0HELP"]] == [ts]


def test_a_reply_below_a_root_that_is_gone_lands_in_the_channel(workspace: Any) -> None:
    """Slack takes it, and its answer names no thread."""
    slack = workspace.slack
    ts = slack.chat_postMessage(channel="C0HELP", text="parent")["ts"]
    slack.chat_delete(channel="C0HELP", ts=ts)
    landed = slack.chat_postMessage(channel="C0HELP", text="reply", thread_ts=ts)
    assert "thread_ts" not in landed["message"]
    assert [one["ts"] for one in slack.conversations_history(channel="C0HELP")["messages"]] == [landed["ts"]]


def test_another_name_is_shown(workspace: Any) -> None:
    """With chat:write.customize a message carries the name and icon it asks for and no user; an update keeps them."""
    slack = workspace.slack
    posted = slack.chat_postMessage(channel="C0HELP", text="I'll take this", username="Priya Nair", icon_emoji=":wave:")
    updated = slack.chat_update(channel="C0HELP", ts=posted["ts"], text="I'll take it")
    for message in (posted["message"], updated["message"]):
        assert (message["username"], message["icons"]) == ("Priya Nair", {"emoji": ":wave:"})
        assert (message["subtype"], message["bot_id"]) == ("bot_message", "B0DESKHAND")
        assert "user" not in message
    assert slack.chat_delete(channel="C0HELP", ts=posted["ts"])["ok"]
    (deleted,) = workspace.bot.wait(lambda one: "deleted_ts" in one.event)
    assert deleted.event["previous_message"]["text"] == "I'll take it"


def test_a_permalink_leads_to_the_thread_on_the_page(workspace: Any) -> None:
    """A permalink is an address of this workspace, a reply's names its thread."""
    slack = workspace.slack
    ts = slack.chat_postMessage(channel="C0HELP", text="parent")["ts"]
    reply = slack.chat_postMessage(channel="C0HELP", text="reply", thread_ts=ts)["ts"]
    link = slack.chat_getPermalink(channel="C0HELP", message_ts=reply)["permalink"]
    expected = f"{workspace.base}/archives/C0HELP/p{reply.replace('.', '')}?thread_ts={ts}&cid=C0HELP"
    assert link == expected
    wrong = refusal(slack.chat_getPermalink, channel="C0HELP", message_ts="1.0")
    assert wrong["error"] == "message_not_found"


def test_about_one_message_a_second_in_a_channel(serve_workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a burst of ten the eleventh message in a channel gets 429 and Retry-After; others still go."""
    monkeypatch.setattr(limits, "MESSAGES_A_SECOND", 0.001)  # ten may take longer than a second
    slack = serve_workspace(rate_limits=True).slack
    for _ in range(10):
        slack.chat_postMessage(channel="C0HELP", text="x")
    answer = refusal(slack.chat_postMessage, channel="C0HELP", text="x")
    assert (answer.status_code, answer["error"]) == (429, "ratelimited")
    assert int(answer.headers["Retry-After"]) >= 1
    assert slack.chat_postMessage(channel="C0QUEUE", text="x")["ok"]
