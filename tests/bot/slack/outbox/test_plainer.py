"""What is said where Slack refuses how it is shown: `bot.slack.outbox.plainer`, as the outbox says it."""

import json
from typing import Any

import pytest
from hypothesis import given

from bot.slack import mrkdwn
from bot.slack.api.client import WebClient
from bot.slack.handoffs import copies, transcript
from bot.slack.handoffs.queue_card import card
from bot.slack.handoffs.transcript import TranscriptLine
from bot.slack.mrkdwn import Body
from bot.slack.outbox import outbox, plainer
from bot.slack.requesters import replies
from bot.store.db import Database
from bot.store.outbox import messages
from bot.store.schema import Message, MessageKind, now
from tests.support import block_checks
from tests.support.factories import message, rows, store
from tests.support.handoff_views import OPEN_HANDOFF, THREAD_LINK
from tests.support.local_workspace import LocalWorkspace, bot_said, whispered_to

POST, UPDATE = "chat.postMessage", "chat.update"
WORDS = "Мой аккаунт заблокирован. "


def refusing(workspace: LocalWorkspace, *refused: str, method: str = POST, error: str = "invalid_blocks") -> None:
    """Let Slack refuse every message that has one of these in it."""
    workspace.faults(*({"method": method, "kind": "fail", "error": error, "times": -1, "has": one} for one in refused))


def shown(workspace: LocalWorkspace) -> list[dict[str, Any]]:
    """Return what the bot has said in the help channel."""
    return [one for one in workspace.sees("U0MAYA")["messages"]["C0HELP"] if one.get("bot_id")]


def conversation(lines: int, more: str = "") -> list[Body]:
    """Return the transcript of a conversation."""
    return transcript.transcript(
        [TranscriptLine("<@U0MAYA>", now(), f"line {number} <!channel> {more}".rstrip()) for number in range(lines)]
    )


@pytest.mark.parametrize("refused", [("'header'",), ("'fields'",), ("'fields'", "<@U0SAM>"), ("'context'",)])
def test_a_refused_card_keeps_its_button(
    database: Database, workspace: LocalWorkspace, client: WebClient, refused: tuple[str, ...]
) -> None:
    """Whatever Slack does not take, it can be claimed; account, summary and link are there, at last without markup."""
    refusing(workspace, *refused)
    store(database, "card", body=card(OPEN_HANDOFF))
    assert outbox.deliver(database, client) == 1
    [posted] = shown(workspace)
    text = json.dumps(posted["blocks"])
    assert "handoff.claim" in text
    for needed in ("Claim", str(OPEN_HANDOFF.account), OPEN_HANDOFF.summary, THREAD_LINK, "U0SAM"):
        assert needed in text


