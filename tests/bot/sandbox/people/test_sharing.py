"""What people pass on and what apps post, in the shapes in which Slack sends it."""

from typing import Any

import pytest

HELP, RANDOM, BOT = "C0HELP", "C0RANDOM", "U0DESKHAND"


def events(workspace: Any, ts: str, count: int = 1) -> list[dict[str, Any]]:
    """Return the events of a message, in the order in which they came."""
    return [one.event for one in workspace.bot.wait(lambda one: one.event.get("ts") == ts, count=count)]


def test_what_is_typed_comes_as_text_and_as_rich_text(workspace: Any) -> None:
    """Slack's composer writes it twice; only in the text is it escaped. The Web API says the same."""
    ts = workspace.say(
        "U0MAYA", HELP, f"<@{BOT}> a < b & see <https://a.example|here> <#{HELP}|help> <!subteam^S0ONCALL>"
    )
    _, said = events(workspace, ts, 2)
    [block] = said["blocks"]
    assert block["type"] == "rich_text"
    assert block["elements"][0]["elements"] == [
        {"type": "user", "user_id": BOT},
        {"type": "text", "text": " a < b & see "},
        {"type": "link", "url": "https://a.example", "text": "here"},
        {"type": "text", "text": " "},
        {"type": "channel", "channel_id": HELP},
        {"type": "text", "text": " "},
        {"type": "usergroup", "usergroup_id": "S0ONCALL"},
    ]
    [kept] = workspace.slack.conversations_replies(channel=HELP, ts=ts)["messages"]
    assert kept["blocks"] == said["blocks"]


@pytest.mark.parametrize("first", ["app_mention", "message"])
def test_a_mention_comes_without_its_files(workspace: Any, first: str) -> None:
    """They come with the message of the same ts, which is before the mention or after it."""
    if first == "message":
        fault = {"method": "mentions", "kind": "message_first", "channel": HELP}
        workspace.send("/sandbox/faults", [fault], method="PUT")
    files = [{"name": "screen.png", "size": 10}]
    ts = workspace.act("say", "U0MAYA", channel=HELP, text=f"<@{BOT}> see", files=files)["ts"]
    heard = events(workspace, ts, 2)
    assert heard[0]["type"] == first
    has = {one["type"]: [file["name"] for file in one.get("files", [])] for one in heard}
    assert has == {"app_mention": [], "message": ["screen.png"]}


def test_a_forwarded_message_is_an_attachment(workspace: Any) -> None:
    """Its words stand there alone, with who wrote them; the text is what was added, and may be empty."""
    files = [{"name": "screen.png", "size": 10}]
    original = workspace.act("say", "U0IVAN", channel=RANDOM, text="a < b", files=files)["ts"]
    home = workspace.act("dm", "U0MAYA")["channel"]
    ts = workspace.act("forward", "U0MAYA", channel=home, from_channel=RANDOM, ts=original)["ts"]
    [said] = events(workspace, ts)
    [share] = said["attachments"]
    assert (said["text"], said["user"], said.get("subtype")) == ("", "U0MAYA", None)
    assert (share["is_share"], share["author_id"], share["author_name"]) == (True, "U0IVAN", "Ivan Petrov")
    assert (share["text"], share["files"][0]["name"]) == ("a &lt; b", "screen.png")
    assert (
        workspace.act("forward", "U0LENA", channel=home, from_channel=RANDOM, ts=original)["error"] == "not_in_channel"
    )
    wrong = workspace.act("forward", "U0MAYA", channel=home, from_channel=RANDOM, ts="1.0")
    assert wrong["error"] == "message_not_found"


def test_a_pasted_table_stands_in_no_text(workspace: Any) -> None:
    """It is a block of an attachment, whose fallback says nothing."""
    rows = [["App", "Error"], ["VPN", "locked"]]
    ts = workspace.act("say", "U0MAYA", channel=HELP, text="see", table=rows)["ts"]
    [said] = events(workspace, ts)
    [pasted] = said["attachments"]
    assert (said["text"], pasted["fallback"]) == ("see", "[no preview available]")
    assert [[cell["text"] for cell in row] for row in pasted["blocks"][0]["rows"]] == rows


def test_a_clip_has_its_transcript(workspace: Any) -> None:
    """Slack writes down what is said in a clip, beside its name."""
    clip = [{"name": "audio_message.m4a", "size": 10, "transcript": "I cannot sign in"}]
    ts = workspace.act("say", "U0MAYA", channel=HELP, text="", files=clip)["ts"]
    [said] = events(workspace, ts)
    [file] = said["files"]
    assert (file["subtype"], file["transcription"]["preview"]["content"]) == ("slack_audio", "I cannot sign in")


def test_a_person_may_write_through_an_app(workspace: Any) -> None:
    """The message is theirs, and names the app as if it were a bot's."""
    ts = workspace.act("say", "U0MAYA", channel=HELP, text="hello", through="Dictation")["ts"]
    [said] = events(workspace, ts)
    assert (said["user"], said["bot_profile"]["name"]) == ("U0MAYA", "Dictation")
    assert said["bot_id"].startswith("B")
    assert "client_msg_id" not in said


def test_a_form_is_no_users(workspace: Any) -> None:
    """Workflow Builder posts as a bot under a name: its mention comes twice, with no user."""
    ts = workspace.send("/sandbox/workflow", {"channel": HELP, "text": f"<@{BOT}> from a form"})["ts"]
    mention, said = events(workspace, ts, 2)
    assert (mention["type"], mention.get("subtype")) == ("app_mention", None)
    assert (said["type"], said["subtype"], said["username"]) == ("message", "bot_message", "IT request")
    assert mention["bot_id"] == said["bot_id"]
    assert "user" not in mention
    assert "user" not in said
    assert workspace.send("/sandbox/workflow", {"channel": "C0NO", "text": "x"})["error"] == "channel_not_found"
