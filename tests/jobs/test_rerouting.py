"""Where a message goes that can never be said where it should be: `jobs.rerouting`."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.slack.handoffs import handoff_messages, removed_cards
from bot.slack.requesters import replies
from bot.store.schema import Handoff, Message, Ticket, now
from jobs import rerouting, undeliverable
from jobs.process import WorkerContext
from tests.support import factories
from tests.support.factories import FIRST, at_once, message, new_turn, put, rows, store, ticket
from tests.support.local_workspace import POST, LocalWorkspace, bot_posts, bot_said, response_url, whispered_to
from tests.support.told_handoffs import claim_and_tell
from tests.support.undeliverable import ANSWER_KEY, ELSEWHERE_NOTE, assert_settled, close_channel, store_answer


def unreachable(*channels: str, error: str = "user_disabled") -> list[dict[str, Any]]:
    """Return the faults with which nothing can be said in some channels."""
    return [{"method": POST, "kind": "fail", "error": error, "times": -1, "channel": one} for one in channels]


@pytest.mark.parametrize("how", [{"archived": True}, {"bot_member": False}])
def test_an_answer_that_its_channel_cannot_take_comes_directly(
    ctx: WorkerContext, workspace: LocalWorkspace, how: dict[str, bool]
) -> None:
    """With where it belongs and its thumbs; no one else is bothered."""
    store_answer(ctx, workspace)
    close_channel(workspace, "C0HELP", **how)
    undeliverable.deliver(0)
    [answer] = bot_posts(workspace, "D0MAYA")
    assert answer["text"] == f"{ELSEWHERE_NOTE}, where I can no longer write:\nYou can sign in again."
    assert "good:1" in json.dumps(answer["blocks"])
    assert message(ctx.database, ANSWER_KEY).channel == "D0MAYA"  # which its thumbs are looked up by
    assert rows(ctx.database, Handoff) == []
    assert_settled(ctx)


def test_why_is_said_where_it_is_true(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Another refusal than a closed channel's is none: the channel may be open."""
    store_answer(ctx, workspace)
    workspace.faults(*unreachable("C0HELP", error="restricted_action"))
    undeliverable.deliver(0)
    assert bot_said(workspace, "D0MAYA") == [f"{ELSEWHERE_NOTE}:\nYou can sign in again."]


@pytest.mark.parametrize("private", [False, True])
def test_an_answer_that_reaches_no_one_is_a_persons(
    ctx: WorkerContext, workspace: LocalWorkspace, *, private: bool
) -> None:
    """Neither the thread nor their direct messages: the ticket is not resolved in silence, and people get it once."""
    store_answer(ctx, workspace, private=private)
    if not private:
        close_channel(workspace, "C0HELP")
    workspace.faults(*unreachable("U0MAYA", "D0MAYA"))
    for _ in range(3):
        undeliverable.deliver(0)
    [handoff] = rows(ctx.database, Handoff)
    assert (handoff.state, ticket(ctx.database).state) == ("open", "handed_off")
    assert handoff.summary == f"{rerouting.UNREAD} Slack says user_disabled."
    card, *below = bot_posts(workspace, "C0QUEUE")
    assert "handoff.claim" in json.dumps(card["blocks"])
    assert "could deliver its answer neither in the thread" in json.dumps(card["blocks"])
    assert ("You can sign in again." in json.dumps([one["blocks"] for one in below])) is not bool(
        handoff.context.withheld
    )
    assert_settled(ctx)
    assert len(rows(ctx.database, Handoff)) == 1


@pytest.mark.parametrize("error", ["msg_too_long", "invalid_blocks", "no_text"])
def test_what_slack_takes_nowhere_is_not_sent_elsewhere(
    ctx: WorkerContext, workspace: LocalWorkspace, error: str
) -> None:
    """It is no closed channel, and no one is told that it is one; people get the ticket."""
    store_answer(ctx, workspace)
    workspace.faults({"method": POST, "kind": "fail", "error": error, "times": -1, "has": "sign in again"})
    undeliverable.deliver(0)
    assert bot_posts(workspace, "D0MAYA") == []
    assert "can no longer write" not in json.dumps(bot_posts(workspace, "C0HELP"))
    assert [one.state for one in rows(ctx.database, Handoff)] == ["open"]


