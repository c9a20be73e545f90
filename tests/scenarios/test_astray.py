"""What was meant for a thread that is gone, and lands in the channel: it is taken back there and said elsewhere."""

import pytest

from bot.slack.handoffs import linked_threads
from bot.store.handoffs import handoffs
from bot.store.schema import Handoff, Message
from jobs import undeliverable
from jobs.process import WorkerContext
from tests.support.delivery_steps import due
from tests.support.factories import message, rows, ticket
from tests.support.local_workspace import POST, LocalWorkspace, bot_posts, bot_said, calls_of
from tests.support.told_handoffs import claim_and_tell
from tests.support.undeliverable import (
    ANSWER_KEY,
    ELSEWHERE_NOTE,
    assert_settled,
    reply_and_tell,
    store_answer,
    write_and_tell,
)


def card_goes(workspace: LocalWorkspace) -> None:
    """Say what is owed, and let an administrator remove the card and all that stands below it."""
    undeliverable.deliver(0)
    for one in bot_posts(workspace, "C0QUEUE")[::-1]:
        assert workspace.send("/sandbox/remove", {"channel": "C0QUEUE", "ts": one["ts"]})["ok"]


def root_goes(workspace: LocalWorkspace, channel: str = "C0HELP") -> None:
    """Let the requester delete what opened the thread."""
    [ts] = [one["ts"] for one in workspace.world.state.channels[channel].messages.values() if one["user"] == "U0MAYA"]
    assert workspace.act("delete", "U0MAYA", channel=channel, ts=ts)["ok"]


@pytest.mark.parametrize("lost", [False, True], ids=["", "Slack's answer is lost"])
def test_an_answer_below_a_root_that_is_gone_comes_directly(
    ctx: WorkerContext, workspace: LocalWorkspace, *, lost: bool
) -> None:
    """Once, with where it belongs; nothing of it is left in the channel, and nobody else is bothered."""
    store_answer(ctx, workspace)
    root_goes(workspace)
    if lost:
        workspace.faults({"method": POST, "kind": "drop_answer", "times": 1})
        undeliverable.deliver(0)
        due(ctx.database, ANSWER_KEY)
    undeliverable.deliver(0)
    assert bot_said(workspace, "C0HELP") == []
    assert bot_said(workspace, "D0MAYA") == [f"{ELSEWHERE_NOTE}:\nYou can sign in again."]
    assert rows(ctx.database, Handoff) == []
    assert_settled(ctx)


@pytest.mark.parametrize("lost", [False, True], ids=["", "Slack's answer is lost"])
def test_in_a_direct_conversation_it_may_stand_at_the_top(
    ctx: WorkerContext, workspace: LocalWorkspace, *, lost: bool
) -> None:
    """There it is said directly already: once."""
    store_answer(ctx, workspace, private=True)
    root_goes(workspace, "D0MAYA")
    if lost:
        workspace.faults({"method": POST, "kind": "drop_answer", "times": 1})
        undeliverable.deliver(0)
        due(ctx.database, ANSWER_KEY)
    undeliverable.deliver(0)
    assert bot_said(workspace, "D0MAYA") == ["You can sign in again."]
    assert (message(ctx.database, ANSWER_KEY).state, calls_of(workspace)) == ("posted", 1)
    assert_settled(ctx)


def test_a_thread_whose_root_has_replies_is_still_one(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Slack keeps its place with a tombstone."""
    store_answer(ctx, workspace)
    ts = str(message(ctx.database, ANSWER_KEY).thread_ts)
    workspace.say("U0IVAN", "C0HELP", "same here", thread_ts=ts)
    assert workspace.act("delete", "U0MAYA", channel="C0HELP", ts=ts)["ok"]
    undeliverable.deliver(0)
    assert [one["thread_ts"] for one in bot_posts(workspace, "C0HELP")] == [ts]
    assert bot_said(workspace, "D0MAYA") == []


def test_what_a_responder_says_below_a_root_that_is_gone_comes_directly(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """And so does what the requester is told of the claim."""
    undeliverable.deliver(0)
    for ts in [one["ts"] for one in bot_posts(workspace, "C0HELP")]:
        assert workspace.send("/sandbox/remove", {"channel": "C0HELP", "ts": ts})["ok"]
    root_goes(workspace)
    claim_and_tell(ctx.database, told)
    reply_and_tell(ctx, told, "Hello Maya")
    undeliverable.deliver(0)
    assert bot_said(workspace, "C0HELP") == []
    assert f"{ELSEWHERE_NOTE}:\nHello Maya" in bot_said(workspace, "D0MAYA")
    assert_settled(ctx)


def test_what_stands_below_a_card_that_is_gone_stands_below_the_new_one(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """Nothing of it is left at the top of the queue channel; the transcript is below the new card, too."""
    card_goes(workspace)
    write_and_tell(ctx, told)
    undeliverable.deliver(0)
    card, transcript, copy = bot_posts(workspace, "C0QUEUE")
    assert transcript["thread_ts"] == copy["thread_ts"] == card["ts"]
    assert message(ctx.database, linked_threads.card_key(told.id)).ts == card["ts"]
    assert_settled(ctx)


def test_below_a_card_that_is_gone_and_done_with_nothing_is_said(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """The handoff has ended: the card is not said again, and what was still to be said below it is given up."""
    card_goes(workspace)
    write_and_tell(ctx, told)
    with ctx.database.write() as session:
        handoffs.cancel(session, told.id, by="U0MAYA")
    undeliverable.deliver(0)
    assert bot_posts(workspace, "C0QUEUE") == []
    assert [row.error for row in rows(ctx.database, Message) if row.state == "failed"] == ["root_gone"]
    assert ticket(ctx.database).state == "resolved"
    assert_settled(ctx)
