"""The one call that says a message: `bot.slack.outbox.posting`, as the outbox makes it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.network import DIRECT
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.slack.outbox import outbox, posting
from bot.store.db import Database
from bot.store.outbox import messages
from bot.store.schema import Message
from tests.support.delivery_steps import due
from tests.support.factories import message, put, store
from tests.support.local_workspace import LocalWorkspace, bot_said, response_url, whispered_to


def test_what_slack_refuses_for_its_blocks_is_said_plainly(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """New or updated, the text alone stands: plain words beat silence."""
    nonsense = [{"type": "nonsense"}]
    store(database, "a", body={"text": "first", "blocks": nonsense})
    outbox.deliver(database, client)
    assert (bot_said(workspace), message(database, "a").state) == (["first"], "posted")
    with database.write() as session:
        messages.revise(session, "a", {"text": "second", "blocks": nonsense})
    outbox.deliver(database, client)
    assert (bot_said(workspace), message(database, "a").shown_revision) == (["second"], 2)


def test_what_slack_refuses_is_said_in_plainer_blocks_first(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Charts that a Slack does not know become the table that came with them, not bare words."""
    table = [{"type": "section", "text": {"type": "mrkdwn", "text": "a table"}}]
    store(database, "a", body={"text": "words", "blocks": [{"type": "nonsense"}], "plainer": {"blocks": table}})
    outbox.deliver(database, client)
    [posted] = workspace.sees("U0MAYA")["messages"]["C0HELP"]
    assert (posted["text"], [block["type"] for block in posted["blocks"]]) == ("words", ["section"])
    store(database, "b", body={"text": "bare", "blocks": [{"type": "nonsense"}], "plainer": {"blocks": table * 60}})
    outbox.deliver(database, client)
    assert bot_said(workspace) == ["words", "bare"]


@pytest.mark.parametrize("fault", [None, "http_500"])
def test_one_person_alone_sees_an_ephemeral(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str, fault: str | None
) -> None:
    """In the thread, and also when Slack was down at first: it cannot be looked up, so it is said again."""
    store(database, "only", op="ephemeral", user="U0MAYA", thread_ts=thread)
    if fault is not None:
        workspace.faults({"method": "chat.postEphemeral", "kind": fault})
        assert outbox.deliver(database, client) == 0
        due(database, "only")
    assert outbox.deliver(database, client) == 1
    assert (whispered_to(workspace, "U0MAYA"), whispered_to(workspace, "U0PRIYA"), bot_said(workspace)) == (
        ["only"],
        [],
        [],
    )


def test_a_responder_speaks_under_their_own_name(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """By their name in Slack; who is unknown there by now is a colleague, and never the bot."""
    for user in ("U0PRIYA", "U0NOBODY"):
        store(database, user, thread_ts=thread, body={"text": user, posting.AS_USER: user})
    outbox.deliver(database, client)
    spoken = [one for one in workspace.world.state.channels["C0HELP"].messages.values() if one.get("bot_id")]
    assert [one["username"] for one in spoken] == ["Priya Nair", "A colleague"]


@pytest.fixture
def url(workspace: LocalWorkspace) -> str:
    """Return where a slash command of Maya's is answered."""
    return response_url(workspace, "U0MAYA", "C0HELP")


def respond(database: Database, url: str, **body: Any) -> None:
    """Store an answer to a slash command."""
    store(database, "answer", op="respond", body={"text": "answer", "response_url": url, **body})


def test_a_command_is_answered_at_its_address(
    database: Database, workspace: LocalWorkspace, client: WebClient, url: str
) -> None:
    """Who asked sees it, nobody else."""
    respond(database, url, response_type="ephemeral")
    assert outbox.deliver(database, client) == 1
    assert (whispered_to(workspace, "U0MAYA"), bot_said(workspace)) == (["answer"], [])


def test_a_command_is_answered_plainly_where_charts_are_refused(
    database: Database, workspace: LocalWorkspace, client: WebClient, url: str
) -> None:
    """Blocks that this Slack does not know are left out."""
    respond(database, url, blocks=[{"type": "nonsense"}], plainer={"text": "plain", "blocks": []})
    outbox.deliver(database, client)
    assert whispered_to(workspace, "U0MAYA") == ["plain"]


def test_an_address_that_is_used_up_is_given_up(
    database: Database, workspace: LocalWorkspace, client: WebClient, url: str
) -> None:
    """Slack takes five tries, and the sixth is not made."""
    respond(database, url)
    put(database, Message, message(database, "answer").id, attempts=posting.RESPONSE_URL_TRIES)
    outbox.deliver(database, client)
    assert whispered_to(workspace, "U0MAYA") == []
    assert (message(database, "answer").state, message(database, "answer").error) == ("failed", "response_url_used_up")


def test_an_address_that_has_ended_is_given_up(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Slack says so, and nothing is tried again."""
    respond(database, f"{workspace.base}/commands/T0DESKHAND/1/unknown")
    outbox.deliver(database, client)
    assert message(database, "answer").state == "failed"
    assert "expired_url" in str(message(database, "answer").error)


@contextmanager
def hanging_up() -> Iterator[tuple[str, list[int]]]:
    """Give an address whose server reads a request and closes, and the list of its requests."""
    heard: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                connection, _ = server.accept()
                with connection:
                    if not connection.recv(65536):
                        return
                    heard.append(1)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}/", heard
        finally:
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


def test_an_answer_whose_receipt_was_lost_is_tried_once_at_a_time(database: Database) -> None:
    """The connection broke after it was sent: it is in doubt, and no library tries again behind our back."""
    with hanging_up() as (url, heard):
        respond(database, f"{url}commands/1")
        assert outbox.deliver(database, slack.connect(token="xoxb-local", base_url=f"{url}api/", network=DIRECT)) == 0
        assert (len(heard), message(database, "answer").state) == (1, "sending")


@pytest.mark.parametrize("text", ["\N{CJK UNIFIED IDEOGRAPH-5BC6}" * 5_000, "& " * 5_000, "a" * 12_000, "a" * 4_000])
def test_an_update_has_no_longer_text_than_slack_takes(
    database: Database, workspace: LocalWorkspace, client: WebClient, text: str
) -> None:
    """Whatever script it is in: it is cut, and its blocks, which are read, are whole."""
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text[:2_900]}}]
    store(database, "a", body={"text": "first", "blocks": blocks})
    outbox.deliver(database, client)
    with database.write() as session:
        messages.revise(session, "a", {"text": text, "blocks": blocks})
    outbox.deliver(database, client)
    [shown] = bot_said(workspace)
    kept = shown.removesuffix("\N{HORIZONTAL ELLIPSIS}")
    assert message(database, "a").shown_revision == 2
    assert text.startswith(kept)
    assert len(kept) >= 600
