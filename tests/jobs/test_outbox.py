"""Saying what is owed, and saying it elsewhere: `jobs.outbox`."""

import json

from bot.slack import handoff_messages
from bot.store import handoffs
from bot.store.handoffs import Moved
from bot.store.schema import Message
from jobs import outbox
from jobs.process import Process
from tests.bot.sandbox.conftest import Served
from tests.bot.store import scenes
from tests.bot.store.scenes import message, new_turn, put, store, ticket


def said(workspace: Served, channel: str) -> list[str]:
    """Return what the bot has said in a channel, oldest first."""
    found = workspace.world.state.channels.get(channel)
    return [] if found is None else [one["text"] for one in found.messages.values() if one.get("bot_id")]


def test_one_ticket_or_everything_is_delivered(house: Process, workspace: Served) -> None:
    """With a ticket's number its messages go out, with 0 all that is owed anywhere."""
    new_turn(house.database)
    store(house.database, "mine", ticket_id=ticket(house.database).id)
    store(house.database, "other", lane="m")
    outbox.deliver(ticket(house.database).id)
    assert said(workspace, "C0HELP") == ["mine"]
    outbox.deliver(0)
    assert said(workspace, "C0HELP") == ["mine", "other"]
    store(house.database, "third", lane="m")
    assert outbox.deliver_all(house) == 1


def test_a_card_without_its_channel_comes_to_the_owner(house: Process, workspace: Served) -> None:
    """Archived or closed to the bot: the card says why it comes to them, its transcript below it."""
    head = store(house.database, "card", kind="card", channel="C0QUEUE", body={"text": "a card", "blocks": []})
    store(house.database, "transcript", kind="transcript", channel="C0QUEUE", thread_of=head)
    workspace.send("/sandbox/channel", {"channel": "C0QUEUE", "archived": True})
    outbox.deliver(0)
    card, transcript = workspace.world.state.channels["D0OLIVIA"].messages.values()
    assert "could not post this in <#C0QUEUE> (is_archived)" in card["text"]
    assert "a card" in card["text"]
    assert "could not post this" in json.dumps(card["blocks"])
    assert transcript["thread_ts"] == card["ts"]
    assert said(workspace, "C0QUEUE") == []


def test_a_card_that_fell_back_goes_on_saying_so(house: Process, workspace: Served) -> None:
    """After a claim the card is drawn anew, and still tells the owner why it stands in their messages."""
    new_turn(house.database)
    handoff = scenes.hand_off(house.database, ticket(house.database).id)
    with house.database.write() as session:
        handoff_messages.opened(session, handoff, ticket(house.database), expected_minutes=15)
    workspace.send("/sandbox/channel", {"channel": "C0QUEUE", "archived": True})
    outbox.deliver(0)
    with house.database.write() as session:
        moved = handoffs.claim(session, handoff.id, "U0OLIVIA", lease_minutes=30)
        assert isinstance(moved, Moved)
        handoff_messages.claimed(session, moved, "U0OLIVIA")
    outbox.deliver(0)
    card = next(iter(workspace.world.state.channels["D0OLIVIA"].messages.values()))
    assert "is with a person" in card["text"]
    assert "could not post it in the queue channel" in json.dumps(card["blocks"])


def test_a_queue_that_the_bot_was_put_out_of_is_closed_too(house: Process, workspace: Served) -> None:
    """Slack names it otherwise; the owner gets the card all the same."""
    store(house.database, "card", kind="card", channel="C0QUEUE")
    workspace.send("/sandbox/channel", {"channel": "C0QUEUE", "bot_member": False})
    outbox.deliver(0)
    assert len(said(workspace, "D0OLIVIA")) == 1


def test_only_a_card_goes_to_the_owner(house: Process, workspace: Served) -> None:
    """What a requester's closed thread cannot take fails; so does a card of a queue that is no agent's."""
    store(house.database, "notice", channel="C0HELP")
    store(house.database, "card", kind="card", channel="C0HELP", lane="m")
    workspace.send("/sandbox/channel", {"channel": "C0HELP", "archived": True})
    outbox.deliver(0)
    assert [message(house.database, key).error for key in ("notice", "card")] == ["is_archived", "is_archived"]
    assert said(workspace, "D0OLIVIA") == []


def test_an_owner_who_cannot_be_written_to_ends_it(house: Process, workspace: Served) -> None:
    """It is not sent back and forth: the card fails, and the log has it."""
    store(house.database, "card", kind="card", channel="C0QUEUE")
    workspace.send("/sandbox/channel", {"channel": "C0QUEUE", "archived": True})
    workspace.faults({"method": "chat.postMessage", "kind": "fail", "error": "channel_not_found", "times": -1})
    for _ in range(3):
        outbox.deliver(0)
    found = message(house.database, "card")
    assert (found.state, found.error, found.attempts) == ("failed", "channel_not_found", 2)
    put(house.database, Message, found.id, error=None)
    assert outbox.deliver_all(house) == 0