def test_a_refused_card_is_at_last_said_in_words(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """No block at all is taken: its text has everything that the blocks had."""
    refusing(workspace, "'blocks'")
    store(database, "card", body=card(OPEN_HANDOFF))
    outbox.deliver(database, client)
    [text] = bot_said(workspace)
    for needed in (str(OPEN_HANDOFF.account), OPEN_HANDOFF.summary, THREAD_LINK, "<@U0SAM>"):
        assert needed in text


@pytest.mark.parametrize("refused", ["'container'", "'blocks'"])
def test_a_refused_transcript_keeps_its_words(
    database: Database, workspace: LocalWorkspace, client: WebClient, refused: str
) -> None:
    """Unfolded, or as bare text: every line is there, and no line of a person can pass for one of ours."""
    refusing(workspace, refused)
    [body] = conversation(30)
    store(database, "transcript", body=body)
    outbox.deliver(database, client)
    [posted] = shown(workspace)
    text = block_checks.shown({"blocks": posted["blocks"]}) if posted.get("blocks") else posted["text"]
    assert [f"> line {number} &lt;" in text for number in range(30)] == [True] * 30


@pytest.mark.parametrize("op", ["post", "update"])
def test_a_text_that_is_too_long_is_halved_until_it_fits(
    database: Database, workspace: LocalWorkspace, client: WebClient, op: str
) -> None:
    """What is left of the words begins as they did, and says that there are more."""
    if op == "update":
        store(database, "a", body={"text": "first", "blocks": [mrkdwn.section("first")]})
        outbox.deliver(database, client)
    method = POST if op == "post" else UPDATE
    workspace.faults(
        {"method": method, "kind": "fail", "error": "invalid_blocks", "times": -1, "has": "'blocks'"},
        {"method": method, "kind": "fail", "error": "msg_too_long", "times": 4},  # two of them with blocks
    )
    [body] = conversation(40, "word " * 20)
    with database.write() as session:
        if messages.add(session, key="a", kind=MessageKind.TRANSCRIPT, lane="l", channel="C0HELP", body=body) is None:
            messages.revise(session, "a", body)
    outbox.deliver(database, client)
    [text] = bot_said(workspace)
    assert "> line 0 " in text
    assert "> line 39 " not in text
    assert text.endswith(f"…{plainer.CUT}")
    assert text.count(plainer.CUT) == 1


@pytest.mark.parametrize(("op", "error"), [("post", "msg_too_long"), ("ephemeral", "msg_too_long"), ("update", None)])
def test_the_blocks_of_a_long_message_stay_whole(
    database: Database, workspace: LocalWorkspace, client: WebClient, op: str, error: str | None
) -> None:
    """2,500 Cyrillic letters: the text is shortened, and what people read is all there."""
    words = WORDS * 100
    [body] = copies.human_reply(words)
    if op == "update":
        store(database, "a", body={"text": "first", "blocks": [mrkdwn.section("first")]})
        outbox.deliver(database, client)
        with database.write() as session:
            messages.revise(session, "a", body)
    else:
        more = {} if op == "post" else {"op": "ephemeral", "user": "U0MAYA"}
        store(database, "a", body=body, **more)
        method = POST if op == "post" else "chat.postEphemeral"
        workspace.faults({"method": method, "kind": "fail", "error": error, "times": 1})
    outbox.deliver(database, client)
    notes = list(workspace.world.state.ephemeral.values())
    [seen] = notes if op == "ephemeral" else shown(workspace)
    assert words.startswith(seen["text"].removesuffix("…"))
    assert 500 < len(seen["text"]) < len(words)
    assert "".join(block["text"]["text"] for block in seen["blocks"]) == words.strip()
    assert message(database, "a").error is None


def test_blocks_too_many_for_one_person_are_said_to_them_plainly(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """What one person alone is told has plainer forms too."""
    refusing(workspace, "'section'", method="chat.postEphemeral")
    store(database, "only", op="ephemeral", user="U0MAYA", body=replies.only_you("Press again."))
    outbox.deliver(database, client)
    assert whispered_to(workspace, "U0MAYA") == ["Press again."]


def test_an_answer_keeps_its_words_without_thumbs(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """A Slack without feedback buttons, or without Markdown, shows the agent's words and what stands below them."""
    refusing(workspace, "'markdown'")
    store(database, "a", body=replies.reply("Use <https://a.example|this> & that", turn_id=1, footers=["Budget."]))
    outbox.deliver(database, client)
    [posted] = shown(workspace)
    assert block_checks.shown({"blocks": posted["blocks"]}) == "Use &lt;https://a.example|this&gt; &amp; that\nBudget."


def test_what_slack_takes_in_no_form_ends(database: Database, workspace: LocalWorkspace, client: WebClient) -> None:
    """It is refused as a whole, once, with Slack's word for it."""
    workspace.faults({"method": POST, "kind": "fail", "error": "msg_too_long", "times": -1})
    store(database, "a", body=card(OPEN_HANDOFF))
    assert outbox.deliver(database, client) == 0
    assert [(row.state, row.error, row.attempts) for row in rows(database, Message)] == [("failed", "msg_too_long", 1)]


@block_checks.tried
@given(block_checks.texts)
def test_every_form_is_one_that_slack_takes(text: str) -> None:
    """Whatever people write: no form is beyond Slack's limits, mentions anyone else, or lets a quotation out."""
    ours = ("<@U0MAYA>", "<@U0SAM>", f"<{THREAD_LINK}|Their thread>")
    bodies = [
        card(OPEN_HANDOFF),
        *transcript.transcript([TranscriptLine("<@U0MAYA>", now(), text)]),
        *copies.wrote("U0MAYA", text, ()),
        replies.reply(text, turn_id=1),
    ]
    for body in bodies:
        for form in plainer.forms(body):
            block_checks.check({**form, **({} if "file" in form else {"blocks": form.get("blocks", [])})}, ours=ours)
            assert plainer.halved({**form, "text": "x"}) is None
