"""What a digest is read from, and to whom it goes: `bot.slack.money.digest_facts`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.budget.caps import Budgets
from bot.budget.reports import periods
from bot.errors import ConfigError
from bot.slack.money import digest_facts
from bot.slack.money.digest_figures import CapUse, Digest
from bot.store import members
from bot.store.db import Database
from bot.store.money import digests
from bot.store.schema import BudgetReview, Handoff, Message, MessageKind
from tests.support.factories import rows
from tests.support.ledger_factory import MONDAY_MORNING, NOON, LedgerFactory, cost

TURN = 3 * cost()
CAPS: dict[str, Any] = {
    "time_zone": "UTC",
    "channel": {"default": {"window": "day", "hard": "0.05"}},
    "user": {"default": {"window": "month", "hard": "0.10"}},
    "agent": {"named": {"vpn": {"window": "week", "hard": "1"}}},
}


@pytest.fixture
def books(database: Database) -> LedgerFactory:
    """Return a week of a request, one of five, an evaluation and a call of unknown end, and what came after."""
    books = LedgerFactory(database)
    books.ask(8, "U0OTTO")
    books.ask(2, tickets=4)
    books.ask(0, "U0OTTO")
    books.ask(-1, "U0OTTO")
    books.call(NOON, "U0EVAL", purpose="eval", channel="eval", cost_nusd=1_000)
    books.call(NOON, "U0MAYA", state="charged", cost_nusd=700)
    books.write()
    with database.write() as session:
        times = {"waiting_since": NOON, "opened_at": NOON}
        session.add(Handoff(ticket_id=2, reason="requested", summary="", queue_channel="C0QUEUE", **times))
    return books


def gathered(database: Database, name: str | None = None, **caps: Any) -> Digest:
    """Return the digest of a period as it is on Monday."""
    budgets = Budgets.model_validate(caps or CAPS)
    with database.read() as session:
        period = digest_facts.asked_for(session, budgets, name, at=MONDAY_MORNING)
        return digest_facts.gather(session, budgets, period, at=MONDAY_MORNING)


def test_a_week_beside_the_one_before(books: LedgerFactory) -> None:
    """Without a name it is the last that is over; people and tools are those of conversations alone."""
    found = gathered(books.database)
    assert (found.period.name, found.over) == ("2026-W47", True)
    assert found.now.spent.cost_nusd == 5 * TURN + 1_700
    assert (found.now.spent.tickets, found.now.spent.handed_off, found.now.handoffs.handoffs) == (5, 1, 1)
    assert (found.now.handoffs.outcomes, found.now.charged, found.now.spent.charged_nusd) == (6, 1, 700)
    assert found.before is not None
    assert (found.before.spent.cost_nusd, found.before.handoffs.handoffs) == (TURN, 0)
    assert [(one.key, one.cost_nusd) for one in found.users] == [("U0MAYA", 4 * TURN + 700), ("U0OTTO", TURN)]
    assert {one.key for one in found.tools} == {None, "look_up_my_account", "unlock_my_account"}
    assert found.now.success.settled.all + found.now.success.unsettled.all == 5
    assert found.now.success.settled.to_people == 1
    days = [("Mon 16", 0), ("Tue 17", 0), ("Wed 18", 0), ("Thu 19", 0), ("Fri 20", 4 * TURN), ("Sat 21", 0)]
    assert list(found.points) == [*days, ("Sun 22", TURN + 700)]


def test_a_month_is_cut_by_weeks(books: LedgerFactory) -> None:
    """Its first and last part are as long as the month lets them be."""
    found = gathered(books.database, "2026-11")
    assert not found.over
    assert [label for label, _ in found.points] == [
        "from 1 Nov",
        "from 2 Nov",
        "from 9 Nov",
        "from 16 Nov",
        "from 23 Nov",
        "from 30 Nov",
    ]
    assert [nusd for _, nusd in found.points] == [0, 0, TURN, 5 * TURN + 700, TURN, 0]
    assert found.before is None
    assert gathered(books.database, "2026-W46").before is None


def test_accounts_come_the_nearest_to_their_caps_first(books: LedgerFactory) -> None:
    """Each once, in the fullest of its windows: a month's counts what was spent before the week; raises count."""
    found = gathered(books.database)
    day, month = 5 * 10**7, 10**8
    assert found.caps == (
        CapUse("channel", "C0HELP", "2026-11-20", 4 * TURN, day),
        CapUse("user", "U0MAYA", "2026-11", 4 * TURN + 700, month),
        CapUse("user", "U0OTTO", "2026-11", 2 * TURN, month),
        CapUse("channel", "eval", "2026-11-22", 1_000, day),
    )
    start = datetime(2026, 11, 20, tzinfo=UTC)
    raised = {"limit_nusd": day, "spent_nusd": 1, "held_nusd": 0, "needed_nusd": 1, "state": "raised", "raised_nusd": 9}
    window = {"window_start": start, "resets_at": start + timedelta(days=1), "decided_at": start, "opened_at": start}
    whose = {"account": "channel:C0HELP:2026-11-20", "scope": "channel", "holder": "C0HELP"}
    with books.database.write() as session:
        session.add(BudgetReview(agent="access", channel="C0HELP", user="U0MAYA", **raised, **window, **whose))
    found = gathered(books.database)
    assert found.caps[0].limit_nusd == day + 9
    assert (found.decisions.raised, found.decisions.raised_nusd, found.decisions.opened) == (1, 9, 1)
    assert gathered(books.database, time_zone="UTC").caps == ()


