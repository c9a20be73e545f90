import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from bot.cost_dimensions import Dimension
from bot.store.db import Database
from bot.store.money import ledger, reviews, spending
from bot.store.money.ledger import Used
from bot.store.money.reviews import Decided
from bot.store.money.spending import CostLine, LedgerFilter, TicketCost
from bot.store.schema import BudgetReview, Handoff, LedgerRow, Purpose, Ticket, Turn

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = LedgerFilter(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))


def call(rid: str, **changes: Any) -> LedgerRow:
    fields = {
        "rid": rid,
        "state": "settled",
        "team": "T1",
        "channel": "C0HELP",
        "user": "U0MAYA",
        "agent": "access",
        "release": "access@1",
        "step": 0,
        "model": "claude-sonnet-5-5",
        "price_version": "1",
        "accounts": [],
        "reserved_nusd": 1_000,
        "at": NOON,
        "lease_until": NOON,
    }
    return LedgerRow(**(fields | changes))


@pytest.fixture
def books(database: Database) -> Database:
    """Return three tickets: resolved by the agent, resolved by a person, open; and an evaluation."""

    def ticket(number: int, state: str) -> Ticket:
        return Ticket(
            id=number,
            team="T1",
            channel="C0HELP",
            thread_ts=str(number),
            private=False,
            requester="U0MAYA",
            agent="access",
            state=state,
        )

    with database.write() as session:
        session.add_all([ticket(1, "resolved"), ticket(2, "resolved"), ticket(3, "open")])
        session.flush()
        session.add_all(
            [
                Turn(id=1, ticket_id=1, state="done", outcome="reply"),
                Turn(id=2, ticket_id=2, state="done", outcome="handoff"),
                Turn(id=3, ticket_id=3, state="running"),
            ]
        )
        session.add_all(
            Handoff(
                ticket_id=2,
                reason="requested",
                summary="",
                queue_channel="C0QUEUE",
                waiting_since=NOON,
                state=state,
            )
            for state in ("returned", "resolved")
        )
        session.flush()
        unlock = {"tool": "unlock_my_account", "ticket_id": 1, "turn_id": 1}
        mine = {"channel": "D0MAYA", "user": "U0OTTO"}
        session.add_all(
            [
                call("a", cost_nusd=100, input_tokens=10, cache_write_5m_tokens=90, output_tokens=5, **unlock),
                call("b", cost_nusd=30, cache_read_tokens=90, output_tokens=5, ticket_id=1, turn_id=1),
                call("c", cost_nusd=500, input_tokens=10, ticket_id=2, turn_id=2, **mine),
                call("d", state="charged", cost_nusd=41, tool="hand_off", ticket_id=2, turn_id=2, **mine),
                call("e", state="sent", reserved_nusd=900, ticket_id=3, turn_id=3),
                call("f", cost_nusd=7, purpose="eval", model="claude-haiku-5-5", input_tokens=1),
                call("yesterday", cost_nusd=10_000, at=TODAY.since - timedelta(microseconds=1)),
                call("tomorrow", cost_nusd=10_000, at=TODAY.until),
            ]
        )
    return database


@pytest.mark.parametrize(
    ("by", "lines"),
    [
        ("channel", [CostLine("D0MAYA", 2, 10, 541, 41), CostLine("C0HELP", 4, 201, 137)]),
        ("user", [CostLine("U0OTTO", 2, 10, 541, 41), CostLine("U0MAYA", 4, 201, 137)]),
        ("team", [CostLine("T1", 6, 211, 678, 41)]),
        ("agent", [CostLine("access", 6, 211, 678, 41)]),
        (
            "tool",
            [
                CostLine(None, 4, 106, 537),
                CostLine("unlock_my_account", 1, 105, 100),
                CostLine("hand_off", 1, 0, 41, 41),
            ],
        ),
        ("outcome", [CostLine("handoff", 2, 10, 541, 41), CostLine("reply", 2, 200, 130), CostLine(None, 2, 1, 7)]),
        ("model", [CostLine("claude-sonnet-5-5", 5, 210, 671, 41), CostLine("claude-haiku-5-5", 1, 1, 7)]),
    ],
)
def test_spending_is_cut_every_way(books: Database, by: Dimension, lines: list[CostLine]) -> None:
    """Each cut sums calls, tokens and cost of its window, the largest amount first, and adds up to the whole."""
    with books.read() as session:
        found = spending.spend_by(session, by, TODAY)
        summary = spending.summary(session, TODAY)
        assert spending.summary(session, TODAY, found) == summary
    told = [CostLine(line.key, line.calls, line.tokens, line.cost_nusd, line.charged_nusd) for line in found]
    assert told == lines
    assert sum(line.cost_nusd for line in found) == summary.cost_nusd


