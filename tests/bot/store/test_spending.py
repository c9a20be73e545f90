from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.store import ledger, spending
from bot.store.db import Database
from bot.store.ledger import Tokens
from bot.store.schema import Handoff, LedgerRow, Ticket, Turn
from bot.store.spending import By, Cut, Line

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = Cut(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))


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
        ("channel", [Line("D0MAYA", 2, 10, 541), Line("C0HELP", 4, 201, 137)]),
        ("user", [Line("U0OTTO", 2, 10, 541), Line("U0MAYA", 4, 201, 137)]),
        ("team", [Line("T1", 6, 211, 678)]),
        ("agent", [Line("access", 6, 211, 678)]),
        ("tool", [Line(None, 4, 106, 537), Line("unlock_my_account", 1, 105, 100), Line("hand_off", 1, 0, 41)]),
        ("outcome", [Line("handoff", 2, 10, 541), Line("reply", 2, 200, 130), Line(None, 2, 1, 7)]),
        ("model", [Line("claude-sonnet-5-5", 5, 210, 671), Line("claude-haiku-5-5", 1, 1, 7)]),
    ],
)
def test_spending_is_cut_every_way(books: Database, by: By, lines: list[Line]) -> None:
    """Each cut sums calls, tokens and cost of its window, the dearest first, and adds up to the whole."""
    with books.read() as session:
        assert spending.spend_by(session, by, TODAY) == tuple(lines)


def test_the_summary_of_a_day(books: Database) -> None:
    """The figures are those of the window: money, tokens, tickets by their end, and shares."""
    with books.read() as session:
        found = spending.summary(session, TODAY)
    assert (found.calls, found.cost_nusd, found.held_nusd) == (6, 678, 900)
    assert (found.prompt_tokens, found.cache_read_tokens, found.output_tokens) == (201, 90, 10)
    assert (found.interactions, found.tokens_per_interaction) == (3, 70)
    assert found.cache_hit_share == pytest.approx(90 / 201)
    assert (found.tickets, found.tickets_nusd, found.per_ticket) == (3, 671, 224)
    assert (found.resolved, found.resolved_nusd, found.per_resolved) == (2, 671, 336)
    assert (found.handed_off, found.handed_off_nusd, found.per_handoff) == (1, 541, 541)


def test_a_cut_is_of_one_channel_one_user_or_one_purpose(books: Database) -> None:
    """Each filter narrows both the summary and the lines."""
    for cut, cost in (
        (Cut(TODAY.since, TODAY.until, channel="C0HELP"), 137),
        (Cut(TODAY.since, TODAY.until, user="U0OTTO"), 541),
        (Cut(TODAY.since, TODAY.until, purpose="eval"), 7),
        (Cut(TODAY.since, TODAY.until, channel="C0HELP", purpose="turn"), 130),
    ):
        with books.read() as session:
            assert spending.summary(session, cut).cost_nusd == cost
            assert sum(line.cost_nusd for line in spending.spend_by(session, "model", cut)) == cost


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
        ledger.settle(session, "later", cost_nusd=9, tokens=Tokens(), tool=None, at=NOON)
    with books.read() as session:
        assert [spending.ticket_cost(session, number) for number in (1, 2, 3, 4)] == [130, 550, 0, 0]