def test_alerts_of_the_week_are_in_it(books: LedgerFactory) -> None:
    """Those that owners were sent while it lasted."""
    key = ("access", "user", "U0MAYA", "2026-11-20")
    with books.database.write() as session:
        digests.say(session, MessageKind.ALERT, digests.alert_key(key, "U0OLIVIA"), "U0OLIVIA", {"text": "x"})
        session.query(Message).update({"created_at": NOON})
    assert gathered(books.database).alerts == (key,)
    assert gathered(books.database, "2026-W46").alerts == ()


def test_it_is_sent_to_each_owner_once(books: LedgerFactory) -> None:
    """A second time only to an owner who is new; never to one who has left."""
    found = gathered(books.database)
    with books.database.write() as session:
        members.note_departure(session, "U0BEN")
        assert digest_facts.unsent(session, found.period, ["U0OLIVIA", "U0BEN"]) == ("U0OLIVIA",)
        assert digest_facts.send(session, found, ["U0OLIVIA", "U0BEN", "U0OLIVIA"]) == ("U0OLIVIA",)
        assert digest_facts.send(session, found, ["U0OLIVIA", "U0BEN"]) == ()
        assert digest_facts.unsent(session, found.period, ["U0OLIVIA", "U0PRIYA"]) == ("U0PRIYA",)
    [message] = rows(books.database, Message)
    assert (message.key, message.channel, message.kind) == ("digest:2026-W47:U0OLIVIA", "U0OLIVIA", "digest")
    assert "week from 16 to 22 November 2026" in message.body["text"]


@pytest.mark.parametrize(
    ("name", "why"), [("2026-11", "2026-11 is not over"), ("2026-W40", "no model was called in 2026-W40")]
)
def test_half_a_period_or_an_empty_one_is_not_sent(books: LedgerFactory, name: str, why: str) -> None:
    """It would be sent once, and never whole."""
    found = gathered(books.database, name)
    with books.database.write() as session, pytest.raises(ConfigError, match=why):
        digest_facts.send(session, found, ["U0OLIVIA"])
    assert rows(books.database, Message) == []


def test_a_ledger_without_calls_has_a_digest_too(database: Database) -> None:
    """Of nothing: an operator may look before anybody has asked."""
    found = gathered(database)
    assert (found.period.name, found.now.spent.calls, found.users, found.caps) == ("2026-W47", 0, (), ())
    assert periods.read(Budgets.model_validate(CAPS), "2026-W47") == found.period
