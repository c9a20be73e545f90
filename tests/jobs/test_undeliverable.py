"""Saying what is owed, and saying it elsewhere: `jobs.undeliverable`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bot.casework import approvals as casework
from bot.principals import SecondStep
from bot.slack.handoffs import handoff_messages
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.outbox import messages
from bot.store.schema import Handoff, Message, Ticket
from jobs import undeliverable
from jobs.process import WorkerContext
from tests.support import approval_rows, factories
from tests.support.factories import FIRST, message, new_turn, put, rows, store, ticket
from tests.support.local_workspace import POST, LocalWorkspace, bot_posts, bot_said
from tests.support.told_handoffs import claim_and_tell
from tests.support.undeliverable import assert_settled, close_channel, reply_and_tell, write_and_tell


def test_one_ticket_or_everything_is_delivered(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """With a ticket's number its messages go out, with 0 all that is owed anywhere."""
    new_turn(ctx.database)
    store(ctx.database, "mine", ticket_id=ticket(ctx.database).id)
    store(ctx.database, "other", lane="m")
    undeliverable.deliver(ticket(ctx.database).id)
    assert bot_said(workspace, "C0HELP") == ["mine"]
    undeliverable.deliver(0)
    assert bot_said(workspace, "C0HELP") == ["mine", "other"]
    store(ctx.database, "third", lane="m")
    assert undeliverable.deliver_all(ctx) == 1


@pytest.mark.parametrize("how", [{"archived": True}, {"bot_member": False}])
def test_a_card_without_its_channel_comes_to_the_owner(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff, how: dict[str, bool]
) -> None:
    """Archived or closed to the bot: the card says why it comes to them, all else stands below it there."""
    close_channel(workspace, "C0QUEUE", **how)
    undeliverable.deliver(0)
    claim_and_tell(ctx.database, told, "U0OLIVIA")
    write_and_tell(ctx, told)
    undeliverable.deliver(0)
    card, transcript, copy = bot_posts(workspace, "D0OLIVIA")
    assert transcript["thread_ts"] == copy["thread_ts"] == card["ts"]
    assert "is with a person" in card["text"]
    assert "could not post it in the queue channel" in json.dumps(card["blocks"])  # it goes on saying so
    assert "wrote" in copy["text"]
    assert bot_said(workspace, "C0QUEUE") == []
    assert_settled(ctx)


def test_a_card_that_falls_back_says_why_at_once(ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff) -> None:
    """With the channel's name and Slack's own word, in the text and in the blocks."""
    close_channel(workspace, "C0QUEUE")
    undeliverable.deliver(0)
    card = bot_posts(workspace, "D0OLIVIA")[0]
    for words in (card["text"], json.dumps(card["blocks"])):
        assert "could not post this in <#C0QUEUE> (is_archived)" in words
    assert "needs a person" in card["text"]
    assert "handoff.claim" in json.dumps(card["blocks"])


@pytest.mark.parametrize("holder", ["U0PRIYA", None])
def test_what_a_closed_queue_cannot_take_goes_to_who_has_it(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff, holder: str | None
) -> None:
    """The channel was archived after the card was posted: copies go to the holder, else to the owner, and say so."""
    undeliverable.deliver(0)
    if holder is not None:
        claim_and_tell(ctx.database, told)
        undeliverable.deliver(0)
    close_channel(workspace, "C0QUEUE")
    write_and_tell(ctx, told)
    undeliverable.deliver(0)
    [copy] = bot_said(workspace, "D0PRIYA" if holder else "D0OLIVIA")
    assert copy.startswith(":warning: I could not post this in <#C0QUEUE> (is_archived), so it comes to you.")
    assert "<@U0MAYA> wrote:" in copy
    assert bot_said(workspace, "D0OLIVIA" if holder else "D0PRIYA") == []
    assert_settled(ctx)