def test_the_summary_of_a_day(books: Database) -> None:
    """The figures are those of the window: money, tokens, tickets by their end, and shares."""
    with books.read() as session:
        found = spending.summary(session, TODAY)
    assert (found.calls, found.cost_nusd, found.charged_nusd, found.held_nusd) == (6, 678, 41, 900)
    assert (found.prompt_tokens, found.cache_read_tokens, found.output_tokens) == (200, 90, 10)
    assert (found.interactions, found.tokens_per_interaction) == (3, 70)
    assert found.cache_hit_share == pytest.approx(90 / 200)
    assert (found.tickets, found.tickets_nusd, found.per_ticket) == (3, 671, 224)
    assert (found.resolved, found.resolved_nusd, found.per_resolved) == (2, 671, 336)
    assert (found.handed_off, found.handed_off_nusd, found.per_handoff) == (1, 541, 541)


def test_a_cut_is_of_one_channel_one_user_or_one_purpose(books: Database) -> None:
    """Each filter narrows the summary, the lines and the sum alike; of nobody there is nothing."""
    for cut, cost in (
        (LedgerFilter(TODAY.since, TODAY.until, agent="access"), 678),
        (LedgerFilter(TODAY.since, TODAY.until, agent="vpn"), 0),
        (LedgerFilter(TODAY.since, TODAY.until, any_of=()), 0),
        (LedgerFilter(TODAY.since, TODAY.until, any_of=(("user", "U0OTTO"),)), 541),
        (LedgerFilter(TODAY.since, TODAY.until, any_of=(("user", "U0OTTO"), ("channel", "D0MAYA"))), 541),
        (LedgerFilter(TODAY.since, TODAY.until, any_of=(("user", "U0OTTO"), ("channel", "C0HELP"))), 678),
        (LedgerFilter(TODAY.since, TODAY.until, any_of=(("team", "T2"), ("agent", "vpn"))), 0),
        (LedgerFilter(TODAY.since, TODAY.until, channel="C0HELP", any_of=(("user", "U0OTTO"),)), 0),
        (LedgerFilter(TODAY.since, TODAY.until, channel="C0HELP"), 137),
        (LedgerFilter(TODAY.since, TODAY.until, user="U0OTTO"), 541),
        (LedgerFilter(TODAY.since, TODAY.until, purpose=Purpose.EVAL), 7),
        (LedgerFilter(TODAY.since, TODAY.until, channel="C0HELP", purpose=Purpose.TURN), 130),
    ):
        with books.read() as session:
            assert spending.summary(session, cut).cost_nusd == cost
            assert sum(line.cost_nusd for line in spending.spend_by(session, "model", cut)) == cost
            assert spending.spent(session, cut) == cost
            assert sum(nusd for _, nusd in spending.top_spenders(session, "channel", cut, most=9)) == cost


def test_those_who_spent_most(books: Database) -> None:
    """As many as asked for, those that spent most first."""
    with books.read() as session:
        assert spending.top_spenders(session, "user", TODAY, most=9) == (("U0OTTO", 541), ("U0MAYA", 137))
        assert spending.top_spenders(session, "channel", TODAY, most=1) == (("D0MAYA", 541),)


def test_the_ledger_begins_with_its_first_call(database: Database) -> None:
    """An empty one has not begun."""
    with database.write() as session:
        assert spending.first_call(session) is None
        session.add_all([call("b", at=NOON), call("a", at=NOON - timedelta(days=3))])
    with database.read() as session:
        assert spending.first_call(session) == NOON - timedelta(days=3)


def test_the_sums_of_one_transaction_are_of_one_moment(books: Database) -> None:
    """A call that is settled between two statements is in neither sum; the next transaction has it in all."""
    with books.read() as session:
        spending.at_one_moment(session)
        before = spending.spent(session, TODAY)
        with books.write() as other:
            ledger.settle(other, "e", cost_nusd=900, used=Used(), at=NOON)
        after = spending.summary(session, TODAY)
        assert (before, after.cost_nusd, after.held_nusd) == (678, 678, 900)
    with books.read() as session:
        assert spending.summary(session, TODAY).cost_nusd == 678 + 900


