import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import sqlalchemy
import structlog

from bot.budget import cap_events
from bot.budget.admission import Holds
from bot.budget.cap_events import CapEvents
from bot.budget.caps import Budgets, Cap
from bot.budget.metering import Meter, NoRoom, OverCap
from bot.budget.prices.pricing import Usage
from bot.budget.reservation import Charge
from bot.errors import Transient
from bot.store.db import Database
from bot.store.money import reviews, soft_cap_alerts
from bot.store.schema import BudgetNotice, BudgetReview, LedgerRow, ReviewState
from tests.support.budget_holds import begin_call
from tests.support.factories import new_turn, rows

LIMIT = 100_000_000
CALL = 1_000_000  # what 1,000 tokens of "coin" cost


@pytest.fixture
def budget() -> str:
    """Return a budget of 100 calls for the channel, where people are told at 50, 80 and 100 %."""
    return (
        "time_zone: UTC\nchannel: {default: {window: month, hard: '0.10', soft: [50, 80, 100]},\n"
        "          named: {C0POOR: {window: day, hard: '0.002'}}}\n"
        "user: {named: {U0POOR: {window: month, hard: '0.002'}}}\nshare: 1\n"
    )


def spend(meter: Meter, charge: Charge, calls: int) -> None:
    """Spend as much as so many calls cost, in one."""
    meter.end(begin_call(meter, charge, calls * 1_000), Usage("coin", calls * 1_000), tool=None)


def channel_cap(meter: Meter, charge: Charge) -> Cap:
    named = {"team": charge.team, "channel": charge.channel, "user": charge.user, "agent": charge.agent}
    return meter.budgets.accounts(**named, at=datetime.now(UTC))[0]


def noticed(database: Database) -> list[tuple[int, int]]:
    return [(row.percent, row.spent_nusd) for row in rows(database, BudgetNotice)]


def decide(database: Database, raised: int) -> None:
    """Raise the cap whose review is open; nobody tells the gate."""
    with database.write() as session:
        [review] = [one for one in rows(database, BudgetReview) if one.state == "open"]
        assert reviews.decide(session, review.id, by="U0LENA", decision=ReviewState.RAISED, why="x", raised_nusd=raised)


def test_a_soft_cap_is_noticed_by_the_call_that_passes_it(meter: Meter, charge: Charge) -> None:
    """One call below it none, the call that reaches it one, later calls no more; the row says whose and when."""
    turn = new_turn(meter.database)
    mine = replace(charge, turn_id=turn)
    spend(meter, mine, 49)
    assert noticed(meter.database) == []
    spend(meter, mine, 1)
    spend(meter, charge, 1)
    [notice] = rows(meter.database, BudgetNotice)
    cap = channel_cap(meter, charge)
    assert (notice.account, notice.scope, notice.holder) == (cap.key, "channel", "C0HELP")
    assert (notice.window_start, notice.resets_at) == (cap.window_start, cap.resets_at)
    assert (notice.percent, notice.spent_nusd, notice.limit_nusd) == (50, 50 * CALL, LIMIT)
    assert (notice.agent, notice.turn_id, notice.told_at) == ("access", turn, None)


def test_what_is_only_held_passes_no_soft_cap(meter: Meter, charge: Charge) -> None:
    """People are told of money that is spent, not of the worst case."""
    reservation = begin_call(meter, charge, 90_000)
    assert noticed(meter.database) == []
    meter.void(reservation)
    assert noticed(meter.database) == []


def test_a_call_that_passes_two_soft_caps_is_two_notices(meter: Meter, charge: Charge) -> None:
    """Each percentage has a row of its own."""
    spend(meter, charge, 85)
    assert noticed(meter.database) == [(50, 85 * CALL), (80, 85 * CALL)]


