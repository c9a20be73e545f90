from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.store.db import Database
from bot.store.money import ledger
from bot.store.money.ledger import BudgetState, CallTokens, OpenCall, Resolved, Used
from bot.store.schema import LedgerRow

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = (datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))


def row(rid: str, **changes: Any) -> LedgerRow:
    fields = {
        "rid": rid,
        "team": "T1",
        "channel": "C0HELP",
        "user": "U1",
        "agent": "access",
        "release": "access@1",
        "step": 0,
        "model": "coin",
        "price_version": "1",
        "accounts": ["a:1", "a:2"],
        "reserved_nusd": 1_000,
        "at": NOON,
        "lease_until": NOON + timedelta(minutes=2),
    }
    return LedgerRow(**(fields | changes))


def record(database: Database, *rows: LedgerRow) -> None:
    with database.write() as session:
        for each in rows:
            ledger.record(session, each)


def settle(database: Database, rid: str, cost: int) -> bool:
    with database.write() as session:
        return ledger.settle(
            session, rid, cost_nusd=cost, used=Used(CallTokens(1, 2, 3, 4, 5), "x", {"model": "m"}), at=NOON
        )


def read(database: Database, rid: str) -> LedgerRow:
    with database.read() as session:
        return session.scalars(select(LedgerRow).where(LedgerRow.rid == rid)).one()


def test_a_call_is_settled_once(database: Database) -> None:
    """The first settlement is written whole, the second finds nothing to do and says so."""
    record(database, row("a"))
    assert settle(database, "a", 700)
    assert not settle(database, "a", 1)
    with database.write() as session:
        assert not ledger.charge(session, "a", used=Used(), at=NOON)
    found = read(database, "a")
    assert (found.state, found.cost_nusd, found.tool, found.settled_at) == ("settled", 700, "x", NOON)
    assert (found.input_tokens, found.cache_read_tokens, found.output_tokens) == (1, 2, 5)
    assert (found.cache_write_5m_tokens, found.cache_write_1h_tokens) == (3, 4)


def test_threads_settling_one_call_have_one_winner(database: Database) -> None:
    """However many settle at once, one is told that it did."""
    record(database, row("a"))
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda cost: settle(database, "a", cost), range(1, 17)))
    assert won.count(True) == 1
    assert read(database, "a").cost_nusd == won.index(True) + 1


def test_an_unknown_call_is_not_settled(database: Database) -> None:
    """Settling what was never written down does nothing and says so."""
    assert not settle(database, "nobody", 1)


def test_what_cannot_be_priced_is_charged_at_what_was_set_aside(database: Database) -> None:
    """A charge takes the row's own worst case."""
    record(database, row("a", reserved_nusd=1_234))
    with database.write() as session:
        assert ledger.charge(session, "a", used=Used(CallTokens(output=9)), at=NOON)
    found = read(database, "a")
    assert (found.state, found.cost_nusd, found.output_tokens) == ("charged", 1_234, 9)


def test_only_overdue_calls_are_charged_and_only_once(database: Database) -> None:
    """A lease that runs, and a call that is resolved, are left alone."""
    record(
        database,
        row("late", reserved_nusd=10, lease_until=NOON),
        row("settled", lease_until=NOON),
        row("running", lease_until=NOON + timedelta(seconds=2)),
    )
    settle(database, "settled", 5)
    now = NOON + timedelta(seconds=1)
    with database.write() as session:
        assert ledger.charge_overdue(session, now) == (Resolved("late", "charged", 10, ("a:1", "a:2")),)
    with database.write() as session:
        assert ledger.charge_overdue(session, now) == ()
    assert [read(database, rid).state for rid in ("late", "settled", "running")] == [
        "charged",
        "settled",
        "sent",
    ]


def test_only_a_call_that_has_not_been_resolved_is_withdrawn(database: Database) -> None:
    """Withdrawing deletes an unsent row and never one that cost something."""
    record(database, row("unsent"), row("settled"))
    settle(database, "settled", 5)
    with database.write() as session:
        ledger.withdraw(session, "unsent")
        ledger.withdraw(session, "settled")
    with database.read() as session:
        assert ledger.resolved(session, ["unsent", "settled"]) == {
            "settled": Resolved("settled", "settled", 5, ("a:1", "a:2"))
        }


@pytest.mark.parametrize(
    ("scope", "holder"), [("channel", "C0HELP"), ("user", "U1"), ("team", "T1"), ("agent", "access")]
)
def test_a_standing_is_spending_and_open_calls_of_one_holder_in_one_window(
    database: Database, scope: str, holder: str
) -> None:
    """Settled and charged calls are spent, sent ones held, each by whose it is; others and other days do not count."""
    start, end = DAY
    record(
        database,
        row("settled", at=start),
        row("charged", reserved_nusd=70, lease_until=NOON, at=end - timedelta(microseconds=1)),
        row("sent", reserved_nusd=500),
        row("evaluated", reserved_nusd=40, purpose="eval"),
        row("before", at=start - timedelta(microseconds=1)),
        row("after", at=end),
        row("other", **{scope: "OTHER"}),
    )
    settle(database, "settled", 3)
    with database.write() as session:
        ledger.charge_overdue(session, NOON + timedelta(seconds=1))
    with database.read() as session:
        found = ledger.budget_state(session, scope, holder, *DAY)
    assert sorted(found.under_way) == [OpenCall("evaluated", 40), OpenCall("sent", 500, "U1")]
    assert found == BudgetState(73, found.under_way)


def test_those_who_spent_of_late_are_told_once(database: Database) -> None:
    """Calls of the same people are one answer, whatever became of them; older calls are none."""
    record(database, row("a"), row("b"), row("c", user="U2", at=NOON + timedelta(hours=1)), row("old", channel="C0OLD"))
    with database.write() as session:
        session.execute(update(LedgerRow).where(LedgerRow.rid == "old").values(at=NOON - timedelta(seconds=1)))
    settle(database, "b", 5)
    mine = {"channel": "C0HELP", "user": "U1", "team": "T1", "agent": "access"}
    with database.read() as session:
        found = ledger.spenders(session, NOON)
    assert sorted(found, key=lambda one: one["user"]) == [mine, mine | {"user": "U2"}]


def test_a_standing_of_nothing_is_zero(database: Database) -> None:
    """A holder without calls has spent nothing."""
    with database.read() as session:
        assert ledger.budget_state(session, "channel", "C0NEW", *DAY) == BudgetState(0, ())