def test_what_was_decided_counts_in_its_window(database: Database) -> None:
    """Raises are added up, an open review and a denied one are told; none of the day before, nor of another budget."""

    def review(number: int, **changes: Any) -> BudgetReview:
        fields = {
            "account": f"channel:C0HELP:{number}",
            "scope": "channel",
            "holder": "C0HELP",
            "window_start": TODAY.since,
            "resets_at": TODAY.until,
            "limit_nusd": number,
            "spent_nusd": 0,
            "held_nusd": 0,
            "needed_nusd": 0,
            "agent": "access",
            "channel": "C0HELP",
            "user": "U0MAYA",
        }
        return BudgetReview(**(fields | changes))

    yesterday = {"window_start": TODAY.since - timedelta(days=1), "resets_at": TODAY.since}
    with database.write() as session:
        session.add_all(
            [
                review(1, state="raised", raised_nusd=100),
                review(2, state="raised", raised_nusd=20),
                review(3, state="open"),
                review(4, state="raised", raised_nusd=7, **yesterday),
                review(5, state="denied", holder="C0OPS"),
            ]
        )
    with database.read() as session:
        assert reviews.decided(session, NOON) == {
            ("channel", "C0HELP", TODAY.since): Decided(120, waiting=True, denied=False),
            ("channel", "C0OPS", TODAY.since): Decided(0, waiting=False, denied=True),
        }
        assert reviews.decided(session, TODAY.until) == {}


def plan(database: Database, run: Callable[[Session], object]) -> str:
    """Return how the database goes about the last statement of a reader, as it would in a ledger that is large."""
    said: list[tuple[str, Any]] = []

    def listen(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        said.append((statement, parameters))

    with database.read() as session:
        event.listen(database.engine, "before_cursor_execute", listen)
        run(session)
        event.remove(database.engine, "before_cursor_execute", listen)
        [*_, (statement, parameters)] = said
        connection, explain = session.connection(), "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            explain = "EXPLAIN"
            # Of an empty table all ways cost the same, so there is none but this index's until the rollback.
            connection.execute(text("DROP INDEX ix_ledger_user, ix_ledger_channel"))
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        way = str(connection.exec_driver_sql(f"{explain} {statement}", parameters).all())
        session.rollback()
    return way


@pytest.mark.parametrize("cut", [TODAY, LedgerFilter(TODAY.since, TODAY.until, agent="access")])
def test_a_sum_over_time_is_read_from_its_index_alone(database: Database, cut: LedgerFilter) -> None:
    """The weeks before are summed for every answer; how wide a row of the ledger has become plays no part."""
    for run in (
        lambda session: spending.spent(session, cut),
        lambda session: spending.top_spenders(session, "user", cut, most=3),
    ):
        way = plan(database, run)
        assert re.search(r"(COVERING INDEX|Index Only Scan using) ix_ledger_at", way), way


@pytest.mark.parametrize("category", ["withdrawn", "refused"])
def test_what_was_taken_back_or_refused_is_not_resolved(books: Database, category: str) -> None:
    """No one was helped by it, so its cost is no cost of a resolution."""
    with books.write() as session:
        session.get_one(Ticket, 1).category = category
    with books.read() as session:
        assert spending.summary(session, TODAY).resolved == 1


def test_an_empty_window_has_no_means(database: Database) -> None:
    """Without calls every sum is zero and every mean and share is absent."""
    with database.read() as session:
        found = spending.summary(session, TODAY)
        assert spending.spend_by(session, "tool", TODAY) == ()
    assert (found.calls, found.cost_nusd, found.tickets) == (0, 0, 0)
    assert found.per_ticket is found.per_resolved is found.per_handoff is None
    assert found.tokens_per_interaction is found.cache_hit_share is None


def test_the_cost_of_a_ticket(books: Database) -> None:
    """A ticket's cost is that of all its calls, whenever they were made."""
    with books.write() as session:
        ledger.record(session, call("later", state="sent", at=NOON + timedelta(days=9), ticket_id=2))
        ledger.settle(session, "later", cost_nusd=9, used=Used(), at=NOON)
    with books.read() as session:
        assert [spending.ticket_cost(session, number) for number in (1, 2, 3, 4)] == [
            TicketCost(2, 130),
            TicketCost(3, 550),
            TicketCost(1, 0),
            TicketCost(0, 0),
        ]