@pytest.mark.both_databases
def test_of_many_calls_at_once_one_notices(
    connect: Callable[..., Meter], redis_url: str, database: Database, charge: Charge
) -> None:
    """Three processes' meters with eight threads each pass every soft cap and the hard one: each once, one review."""
    meters = [connect(redis_url, database) for _ in range(3)]

    def call(number: int) -> bool:
        while True:
            try:
                spend(meters[number % 3], charge, 1)
            except NoRoom:
                time.sleep(0.005)
            except OverCap:
                return False
            else:
                return True

    with ThreadPoolExecutor(24) as pool:
        assert sum(pool.map(call, range(130))) == 100
    assert sorted(percent for percent, _ in noticed(database)) == [50, 80, 100]
    [review] = rows(database, BudgetReview)
    assert (review.state, review.limit_nusd, review.user, review.needed_nusd) == ("open", LIMIT, "U1", CALL)


def test_a_notice_that_a_crash_left_out_is_found(
    meter: Meter, charge: Charge, monkeypatch: pytest.MonkeyPatch, connect: Callable[..., Meter], redis_url: str
) -> None:
    """A process that dies between the settlement and the notice has passed it all the same: a look finds it, once.

    The owners of the agent that was the last to spend are told.
    """
    with monkeypatch.context() as patch:
        patch.setattr(CapEvents, "note_spending", lambda *_: None)
        spend(meter, replace(charge, agent="vpn"), 30)
        spend(meter, charge, 30)
    assert noticed(meter.database) == []
    other = connect(redis_url, meter.database)
    for _ in range(2):
        other.cap_events.look()
        meter.cap_events.look()
    assert noticed(meter.database) == [(50, 60 * CALL)]
    [notice] = rows(meter.database, BudgetNotice)
    assert (notice.agent, notice.turn_id) == ("access", None)


