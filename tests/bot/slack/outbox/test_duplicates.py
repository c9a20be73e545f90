"""What stands twice in Slack is taken back: `bot.slack.outbox.duplicates`."""

from datetime import timedelta
from typing import Any

import pytest

from bot.slack.api.client import WebClient
from bot.slack.outbox import duplicates, outbox, posting
from bot.store.db import Database
from bot.store.schema import Message, now
from tests.support.delivery_steps import assign_ticket, due, store_reply, taken
from tests.support.factories import at_once, message, put, rows, store
from tests.support.local_workspace import LocalWorkspace, bot_said


def lands_late(client: WebClient, key: str, **where: Any) -> None:
    """Let Slack post at last what a sender that is long dead had asked for."""
    metadata = {"event_type": posting.EVENT_TYPE, "event_payload": {"key": key}}
    client.chat_postMessage(channel="C0HELP", text=key, metadata=metadata, **where)


def time_passes(database: Database, key: str) -> None:
    """Let the time come to look at a message again."""
    assert message(database, key).look_at is not None
    put(database, Message, message(database, key).id, look_at=now() - timedelta(seconds=1))


def test_what_slack_posts_after_it_was_looked_for_goes_again(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Not found, so said; then the first one lands all the same: the one that is known stays, however many look."""
    store(database, "a")
    taken(database, "a")
    due(database, "a")
    outbox.deliver(database, client)
    lands_late(client, "a")
    assert (bot_said(workspace), duplicates.take_back(database, client)) == (["a", "a"], 0)
    time_passes(database, "a")
    assert sum(at_once(4, lambda _: duplicates.take_back(database, client))) == 1
    outbox.deliver(database, client)
    [standing] = duplicates.find_by_key(client, channel="C0HELP", thread_ts=None, key="a")
    assert standing == message(database, "a").ts
    assert (bot_said(workspace), duplicates.take_back(database, client)) == (["a"], 0)


def test_the_agent_does_not_speak_late_beside_a_person(
    database: Database, workspace: LocalWorkspace, client: WebClient, thread: str
) -> None:
    """Withdrawn, since somebody has claimed the ticket; what Slack posts of it all the same goes again."""
    store_reply(database, thread)
    taken(database, "reply")
    due(database, "reply")
    assign_ticket(database)
    outbox.deliver(database, client)
    assert message(database, "reply").state == "withdrawn"
    lands_late(client, "reply", thread_ts=thread)
    time_passes(database, "reply")
    assert duplicates.take_back(database, client) == 1
    outbox.deliver(database, client)
    assert bot_said(workspace) == []


def test_what_was_found_is_looked_at_again_too(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """Of three senders the second may have said what the third finds, before the first one's lands."""
    store(database, "a")
    taken(database, "a")
    lands_late(client, "a")
    due(database, "a")
    outbox.deliver(database, client)
    lands_late(client, "a")
    time_passes(database, "a")
    assert duplicates.take_back(database, client) == 1


def test_what_was_never_in_doubt_is_not_looked_at(
    database: Database, workspace: LocalWorkspace, client: WebClient
) -> None:
    """A look costs a call of a method that Slack counts."""
    store(database, "a")
    outbox.deliver(database, client)
    assert [row.look_at for row in rows(database, Message)] == [None]


@pytest.mark.parametrize(("fault", "again"), [("rate_limit", True), ("fail", False)])
def test_a_look_that_fails(
    database: Database,
    workspace: LocalWorkspace,
    client: WebClient,
    fault: str,
    again: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """It is made again while Slack is away, and left where nobody may look."""
    store(database, "a")
    taken(database, "a")
    due(database, "a")
    outbox.deliver(database, client)
    time_passes(database, "a")
    more = {"error": "channel_not_found"} if fault == "fail" else {}
    workspace.faults({"method": "conversations.history", "kind": fault, **more})
    assert duplicates.take_back(database, client) == 0
    assert (message(database, "a").look_at is not None) == again