def test_no_one_is_talked_over_on_the_way(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """A person has taken the ticket before the answer is said directly: it is not said at all."""
    store_answer(ctx, workspace)
    close_channel(workspace, "C0HELP")
    workspace.faults({"method": POST, "kind": "rate_limit", "seconds": 1, "channel": "U0MAYA"})
    undeliverable.deliver(0)
    put(ctx.database, Ticket, ticket(ctx.database).id, assignee="U0PRIYA")
    put(ctx.database, Message, message(ctx.database, ANSWER_KEY).id, due_at=now() - timedelta(seconds=1))
    undeliverable.deliver(0)
    assert (bot_posts(workspace, "D0MAYA"), message(ctx.database, ANSWER_KEY).state) == ([], "withdrawn")


def test_people_who_have_it_are_not_given_it_again(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """The answer of a ticket that is with people by now reaches no one, and nothing is opened for it."""
    undeliverable.deliver(0)
    more = {"kind": "reply", "ticket_id": told.ticket_id, "lane": "m"}
    store(ctx.database, ANSWER_KEY, thread_ts=ticket(ctx.database).thread_ts, **more)
    close_channel(workspace, "C0HELP")
    workspace.faults(*unreachable("U0MAYA"))
    undeliverable.deliver(0)
    assert message(ctx.database, ANSWER_KEY).state == "failed"
    assert [one.id for one in rows(ctx.database, Handoff)] == [told.id]


def test_an_answer_of_an_agent_that_is_gone_ends(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """There is no one whom it could be handed to; the log has it."""
    store_answer(ctx, workspace)
    put(ctx.database, Ticket, ticket(ctx.database).id, agent="retired")
    close_channel(workspace, "C0HELP")
    workspace.faults(*unreachable("U0MAYA"))
    undeliverable.deliver(0)
    assert (message(ctx.database, ANSWER_KEY).state, rows(ctx.database, Handoff)) == ("failed", [])


@pytest.mark.parametrize("error", ["is_archived", "user_not_in_channel"])
def test_what_one_person_alone_was_to_see_reaches_them(
    ctx: WorkerContext, workspace: LocalWorkspace, error: str
) -> None:
    """That something was not sent, say: it comes to them directly, with its buttons, and to no one else."""
    store(ctx.database, "only", kind="only_you", op="ephemeral", user="U0PRIYA", body=replies.only_you("Not sent."))
    workspace.faults({"method": "chat.postEphemeral", "kind": "fail", "error": error})
    undeliverable.deliver(0)
    assert bot_said(workspace, "D0PRIYA") == [
        "I could not show you this where you wrote, so it comes to you here:\nNot sent."
    ]
    assert (whispered_to(workspace, "U0PRIYA"), bot_said(workspace, "C0HELP")) == ([], [])
    assert_settled(ctx)


def test_the_answer_to_a_command_reaches_who_asked(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """Its address is used up: it comes directly, without the address."""
    body = {**replies.only_you("$1.20 today."), "response_type": "ephemeral"}
    url = f"{response_url(workspace, 'U0OLIVIA', 'C0HELP')}x"
    answer: dict[str, Any] = {"kind": "response", "op": "respond", "user": "U0OLIVIA"}
    store(ctx.database, "response:event:1", body={**body, "response_url": url}, **answer)
    undeliverable.deliver(0)
    assert [one.endswith("\n$1.20 today.") for one in bot_said(workspace, "D0OLIVIA")] == [True]
    assert "response_url" not in message(ctx.database, "response:event:1").body
    assert_settled(ctx)


def test_a_notice_that_was_read_is_not_said_twice(ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff) -> None:
    """Its button cannot be taken from it in an archived channel, which is no reason to say all of it again."""
    undeliverable.deliver(0)
    close_channel(workspace, "C0HELP")
    claim_and_tell(ctx.database, told)
    undeliverable.deliver(0)
    assert [
        one.startswith(f"{ELSEWHERE_NOTE}, where I can no longer write:\n<@U0PRIYA> has")
        for one in bot_said(workspace, "D0MAYA")
    ] == [True]
    assert_settled(ctx)


@pytest.mark.parametrize("words", [20, 20_000], ids=["short", "with a file"])
def test_a_card_that_slack_no_longer_has_is_posted_again(
    ctx: WorkerContext, workspace: LocalWorkspace, words: int
) -> None:
    """No one heard that it was removed: its next change posts it, and the conversation moves below it, file and all."""
    ts = workspace.say("U0MAYA", "C0HELP", "I cannot sign in")
    new_turn(ctx.database, replace(FIRST, ts=ts, text="word " * words))
    handoff = factories.hand_off(ctx.database, ticket(ctx.database).id)
    with ctx.database.write() as session:
        handoff_messages.opened(session, handoff, ticket(ctx.database), expected_minutes=15)
    undeliverable.deliver(0)
    before = bot_posts(workspace, "C0QUEUE")
    assert workspace.send("/sandbox/remove", {"channel": "C0QUEUE", "ts": before[0]["ts"]})["ok"]
    claim_and_tell(ctx.database, handoff)
    for _ in range(2):
        undeliverable.deliver(0)
    after = bot_posts(workspace, "C0QUEUE")
    assert after[0]["text"].startswith("Ticket 1 is with a person")
    assert [one["thread_ts"] for one in after[1:]] == [after[0]["ts"]] * (len(before) - 1)
    assert not {one["ts"] for one in before} & {one["ts"] for one in after}
    assert len(workspace.world.state.files) == (words > 1_000)
    assert bot_said(workspace, "D0OLIVIA") == bot_said(workspace, "D0PRIYA") == []
    assert_settled(ctx)


def test_however_many_find_out_at_once_one_card_comes(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """The event comes six times while the card is being changed."""
    undeliverable.deliver(0)
    card = message(ctx.database, "card:handoff:1")
    assert workspace.send("/sandbox/remove", {"channel": "C0QUEUE", "ts": card.ts})["ok"]
    claim_and_tell(ctx.database, told)

    def hear(number: int) -> None:
        if number % 2:
            undeliverable.deliver(0)
        else:
            with ctx.database.write() as session:
                removed_cards.say_again(session, told.id, card.id, str(card.ts))

    at_once(6, hear)
    undeliverable.deliver(0)
    undeliverable.deliver(0)
    after = bot_posts(workspace, "C0QUEUE")
    assert [one["text"].startswith("Ticket 1 is with") for one in after] == [True, *[False] * (len(after) - 1)]
    assert [one["text"].startswith("Transcript") for one in after].count(True) == 1
    assert_settled(ctx)


def test_a_card_whose_owner_cannot_be_written_to_reaches_a_responder(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """The queue is archived and its owner has left: somebody gets it, headed once, and all that belongs to it."""
    close_channel(workspace, "C0QUEUE")
    workspace.faults(*unreachable("U0OLIVIA"))
    undeliverable.deliver(0)
    card, *below = bot_posts(workspace, "D0PRIYA")
    assert card["text"].startswith(":warning: I could not post this in <#C0QUEUE> (is_archived), so it comes to you.")
    assert card["text"].count(":warning:") == 1
    assert {one["thread_ts"] for one in below} == {card["ts"]}
    assert bot_posts(workspace, "D0BEN") == []
    assert_settled(ctx)


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
def test_a_card_that_may_not_be_changed_is_replaced(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff, code: str
) -> None:
    """A workspace lets nothing be edited after a while: the old card, no longer true, makes room for a new one."""
    undeliverable.deliver(0)
    [card, *_] = bot_posts(workspace, "C0QUEUE")
    workspace.faults({"method": "chat.update", "kind": "fail", "error": code, "times": -1, "channel": "C0QUEUE"})
    claim_and_tell(ctx.database, told)
    for _ in range(2):
        undeliverable.deliver(0)
    after = [one for one in bot_posts(workspace, "C0QUEUE") if one["text"].startswith("Ticket 1")]
    assert [one["text"] for one in after] == ["Ticket 1 is with a person. I cannot sign in"]
    assert after[0]["ts"] != card["ts"]
    assert bot_posts(workspace, "D0OLIVIA") == []
    assert_settled(ctx)


def test_a_card_that_is_refused_for_what_it_is_goes_to_no_one_else(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """Its channel is open, so no one is told that it could not be posted there; the log has it."""
    workspace.faults(*unreachable("C0QUEUE", error="msg_too_long"))
    undeliverable.deliver(0)
    assert message(ctx.database, "card:handoff:1").state == "failed"
    assert bot_said(workspace, "D0OLIVIA") == bot_said(workspace, "D0PRIYA") == []
