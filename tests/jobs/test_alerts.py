"""Alerts on spending that is far from usual: `jobs.alerts`."""

from datetime import datetime, timedelta

import pytest

from bot.budget.caps import Alerts
from bot.slack.api import client as slack
from bot.slack.outbox import outbox
from bot.store import members
from bot.store.schema import Message, Ticket, base
from jobs import alerts, clock
from jobs.process import WorkerContext
from tests.support.factories import Clock, put, rows
from tests.support.ledger_factory import NOON, LedgerFactory
from tests.support.local_workspace import LocalWorkspace

LOOK = "look_up_my_account"


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let it be Sunday noon, until the test moves time."""
    return Clock(NOON).rule(monkeypatch)


@pytest.fixture
def books(ctx: WorkerContext, today: Clock) -> LedgerFactory:
    """Return four usual weeks of two people; a request costs more than half a cent, and 0.02 dollars matter."""
    wanted = ctx.meter.budgets.model_copy(update={"alerts": Alerts.model_validate({"least": "0.02"})})
    object.__setattr__(ctx.meter, "read_budgets", lambda: wanted)
    books = LedgerFactory(ctx.database)
    books.weeks("U0MAYA", "U0OTTO")
    return books


def told(ctx: WorkerContext) -> list[str]:
    """Return the keys of what was told, without the owner."""
    return [one.key.rpartition(":")[0] for one in rows(ctx.database, Message)]


def test_an_owner_is_told_once_a_day(
    ctx: WorkerContext, books: LedgerFactory, today: Clock, workspace: LocalWorkspace
) -> None:
    """In their direct messages, with who it is and the figures; looking again says no more until there is more."""
    books.ask(0, tickets=9)
    books.write()
    alerts.tell(ctx)
    alerts.tell(ctx)
    today.passes(hours=2)
    alerts.tell(ctx)
    assert told(ctx) == ["alert:access:user:U0MAYA:2026-11-22"]
    assert outbox.deliver(ctx.database, ctx.slack) == 1
    [message] = rows(ctx.database, Message)
    said = workspace.world.state.channels[message.channel].messages[str(message.ts)]["text"]
    assert "Requests of <@U0MAYA> cost $0.0518 today so far, 9 times as much as usual" in said
    assert "More requests: 9, usually 1.3 a day." in said


def test_what_happened_late_is_told_the_next_day(ctx: WorkerContext, books: LedgerFactory, today: Clock) -> None:
    """The day before is looked at too, under its own date; the day before that is not."""
    books.ask(0, tickets=9)
    books.write()
    today.at = NOON + timedelta(days=1)
    alerts.tell(ctx)
    assert told(ctx) == ["alert:access:user:U0MAYA:2026-11-22"]
    assert "on Sunday, 2026-11-22" in rows(ctx.database, Message)[0].body["text"]
    today.at = NOON + timedelta(days=2)
    alerts.tell(ctx)
    assert len(rows(ctx.database, Message)) == 1


def test_a_ticket_is_told_with_where_it_is(ctx: WorkerContext, books: LedgerFactory) -> None:
    """With the link that Slack gives to its thread, and with the tool that was tried again and again."""
    ticket = books.ask(0, tools=(LOOK,) * 30)
    books.write()
    said = ctx.slack.chat_postMessage(channel="C0HELP", text="I cannot sign in")
    put(ctx.database, Ticket, ticket, thread_ts=said["ts"])
    alerts.tell(ctx)
    [message] = rows(ctx.database, Message)
    assert message.key == f"alert:access:ticket:{ticket}:2026-11-22:U0OLIVIA"
    link = slack.permalink(ctx.slack, "C0HELP", said["ts"])
    assert f"<{link}|Ticket {ticket}> in <#C0HELP> of <@U0MAYA> cost" in message.body["text"]
    assert f"`{LOOK}` 30 times in one turn, usually 1; see <{link}|ticket {ticket}>" in message.body["text"]


@pytest.mark.parametrize("private", [False, True])
def test_a_ticket_without_a_link_has_a_place(ctx: WorkerContext, books: LedgerFactory, *, private: bool) -> None:
    """Where Slack gives none; of a direct message not even that."""
    ticket = books.ask(0, tools=(LOOK,) * 30)
    books.write()
    put(ctx.database, Ticket, ticket, private=private)
    alerts.tell(ctx)
    [message] = rows(ctx.database, Message)
    where = "in a direct message" if private else "in <#C0HELP>"
    assert f"Ticket {ticket} {where} of <@U0MAYA> cost" in message.body["text"]


def test_no_more_than_a_few_are_told(ctx: WorkerContext, books: LedgerFactory, today: Clock) -> None:
    """The most expensive of a day; those who come later wait for tomorrow."""
    for number in range(8):
        books.ask(0, f"U0NEW{number}", tickets=20 + number)
    books.write()
    alerts.tell(ctx)
    today.passes(hours=1)
    alerts.tell(ctx)
    assert told(ctx) == [f"alert:access:user:U0NEW{number}:2026-11-22" for number in (7, 6, 5, 4, 3)]


def test_nobody_is_told_who_has_left_or_wants_none(ctx: WorkerContext, books: LedgerFactory) -> None:
    """Neither an owner who is gone, nor anybody when the budget file says so."""
    books.ask(0, tickets=9)
    books.write()
    with ctx.database.write() as session:
        members.note_departure(session, "U0OLIVIA")
    alerts.tell(ctx)
    with ctx.database.write() as session:
        members.note_return(session, "U0OLIVIA")
    off = ctx.meter.budgets.model_copy(update={"alerts": None})
    object.__setattr__(ctx.meter, "read_budgets", lambda: off)
    alerts.tell(ctx)
    assert rows(ctx.database, Message) == []


def test_the_clock_looks_every_hour() -> None:
    """Often enough that a loop of the morning is known at noon."""
    assert clock.ROUNDS[alerts.tell] == timedelta(hours=1).total_seconds()


def test_time_is_moved_by_the_test(today: Clock) -> None:
    """What the rows say is when the test says it is."""
    assert base.now() == datetime.fromisoformat("2026-11-22T12:00:00+00:00")
