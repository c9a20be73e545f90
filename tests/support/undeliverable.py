"""What cannot be said where it should be: a handoff that is to be told, an answer, and channels that close."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from bot.slack.handoffs import handoff_messages, linked_threads, relay
from bot.slack.requesters import replies
from bot.store.schema import Handoff, InboxEvent, Message, Ticket, now
from jobs import undeliverable
from jobs.process import WorkerContext
from tests.support import factories
from tests.support.factories import FIRST, accept, heard, new_turn, put, rows, store, ticket
from tests.support.local_workspace import LocalWorkspace

ANSWER_KEY = replies.answer_key(1)
ELSEWHERE_NOTE = "About your request in <#C0HELP>"


@pytest.fixture
def told(ctx: WorkerContext, workspace: LocalWorkspace) -> Handoff:
    """Return a handoff whose card, transcript and notice wait to be said."""
    new_turn(ctx.database, replace(FIRST, ts=workspace.say("U0MAYA", "C0HELP", "I cannot sign in")))
    handoff = factories.hand_off(ctx.database, ticket(ctx.database).id)
    with ctx.database.write() as session:
        handoff_messages.opened(session, handoff, ticket(ctx.database), expected_minutes=15)
    return handoff


def reply_and_tell(ctx: WorkerContext, handoff: Handoff, text: str, key: str = "view:V1") -> None:
    """Let Priya write to the requester."""
    with ctx.database.write() as session:
        found = session.get_one(Handoff, handoff.id), session.get_one(Ticket, handoff.ticket_id)
        relay.replied(session, *found, key=key, text=text, user="U0PRIYA")


def write_and_tell(ctx: WorkerContext, handoff: Handoff, number: int = 2) -> None:
    """Let the requester write something, which is copied below the card."""
    accept(ctx.database, heard(number, thread_ts=ticket(ctx.database).thread_ts))
    with ctx.database.write() as session:
        found = session.get_one(Handoff, handoff.id), session.get_one(Ticket, handoff.ticket_id)
        relay.wrote(session, *found, rows(ctx.database, InboxEvent)[-1:])


def close_channel(workspace: LocalWorkspace, channel: str, **how: bool) -> None:
    """Archive a channel, or close it to the bot."""
    assert workspace.send("/sandbox/channel", {"channel": channel, **(how or {"archived": True})})["ok"]


def assert_settled(ctx: WorkerContext) -> None:
    """Assert that whatever happened has come to an end: nothing is owed, and nothing more is tried."""
    undeliverable.deliver(0)
    tries = [(row.key, row.attempts) for row in rows(ctx.database, Message)]
    with ctx.database.write() as session:
        session.execute(update(Message).values(due_at=now()))
    undeliverable.deliver(0)
    assert [(row.key, row.attempts) for row in rows(ctx.database, Message)] == tries


def store_answer(ctx: WorkerContext, workspace: LocalWorkspace, *, private: bool = False) -> None:
    """Let the agent have answered, and closed, a request whose answer waits to be said."""
    channel = "D0MAYA" if private else "C0HELP"
    if private:
        workspace.act("dm", "U0MAYA")
    ts = workspace.say("U0MAYA", channel, "I cannot sign in")
    turn_id = new_turn(ctx.database, replace(FIRST, channel=channel, ts=ts, private=private))
    found = ticket(ctx.database)
    body = replies.reply("You can sign in again.", turn_id=turn_id)
    more: dict[str, Any] = {"kind": "reply", "bot_voice": True, "ticket_id": found.id, "turn_id": turn_id}
    lane = linked_threads.thread_lane(found)
    store(ctx.database, ANSWER_KEY, lane=lane, channel=channel, thread_ts=ts, body=body, **more)
    put(ctx.database, Ticket, found.id, state="resolved", resolved_at=now())
