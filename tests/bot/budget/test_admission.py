import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.budget import admission
from bot.budget.admission import Full, Holds, Over, Spent
from bot.budget.caps import Cap
from bot.errors import ConfigError, Transient
from bot.store.money.ledger import BudgetState, OpenCall
from tests.support.budget_holds import KnownStates, must_be_held, spent_and_held

if TYPE_CHECKING:
    import redis


def test_a_hold_fits_up_to_the_limit_and_not_one_nano_dollar_further(gate: Holds, cap: Cap) -> None:
    """Holds and spending together reach the cap and never pass it."""
    books = KnownStates(C1=BudgetState(4_000, (OpenCall("other", 1_000),)))
    assert gate.reserve("a", 6_001, [cap], books) == Over(cap, 4_000, 1_000)
    assert gate.reserve("a", 5_001, [cap], books) == Full((cap,), 5_000)
    assert must_be_held(gate.reserve("b", 5_000, [cap], books)).rid == "b"
    assert gate.reserve("c", 1, [cap], books) == Full((cap,), 0)


def test_a_missing_account_is_filled_from_sql_and_never_counts_as_zero(
    gate: Holds, raw: "redis.Redis", cap: Cap
) -> None:
    """However the account is lost, the next reservation asks SQL before it answers."""
    books = KnownStates(C1=BudgetState(9_999, ()))
    for lost in ([f"budget:a:{cap.key}"], raw.keys("*")):
        raw.delete(f"budget:a:{cap.key}", *lost)
        before = len(books.asked)
        assert isinstance(gate.reserve("a", 2, [cap], books), Over)
        assert len(books.asked) == before + 1
    assert isinstance(gate.reserve("a", 2, [cap], books), Over)
    assert len(books.asked) == 2