def test_a_look_leaves_accounts_alone_that_no_budget_has(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """An account of a window that is over, or of a cap that is gone, is nobody's business any more."""
    spend(meter, charge, 1)
    cap = channel_cap(meter, charge)
    for name in ("channel:C0HELP:1999-12", "team:T1:2026-W47", "planet:X:2026-11", "nonsense"):
        raw.copy(f"budget:a:{cap.key}", f"budget:a:{name}")
        raw.hset(f"budget:a:{name}", "spent", LIMIT)
    meter.cap_events.look()
    assert noticed(meter.database) == []


def test_a_notice_is_not_lost_with_its_account(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """The last call of a window finds its account gone: SQL says what it has passed."""
    spend(meter, charge, 30)
    reservation = begin_call(meter, charge, 30_000)
    raw.flushall()
    meter.end(reservation, Usage("coin", 30_000), tool=None)
    assert noticed(meter.database) == [(50, 60 * CALL)]


def test_a_notice_is_not_lost_with_its_account_and_its_process(
    meter: Meter, charge: Charge, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has seen it and Redis knows nothing: a look finds in SQL who has spent of late."""
    with monkeypatch.context() as patch:
        patch.setattr(CapEvents, "note_spending", lambda *_: None)
        spend(meter, charge, 60)
    raw.flushall()
    meter.cap_events.look()
    assert noticed(meter.database) == [(50, 60 * CALL)]


def test_a_notice_is_not_lost_while_redis_is_away(
    connect: Callable[..., Meter],
    redis_server: Callable[[int | None], Any],
    database: Database,
    charge: Charge,
) -> None:
    """A call that settles without Redis passes its soft caps in SQL."""
    server = redis_server(None)
    meter = connect(server.url, database)
    reservation = begin_call(meter, charge, 80_000)
    server.kill()
    meter.end(reservation, Usage("coin", 80_000), tool=None)
    assert noticed(database) == [(50, 80 * CALL), (80, 80 * CALL)]


def test_a_notice_that_cannot_be_written_spoils_no_settlement(
    meter: Meter, charge: Charge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is settled and its cost answered; the next call, or a look, writes the notice."""

    def away(*_: object, **__: object) -> bool:
        raise Transient("database: away")

    reservation = begin_call(meter, charge, 50_000)
    with monkeypatch.context() as patch:
        patch.setattr(soft_cap_alerts, "passed", away)
        assert meter.end(reservation, Usage("coin", 50_000), tool=None) == 50 * CALL
    assert noticed(meter.database) == []
    spend(meter, charge, 1)
    assert noticed(meter.database) == [(50, 51 * CALL)]


def test_a_hard_cap_has_one_review_with_what_was_refused(meter: Meter, charge: Charge) -> None:
    """The first refusal opens it with the figures of that moment; the refusals after it open nothing."""
    spend(meter, charge, 90)
    flying = begin_call(meter, charge, 5_000)
    with pytest.raises(NoRoom):
        begin_call(meter, charge, 6_000)  # it may fit when the call under way has ended: nobody is asked
    assert rows(meter.database, BudgetReview) == []
    for tokens in (11_000, 12_000):
        with pytest.raises(OverCap):
            begin_call(meter, charge, tokens)
    [review] = rows(meter.database, BudgetReview)
    assert (review.account, review.limit_nusd) == (channel_cap(meter, charge).key, LIMIT)
    assert (review.spent_nusd, review.held_nusd, review.needed_nusd) == (90 * CALL, 5 * CALL, 11 * CALL)
    assert (review.agent, review.channel, review.user, review.turn_id) == ("access", "C0HELP", "U1", None)
    meter.void(flying)


def test_a_review_is_about_the_limit_and_the_window_that_are_in_force(meter: Meter, charge: Charge) -> None:
    """Another limit in the file, other bounds of the window, or no cap any more: it is out of date."""
    with pytest.raises(OverCap):
        begin_call(meter, charge, 100_001)
    [review] = rows(meter.database, BudgetReview)

    def is_current(hard: str = "0.10", **changes: Any) -> bool:
        channel = {"named": {"C0HELP": {"window": "month", "hard": hard}}}
        budgets = Budgets.model_validate({"time_zone": "UTC", "channel": channel, **changes})
        with meter.database.read() as session:
            return cap_events.is_current(session, review, budgets)

    assert is_current()
    assert not is_current("0.09")
    assert not is_current("0.11")
    assert not is_current(time_zone="Asia/Kathmandu")
    assert not is_current(channel={"named": {"C0HELP": {"window": "day", "hard": "0.10"}}})
    assert not is_current(channel={"named": {"C0ELSE": {"window": "month", "hard": "0.10"}}})


def test_each_cap_has_a_review_of_its_own(meter: Meter, charge: Charge) -> None:
    """A person who has met their own cap is no reason to ask about their channel's."""
    with pytest.raises(OverCap):
        begin_call(meter, replace(charge, user="U0POOR"), 2_001)
    with pytest.raises(OverCap):
        begin_call(meter, charge, 100_001)
    assert [review.scope for review in rows(meter.database, BudgetReview)] == ["user", "channel"]


def test_of_several_caps_each_has_its_review_and_the_last_to_reset_is_named(meter: Meter, charge: Charge) -> None:
    """All have to be raised before the call fits, so all owners are asked; the requester waits for the last."""
    with pytest.raises(OverCap) as refusal:
        begin_call(meter, replace(charge, channel="C0POOR", user="U0POOR"), 2_001)
    met = {one.scope: one for one in rows(meter.database, BudgetReview)}
    assert {scope: one.needed_nusd for scope, one in met.items()} == {"channel": 2_001_000, "user": 2_001_000}
    assert refusal.value.cap.resets_at == max(one.resets_at for one in met.values()) == met["user"].resets_at


def test_a_false_reading_of_other_days_passes_no_soft_cap(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """The time zone has changed, and an account of the old days has the new days' name: SQL is asked instead."""
    spend(meter, charge, 10)
    cap = channel_cap(meter, charge)
    earlier = cap.window_start - timedelta(hours=2)
    raw.hset(f"budget:a:{cap.key}", mapping={"start": round(earlier.timestamp() * 1000), "spent": LIMIT})
    meter.cap_events.look()
    assert noticed(meter.database) == []
    with meter.database.write() as session:
        session.execute(sqlalchemy.update(LedgerRow).values(cost_nusd=50 * CALL))
    meter.cap_events.look()
    assert noticed(meter.database) == [(50, 50 * CALL)]


def test_a_raise_lets_calls_in_until_the_new_limit(meter: Meter, charge: Charge) -> None:
    """What was refused fits once the gate is told; the new limit is hard too, and its review is the second."""
    spend(meter, charge, 100)
    with pytest.raises(OverCap):
        begin_call(meter, charge)
    decide(meter.database, raised=10 * CALL)
    with pytest.raises(OverCap):
        begin_call(meter, charge)  # the gate does not know yet, and nobody is asked again
    meter.cap_events.apply_raises()
    spend(meter, charge, 10)
    with pytest.raises(OverCap) as refusal:
        begin_call(meter, charge)
    assert "0.1100 of 0.1100 USD" in str(refusal.value)
    assert [(review.state, review.limit_nusd) for review in rows(meter.database, BudgetReview)] == [
        ("raised", LIMIT),
        ("open", LIMIT + 10 * CALL),
    ]
    decide(meter.database, raised=CALL)
    meter.cap_events.apply_raises()
    spend(meter, charge, 1)
    assert meter.budget_state(channel_cap(meter, charge)).raised_nusd == 11 * CALL


def test_a_raise_survives_a_redis_that_is_away(
    connect: Callable[..., Meter],
    redis_server: Callable[[int | None], Any],
    database: Database,
    charge: Charge,
) -> None:
    """A decision while Redis is down is applied when it is back, from an old snapshot too."""
    server = redis_server(None)
    meter = connect(server.url, database)
    spend(meter, charge, 100)
    with pytest.raises(OverCap):
        begin_call(meter, charge)
    with redis.Redis.from_url(server.url) as client:
        client.save()
    server.kill()
    decide(database, raised=CALL)
    with pytest.raises(Transient):
        meter.cap_events.apply_raises()
    with database.read() as session:
        assert len(reviews.unapplied(session)) == 1
    redis_server(int(server.url.rsplit(":", 1)[1].split("/")[0]))
    meter.cap_events.apply_raises()
    spend(meter, charge, 1)
    with database.read() as session:
        assert reviews.unapplied(session) == []


def test_raises_are_applied_once(meter: Meter, charge: Charge, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the gate has been told is not told again, so that an account is not opened anew for nothing."""
    with pytest.raises(OverCap):
        begin_call(meter, charge, 100_001)
    decide(meter.database, raised=CALL)
    dropped: list[str] = []
    monkeypatch.setattr(Holds, "drop", lambda _gate, key: dropped.append(key))
    meter.cap_events.apply_raises()
    meter.cap_events.apply_raises()
    assert dropped == [channel_cap(meter, charge).key]


def test_after_a_raise_soft_caps_are_parts_of_the_new_limit(meter: Meter, charge: Charge) -> None:
    """What was told stays told; what was not is reached later, at its part of the raised limit."""
    spend(meter, charge, 60)
    with pytest.raises(OverCap):
        begin_call(meter, charge, 41_000)
    decide(meter.database, raised=LIMIT)
    meter.cap_events.apply_raises()
    spend(meter, charge, 50)  # 110 of 200 calls: half of it is told already
    assert noticed(meter.database) == [(50, 60 * CALL)]
    spend(meter, charge, 50)
    [_, notice] = rows(meter.database, BudgetNotice)
    assert (notice.percent, notice.spent_nusd, notice.limit_nusd) == (80, 160 * CALL, 2 * LIMIT)


def test_what_a_process_has_seen_is_not_written_again(meter: Meter, charge: Charge) -> None:
    """A soft cap that stays passed costs no transaction a call."""
    spend(meter, charge, 100)
    assert {percent for _, percent in meter.cap_events.seen} == {50, 80, 100}
    with meter.database.write() as session:
        session.query(BudgetNotice).delete()
    meter.cap_events.look()
    assert rows(meter.database, BudgetNotice) == []


def test_what_is_written_down_is_in_the_log_once(meter: Meter, charge: Charge) -> None:
    """Operators see a soft cap passed and a hard cap met when it happens, and not again."""
    with structlog.testing.capture_logs() as lines:
        spend(meter, charge, 60)
        for _ in range(2):
            with pytest.raises(OverCap):
                begin_call(meter, charge, 60_000)
        spend(meter, charge, 1)
    assert [line["event"] for line in lines] == ["budget.passed", "budget.reached"]
