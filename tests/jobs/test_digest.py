"""Digests from the clock: `jobs.digest`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.slack.outbox import outbox
from bot.slack.requesters import replies
from bot.store import members
from bot.store.schema import Message, Turn
from bot.store.tickets import feedback
from jobs import clock, digest
from jobs.process import WorkerContext
from tests.support.factories import Clock, rows, store
from tests.support.ledger_factory import NOON, LedgerFactory
from tests.support.local_workspace import LocalWorkspace
from tests.support.product_harness import put_agent

MONDAY = NOON + timedelta(hours=21)
"Nine o'clock on Monday, the 23rd."


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let it be Monday at nine, until the test moves time."""
    return Clock(MONDAY).rule(monkeypatch)


@pytest.fixture
def books(ctx: WorkerContext, today: Clock) -> LedgerFactory:
    """Return a ledger of two requests in the 47th week."""
    books = LedgerFactory(ctx.database)
    books.ask(2)
    books.ask(0, "U0OTTO")
    books.write()
    return books


def sent(ctx: WorkerContext) -> list[str]:
    """Return what was sent to whom."""
    return [one.key for one in rows(ctx.database, Message)]


@pytest.mark.usefixtures("books")
def test_the_digest_is_sent_when_it_is_due_and_once(
    ctx: WorkerContext, today: Clock, workspace: LocalWorkspace
) -> None:
    """Not a minute before nine, then to each owner's direct messages, and never again; Slack takes its chart."""
    today.at = MONDAY - timedelta(minutes=1)
    digest.send_due(ctx)
    assert sent(ctx) == []
    today.at = MONDAY
    for _ in range(3):
        digest.send_due(ctx)
    assert sent(ctx) == ["digest:2026-W47:U0OLIVIA"]
    assert outbox.deliver(ctx.database, ctx.slack) == 1
    [message] = rows(ctx.database, Message)
    shown = workspace.world.state.channels[message.channel].messages[str(message.ts)]
    kinds = ["section", "section", "data_visualization", "data_table"]
    assert [block["type"] for block in shown["blocks"][:4]] == kinds
    assert "week from 16 to 22 November 2026" in shown["text"]
    today.passes(days=3)
    digest.send_due(ctx)
    assert len(sent(ctx)) == 1


@pytest.mark.usefixtures("books")
def test_a_slack_that_refuses_charts_is_sent_all_in_words(ctx: WorkerContext, workspace: LocalWorkspace) -> None:
    """The text says what the chart and the table would."""
    digest.send_due(ctx)
    workspace.faults({"method": "chat.postMessage", "kind": "fail", "error": "invalid_blocks"})
    outbox.deliver(ctx.database, ctx.slack)
    [message] = rows(ctx.database, Message)
    shown = workspace.world.state.channels[message.channel].messages[str(message.ts)]
    assert shown["text"].startswith("*Solved without a person: ")
    assert "\n*Spent in the week from 16 to 22 November 2026: " in shown["text"]
    assert "Cost per ticket: $0.0058" in shown["text"]


@pytest.mark.usefixtures("books")
def test_a_clock_that_was_down_makes_it_good(ctx: WorkerContext, today: Clock) -> None:
    """On Thursday it sends Monday's; a week later it would be old news, and of a week without calls there is none."""
    today.at = MONDAY + timedelta(days=3)
    digest.send_due(ctx)
    assert sent(ctx) == ["digest:2026-W47:U0OLIVIA"]
    today.at = MONDAY + timedelta(days=7)
    digest.send_due(ctx)
    assert len(sent(ctx)) == 1


@pytest.mark.usefixtures("books")
def test_a_clock_that_was_down_for_longer_sends_no_old_news(ctx: WorkerContext, today: Clock) -> None:
    """When the next one is due, the last is not any more."""
    today.at = MONDAY + timedelta(days=7)
    digest.send_due(ctx)
    assert sent(ctx) == []


@pytest.mark.usefixtures("today")
def test_before_the_first_call_there_is_none(ctx: WorkerContext) -> None:
    """An empty ledger has no weeks."""
    digest.send_due(ctx)
    assert sent(ctx) == []


@pytest.mark.usefixtures("books")
def test_each_owner_of_any_agent_is_sent_one(ctx: WorkerContext) -> None:
    """Once, however many agents are theirs; nobody who has left; nobody when the file says so."""
    [access] = ctx.agents.values()
    other = replace(
        access, card=access.card.model_copy(update={"name": "other", "owners": ("U0PRIYA", "U0OLIVIA", "U0BEN")})
    )
    put_agent(ctx, other)
    with ctx.database.write() as session:
        members.note_departure(session, "U0BEN")
    budgets = ctx.meter.budgets
    object.__setattr__(ctx.meter, "read_budgets", lambda: budgets.model_copy(update={"digest": None}))
    digest.send_due(ctx)
    assert sent(ctx) == []
    object.__setattr__(ctx.meter, "read_budgets", lambda: budgets)
    digest.send_due(ctx)
    assert sent(ctx) == ["digest:2026-W47:U0OLIVIA", "digest:2026-W47:U0PRIYA"]


@pytest.mark.usefixtures("books")
def test_answers_that_did_not_help_are_linked(ctx: WorkerContext, today: Clock, workspace: LocalWorkspace) -> None:
    """An owner can open what its requester says was wrong."""
    ts = str(workspace.act("say", "U0MAYA", channel="C0HELP", text="I cannot sign in")["ts"])
    turn = rows(ctx.database, Turn)[0]
    turn_id, ticket_id = turn.id, turn.ticket_id
    about: dict[str, Any] = {"kind": "reply", "ticket_id": ticket_id, "turn_id": turn_id, "ts": ts, "state": "posted"}
    store(ctx.database, replies.answer_key(turn_id), **about)
    today.at = MONDAY - timedelta(days=1)
    with ctx.database.write() as session:
        feedback.store_words(session, turn_id, user="U0MAYA", words="The link never came")
    today.at = MONDAY
    digest.send_due(ctx)
    [told] = [one.body["text"] for one in rows(ctx.database, Message) if one.kind == "digest"]
    assert "*Helpful: 0 of 1* answers that their requesters judged." in told
    assert f"/archives/C0HELP/p{ts.replace('.', '')}|Ticket {ticket_id}>" in told


def test_the_clock_looks_every_minute() -> None:
    """So that nine is nine."""
    assert clock.ROUNDS[digest.send_due] <= 60