def test_the_same_reservation_twice_is_one_hold(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """Asking again under the same id answers the same and holds nothing more."""
    first = gate.reserve("a", 6_000, [cap], KnownStates())
    assert gate.reserve("a", 6_000, [cap], KnownStates()) == first
    assert spent_and_held(raw, cap) == ("0", "6000")


def test_a_call_is_held_on_every_account_or_on_none(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """The one scope that is full denies the call, and the others hold nothing for it."""
    poor = replace(cap, key="user:U1:now", scope="user", holder="U1", limit_nusd=10)
    answer = gate.reserve("a", 11, [cap, poor], KnownStates())
    assert isinstance(answer, Over)
    assert answer.cap is poor
    assert spent_and_held(raw, cap) == ("0", "0")
    both = must_be_held(gate.reserve("b", 10, [cap, poor], KnownStates()))
    gate.settle("b", both.accounts, cost=4)
    assert spent_and_held(raw, cap) == spent_and_held(raw, poor) == ("4", "0")


def test_of_several_caps_the_one_that_resets_last_is_named_first(gate: Holds, cap: Cap) -> None:
    """A call that fits under neither of two is told of both; what would fit is what fits under all."""
    month = replace(cap, key="user:U1:month", scope="user", holder="U1", resets_at=cap.resets_at + timedelta(days=9))
    wide = replace(cap, key="team:T1:now", scope="team", holder="T1", limit_nusd=20_000)
    answer = gate.reserve(
        "a", 10_001, [cap, wide, month], KnownStates(C1=BudgetState(4_000, ()), U1=BudgetState(1_000, (), 500))
    )
    assert answer == Over(month, 1_000, 0, 500, (Over(cap, 4_000, 0),))
    assert answer.room_nusd == 6_000


def test_a_call_is_not_dispatched_under_another_generation(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """An account opened again since the hold did not see its row: the call may not leave."""
    late = must_be_held(gate.reserve("a", 6_000, [cap], KnownStates()))
    raw.delete(f"budget:a:{cap.key}")
    early = must_be_held(gate.reserve("b", 6_000, [cap], KnownStates()))
    assert not gate.dispatch(late)
    assert gate.dispatch(early)


def test_a_lost_hold_is_not_dispatched(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """Without its hold a call may not leave, although its account is untouched."""
    lost = must_be_held(gate.reserve("a", 1, [cap], KnownStates()))
    raw.delete("budget:r:a")
    assert not gate.dispatch(lost)


def test_an_account_that_is_being_opened_holds_nothing(
    gate: Holds, raw: "redis.Redis", cap: Cap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one opener reads SQL nobody is admitted; when it stays away another takes its place."""
    monkeypatch.setattr(admission, "OPENING_PATIENCE_MS", 200)
    start = int(cap.window_start.timestamp() * 1000)
    must_be_held(gate.reserve("first", 1, [], KnownStates()))
    began = time.monotonic()  # before the opening, so that a pause of the machine between the two does not count
    assert gate._run("open", [f"budget:a:{cap.key}", "budget:file"], ["gone", start, 200])
    assert must_be_held(gate.reserve("a", 1, [cap], KnownStates()))
    assert time.monotonic() - began > 0.15
    assert raw.hget(f"budget:a:{cap.key}", "gen") != "gone"


def test_a_stale_reading_fills_nothing(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """A call that is resolved while SQL is read makes the reading void: it is read again."""
    account = f"budget:a:{cap.key}"
    readings = [BudgetState(0, (OpenCall("under-way", 9_000),)), BudgetState(3_000, ())]

    def recall(_: Cap) -> BudgetState:
        reading = readings.pop(0)
        if readings:  # the first time round, its end comes between the reading and the filling
            gate.settle("under-way", [account], cost=3_000)
        return reading

    assert must_be_held(gate.reserve("a", 5_000, [cap], recall))
    assert spent_and_held(raw, cap) == ("3000", "5000")
    assert not readings


def test_an_opener_that_was_replaced_fills_nothing(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """Only the last opener's reading counts; one that slept through its turn is told so."""
    account, start = f"budget:a:{cap.key}", int(cap.window_start.timestamp() * 1000)
    closing = int(cap.resets_at.timestamp() * 1000)
    must_be_held(gate.reserve("first", 1, [], KnownStates()))
    for gen in ("slow", "quick"):
        assert gate._run("open", [account, "budget:file"], [gen, start, 0])
    assert not gate._run("fill", [account, "budget:leases"], ["slow", 0, 0, closing, 1_000])
    assert raw.hget(account, "state") == "opening"
    assert gate._run("fill", [account, "budget:leases"], ["quick", 7, 0, closing, 1_000])
    assert spent_and_held(raw, cap) == ("7", "0")


def test_another_window_start_opens_the_account_again(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """A changed time zone gives the same local date other bounds: the old figures do not count."""
    first = must_be_held(gate.reserve("a", 9_000, [cap], KnownStates()))
    moved = replace(cap, window_start=cap.window_start - timedelta(hours=5))
    assert isinstance(gate.reserve("b", 2_000, [moved], KnownStates(C1=BudgetState(8_500, ()))), Over)
    assert not gate.dispatch(first)


def test_another_budget_file_opens_every_account_again(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """Calls under another file may have passed an account by; what is held under it and has not left cannot leave."""
    books = KnownStates()
    old = must_be_held(gate.reserve("a", 1_000, [cap], books, version="old"))
    none = must_be_held(gate.reserve("b", 1_000, [], books, version="old"))
    raw.hset("budget:file", "since", 0)
    must_be_held(gate.reserve("c", 1, [cap], KnownStates(C1=BudgetState(2_000, ())), version="new"))
    assert spent_and_held(raw, cap) == ("2000", "1")
    assert not gate.dispatch(old)
    assert not gate.dispatch(none)
    raw.hset("budget:file", "since", 2 * 10**12)  # Redis' clock was ahead, and was put right
    assert gate.reserve("d", 1, [cap], KnownStates(C1=BudgetState(10_000, ())), version="old") == Over(cap, 10_000, 0)


def test_two_budget_files_relieve_one_another(gate: Holds, cap: Cap, monkeypatch: pytest.MonkeyPatch) -> None:
    """While processes have different files, each counts for a moment: accounts are not opened for every call."""
    monkeypatch.setattr(admission, "EPOCH_MS", 100)
    books = KnownStates()
    began = time.monotonic()  # before the first, so that a pause of the machine between the two does not count
    must_be_held(gate.reserve("a", 1, [cap], books, version="old"))
    must_be_held(gate.reserve("b", 1, [cap], books, version="new"))
    assert time.monotonic() - began > 0.05
    must_be_held(gate.reserve("c", 1, [cap], books, version="new"))
    assert len(books.asked) == 2


def test_a_settlement_on_an_account_opened_again_drops_it(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """Figures that may have been read before the settlement are not corrected but read again."""
    late = must_be_held(gate.reserve("a", 6_000, [cap], KnownStates()))
    raw.delete(f"budget:a:{cap.key}")
    must_be_held(gate.reserve("b", 1_000, [cap], KnownStates(C1=BudgetState(2_000, ()))))
    gate.settle("a", late.accounts, cost=10)
    assert raw.exists(f"budget:a:{cap.key}") == 0


def test_a_refilled_account_carries_its_open_calls(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """A call under way while its account was lost settles on the new one as if nothing had been."""
    flying = must_be_held(gate.reserve("a", 6_000, [cap], KnownStates()))
    assert gate.dispatch(flying)
    raw.flushall()
    must_be_held(gate.reserve("b", 1_000, [cap], KnownStates(C1=BudgetState(500, (OpenCall("a", 6_000),)))))
    assert spent_and_held(raw, cap) == ("500", "7000")
    gate.settle("a", flying.accounts, cost=100)
    assert spent_and_held(raw, cap) == ("600", "1000")


def test_a_hold_past_its_lease_cannot_be_dispatched_any_more(redis_url: str, raw: "redis.Redis", cap: Cap) -> None:
    """Once the sweep has seen an unsent hold, a process that wakes up late sends nothing."""
    gate = Holds.connect(redis_url, lease_seconds=60)
    try:
        slow = must_be_held(gate.reserve("slow", 1, [cap], KnownStates()))
        sent = must_be_held(gate.reserve("sent", 1, [cap], KnownStates()))
        assert gate.dispatch(sent)
        assert gate.expired() == ()
        for rid in ("slow", "sent"):
            raw.zincrby("budget:leases", -60_000, rid)
        assert {(found.rid, found.accounts) for found in gate.expired()} == {
            ("slow", slow.accounts),
            ("sent", sent.accounts),
        }
        assert not gate.dispatch(slow)
        assert gate.dispatch(sent)
    finally:
        gate.close()


def test_a_call_settles_on_accounts_that_another_file_has_put_it_on(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """A cap that is new in the budget file holds the calls under way; each moves there too when it ends."""
    flying = must_be_held(gate.reserve("a", 6_000, [cap], KnownStates()))
    assert gate.dispatch(flying)
    new = replace(cap, key="user:U1:now", scope="user", holder="U1")
    must_be_held(gate.reserve("b", 1_000, [new], KnownStates(U1=BudgetState(500, (OpenCall("a", 6_000),)))))
    assert spent_and_held(raw, new) == ("500", "7000")
    gate.settle("a", flying.accounts, cost=100)
    assert spent_and_held(raw, cap) == ("100", "0")
    assert spent_and_held(raw, new) == ("600", "1000")


def test_great_sums_are_told_to_the_last_nano_dollar(gate: Holds, cap: Cap) -> None:
    """A million dollars, and each nano-dollar of it, go in and out of Redis."""
    million = 10**15
    rich = replace(cap, limit_nusd=million)
    one = must_be_held(gate.reserve("a", 1, [rich], KnownStates(C1=BudgetState(million - 3, ()))))
    assert gate.settle("a", one.accounts, cost=1) == (Spent(cap.key, million - 2, 0),)
    assert gate.reserve("b", 3, [rich], KnownStates()) == Over(rich, million - 2, 0)
    assert must_be_held(gate.reserve("c", 2, [rich], KnownStates()))
    assert list(gate.open_accounts()) == [(Spent(cap.key, million - 2, 0), cap.window_start)]


def test_a_raise_counts_for_the_account_that_was_opened_with_it(gate: Holds, cap: Cap) -> None:
    """The limit in force is the file's and what its owner has added, and a refusal says so."""
    assert must_be_held(gate.reserve("a", 10_500, [cap], KnownStates(C1=BudgetState(0, (), 500))))
    assert gate.reserve("b", 1, [cap], KnownStates()) == Full((cap,), 0)
    assert gate.reserve("b", 10_501, [cap], KnownStates()) == Over(cap, 0, 10_500, 500)


def test_a_dropped_account_is_read_again(gate: Holds, cap: Cap) -> None:
    """What was decided about an account counts from the next call on; a call under way is not lost by it."""
    flying = must_be_held(gate.reserve("a", 9_000, [cap], KnownStates()))
    assert gate.dispatch(flying)
    gate.drop(cap.key)
    books = KnownStates(C1=BudgetState(0, (OpenCall("a", 9_000),), 2_000))
    assert must_be_held(gate.reserve("b", 3_000, [cap], books))
    assert gate.settle("a", flying.accounts, cost=9_000) == (Spent(cap.key, 9_000, 2_000),)


def test_an_account_dropped_while_it_is_filled_is_read_once_more(gate: Holds, cap: Cap) -> None:
    """A reading from before the decision never opens the account."""
    readings = [BudgetState(0, ()), BudgetState(0, (), 2_000)]

    def recall(_: Cap) -> BudgetState:
        reading = readings.pop(0)
        if readings:
            gate.drop(cap.key)
        return reading

    assert must_be_held(gate.reserve("a", 12_000, [cap], recall))
    assert not readings


def test_only_open_accounts_stand(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """Every open account is told once, one that is being opened not at all."""
    for number in range(250):
        must_be_held(
            gate.reserve(
                f"r{number}", 1, [replace(cap, key=f"channel:C{number}:now", holder=f"C{number}")], KnownStates()
            )
        )
    gate._run("open", ["budget:a:channel:C0:now", "budget:file"], ["x", 0, 0])
    stand = [one for one, _ in gate.open_accounts()]
    assert sorted(one.account for one in stand) == sorted(f"channel:C{number}:now" for number in range(1, 250))
    assert {(one.spent_nusd, one.raised_nusd) for one in stand} == {(0, 0)}
    assert raw.dbsize() > len(stand)


def test_a_redis_that_is_full_or_evicts_is_refused(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """Eviction is refused at the start; a full Redis admits nothing."""
    gate.check()
    must_be_held(gate.reserve("a", 1, [cap], KnownStates()))
    try:
        raw.config_set("maxmemory", 1)
        with pytest.raises(Transient):
            gate.reserve("b", 1, [cap], KnownStates())
        raw.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(ConfigError, match="maxmemory-policy is allkeys-lru"):
            gate.check()
    finally:
        raw.config_set("maxmemory", 0)
        raw.config_set("maxmemory-policy", "noeviction")


def test_accounts_leave_redis_after_their_window(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """No job clears old windows: an account lives until a day after its window."""
    must_be_held(gate.reserve("a", 1, [cap], KnownStates()))
    left = cap.resets_at + timedelta(days=1)
    assert abs(time.time() + raw.ttl(f"budget:a:{cap.key}") - left.timestamp()) < 5