def test_a_card_that_can_no_longer_be_changed_goes_to_the_owner(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """Posted, then archived, then claimed: the owner gets the card as it is now, and what comes below it."""
    undeliverable.deliver(0)
    close_channel(workspace, "C0QUEUE")
    claim_and_tell(ctx.database, told)
    undeliverable.deliver(0)
    write_and_tell(ctx, told)
    undeliverable.deliver(0)
    card, copy = bot_posts(workspace, "D0OLIVIA")
    assert "is with a person" in card["text"]
    assert copy["thread_ts"] == card["ts"]
    assert bot_said(workspace, "D0PRIYA") == []
    assert_settled(ctx)


def test_an_owner_who_cannot_be_written_to_ends_it(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """The responders are tried in turn, and nothing is sent back and forth: it fails at last, and the log has it."""
    close_channel(workspace, "C0QUEUE")
    workspace.faults({"method": POST, "kind": "fail", "error": "channel_not_found", "times": -1})
    for _ in range(3):
        undeliverable.deliver(0)
    card = message(ctx.database, "card:handoff:1")
    assert (card.state, card.error, card.attempts) == ("failed", "channel_not_found", 4)
    assert {row.state for row in rows(ctx.database, Message)} == {"failed"}
    put(ctx.database, Message, card.id, error=None)
    assert undeliverable.deliver_all(ctx) == 0


@pytest.mark.parametrize("how", [{"archived": True}, {"bot_member": False}])
def test_a_closed_thread_goes_on_in_direct_messages(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff, how: dict[str, bool]
) -> None:
    """What the requester's channel cannot take comes to them directly, under the responder's name, and says why."""
    close_channel(workspace, "C0HELP", **how)
    claim_and_tell(ctx.database, told)
    reply_and_tell(ctx, told, "Come by")
    undeliverable.deliver(0)
    has_it, reply = bot_posts(workspace, "D0MAYA")
    head = "About your request in <#C0HELP>, where I can no longer write:"
    assert has_it["text"].startswith(f"{head}\n<@U0PRIYA> has your request")
    assert (reply["text"], reply["username"]) == (f"{head}\nCome by", "Priya Nair")
    assert "was not delivered" not in json.dumps(bot_posts(workspace, "C0QUEUE"))
    assert_settled(ctx)


def test_responders_are_told_what_the_requester_never_saw(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """Neither their thread nor their direct messages: whoever wrote must not believe that it was read."""
    undeliverable.deliver(0)
    claim_and_tell(ctx.database, told)
    undeliverable.deliver(0)
    reply_and_tell(ctx, told, "Come by")
    close_channel(workspace, "C0HELP")
    workspace.faults({"method": POST, "kind": "fail", "error": "user_disabled", "times": -1, "channel": "U0MAYA"})
    undeliverable.deliver(0)
    assert bot_said(workspace, "C0QUEUE")[-1].startswith(":warning: The message above was not delivered to <@U0MAYA>")
    assert message(ctx.database, "human:view:V1").state == "failed"
    assert_settled(ctx)
    assert len([one for one in bot_said(workspace, "C0QUEUE") if "was not delivered" in one]) == 1


def test_nobody_at_all_ends_it(ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff) -> None:
    """Requester, queue and owner are all out of reach: every message fails in the end, and it ends."""
    undeliverable.deliver(0)
    claim_and_tell(ctx.database, told)
    undeliverable.deliver(0)
    reply_and_tell(ctx, told, "word " * 8_000)
    workspace.faults({"method": POST, "kind": "fail", "error": "channel_not_found", "times": -1})
    undeliverable.deliver(0)
    assert_settled(ctx)
    owed = [row for row in rows(ctx.database, Message) if row.state not in ("posted", "failed")]
    assert owed == []


def test_a_direct_message_that_cannot_be_answered_is_told(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """A private ticket has no other place: one try, responders are told; a word taken back in vain is no lost word."""
    workspace.act("dm", "U0MAYA")
    ts = workspace.say("U0MAYA", "D0MAYA", "I cannot sign in")
    new_turn(ctx.database, replace(FIRST, channel="D0MAYA", private=True, ts=ts))
    handoff = factories.hand_off(ctx.database, ticket(ctx.database).id)
    with ctx.database.write() as session:
        handoff_messages.opened(session, handoff, ticket(ctx.database), expected_minutes=15)
    claim_and_tell(ctx.database, handoff)
    reply_and_tell(ctx, handoff, "Come by")
    undeliverable.deliver(0)
    fault = {"kind": "fail", "error": "channel_not_found", "times": -1, "channel": "D0MAYA"}
    workspace.faults({"method": "chat.delete", **fault}, {"method": POST, **fault})
    with ctx.database.write() as session:
        assert messages.take_back(session, "human:view:V1")
    undeliverable.deliver(0)
    assert "was not delivered" not in json.dumps(bot_posts(workspace, "C0QUEUE"))
    reply_and_tell(ctx, handoff, "Second", key="view:V2")
    undeliverable.deliver(0)
    lost = message(ctx.database, "human:view:V2")
    assert (lost.state, lost.attempts, lost.channel) == ("failed", 1, "D0MAYA")
    assert len([one for one in bot_said(workspace, "C0QUEUE") if "was not delivered" in one]) == 1
    assert_settled(ctx)


def test_a_card_in_direct_messages_is_not_sent_there_again(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff
) -> None:
    """It cannot be changed there any more: that is the end of it, and no second card appears."""
    close_channel(workspace, "C0QUEUE")
    undeliverable.deliver(0)
    workspace.faults({"method": "chat.update", "kind": "fail", "error": "message_not_found", "channel": "D0OLIVIA"})
    claim_and_tell(ctx.database, told)
    undeliverable.deliver(0)
    assert len([one for one in bot_said(workspace, "D0OLIVIA") if "Ticket 1 " in one]) == 1
    assert_settled(ctx)


def test_what_follows_the_end_goes_to_the_owner(ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff) -> None:
    """Nobody has the ticket any more when its queue is closed: a copy that changes comes to the owner."""
    claim_and_tell(ctx.database, told)
    reply_and_tell(ctx, told, "Room 4")
    with ctx.database.write() as session:
        moved = handoffs.resolve(session, told.id, "U0PRIYA", done="x", category="other", agent_could=False)
        assert isinstance(moved, Moved)
    undeliverable.deliver(0)
    close_channel(workspace, "C0QUEUE")
    reply_and_tell(ctx, told, "Room 5")
    undeliverable.deliver(0)
    assert ["Room 5" in one for one in bot_said(workspace, "D0OLIVIA")] == [True]
    assert bot_said(workspace, "D0PRIYA") == []


Change = Callable[[Session], None]
REFUSED: dict[str, tuple[str, str, Change, Sequence[str]]] = {
    "edited": (
        "chat.update",
        "message_not_found",
        lambda session: messages.revise(session, "human:view:V1", {"text": "Come at once", "blocks": []}),
        ["was not delivered"],
    ),
    "taken back": ("chat.delete", "cant_delete_message", lambda session: _unsay(session, "human:view:V1"), []),
    "notice": (
        "chat.update",
        "message_not_found",
        lambda session: messages.revise(session, "notice:handoff:1", {"text": "x", "blocks": []}),
        [],
    ),
}


def _unsay(session: Session, key: str) -> None:
    assert messages.take_back(session, key)


@pytest.mark.parametrize("case", REFUSED)
def test_a_change_that_slack_refuses_is_no_closed_channel(
    ctx: WorkerContext, workspace: LocalWorkspace, told: Handoff, case: str
) -> None:
    """An administrator deleted the message: nothing is sent elsewhere; of lost words responders are told."""
    undeliverable.deliver(0)
    claim_and_tell(ctx.database, told)
    reply_and_tell(ctx, told, "Come by")
    undeliverable.deliver(0)
    method, error, change, words = REFUSED[case]
    workspace.faults({"method": method, "kind": "fail", "error": error, "times": 1})
    with ctx.database.write() as session:
        change(session)
    undeliverable.deliver(0)
    assert_settled(ctx)
    assert bot_posts(workspace, "D0MAYA") == []
    assert [word for word in ("was not delivered",) if word in json.dumps(bot_posts(workspace, "C0QUEUE"))] == list(
        words
    )


def test_what_belongs_to_no_handoff_goes_nowhere_else(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """It fails where it should be."""
    store(ctx.database, "notice", channel="C0HELP")
    store(ctx.database, "only", kind="only_you", channel="C0HELP", lane="m")
    close_channel(workspace, "C0HELP")
    undeliverable.deliver(0)
    assert [message(ctx.database, key).error for key in ("notice", "only")] == ["is_archived", "is_archived"]
    assert bot_posts(workspace, "D0OLIVIA") == bot_posts(workspace, "D0MAYA") == []


@pytest.mark.parametrize(("requester", "comes_to"), [("U0MAYA", "D0PRIYA"), ("U0PRIYA", "D0BEN")])
def test_an_approval_without_its_channel_comes_to_an_approver(
    ctx: WorkerContext, workspace: LocalWorkspace, requester: str, comes_to: str
) -> None:
    """With its buttons, and never to the person whose request it is; it goes on being changed there."""
    approval = approval_rows.asked(ctx.database)
    put(ctx.database, Ticket, approval.ticket_id, requester=requester)
    with ctx.database.write() as session:
        casework.opened(session, approval.id, queue_channel="C0QUEUE")
    close_channel(workspace, "C0QUEUE")
    undeliverable.deliver(0)
    [row] = [one for one in rows(ctx.database, Message) if one.kind == "approval"]
    assert (row.state, row.channel) == ("posted", comes_to)
    [card] = bot_posts(workspace, comes_to)
    assert "could not post this in <#C0QUEUE> (is_archived)" in card["text"]
    assert "approval.approve" in json.dumps(card["blocks"])
    with ctx.database.write() as session:
        casework.deny(session, approval.id, by="U0BEN", reason="No.")
    undeliverable.deliver(0)
    [card] = bot_posts(workspace, comes_to)
    assert "<@U0BEN> denied it" in json.dumps(card["blocks"])


@pytest.mark.parametrize("code", ["message_not_found", "edit_window_closed"])
def test_an_approval_that_cannot_be_changed_is_posted_anew_until_it_is_decided(
    ctx: WorkerContext, workspace: LocalWorkspace, code: str
) -> None:
    """Nobody has told that its card was deleted, or nothing may be edited: its next change finds it out, once."""
    approval = approval_rows.asked(ctx.database, second_step=SecondStep.TWO_PEOPLE)
    with ctx.database.write() as session:
        casework.opened(session, approval.id, queue_channel="C0QUEUE")
    undeliverable.deliver(0)
    [old] = bot_posts(workspace, "C0QUEUE")
    if code == "message_not_found":
        assert workspace.send("/sandbox/remove", {"channel": "C0QUEUE", "ts": old["ts"]})["ok"]
    else:
        workspace.faults({"method": "chat.update", "kind": "fail", "error": code, "times": -1, "channel": "C0QUEUE"})
    with ctx.database.write() as session:
        casework.approve(session, approval.id, by="U0PRIYA", second_step="ticked")
    for _ in range(3):
        undeliverable.deliver(0)
    [card] = bot_posts(workspace, "C0QUEUE")
    assert card["ts"] != old["ts"]
    assert "<@U0PRIYA> approved it" in json.dumps(card["blocks"])
    assert "approval.approve" in json.dumps(card["blocks"])
