"""Trials by chance (`trials/`), and the interleavings that each guard of the scripts is there for.

A guard is taken out in one test's Redis only. That the same interleaving then overspends shows that the
guard, and nothing else, is what keeps the cap.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bot.budget import scripts
from bot.budget.admission import Holds
from bot.budget.metering import Meter, NoRoom, OverCap
from bot.budget.prices.pricing import Usage
from bot.budget.reservation import Charge, Reservation
from bot.store.money import ledger
from tests.bot.budget.trials import budget_trial

if TYPE_CHECKING:
    import redis

LIMIT = 100_000_000
NUSD_A_TOKEN = 1_000
ALL, MOST = 100_000, 60_000
"Tokens: as many as the cap pays for, and so many that two such calls are too many."

Patch = pytest.MonkeyPatch


@pytest.mark.both_databases
def test_no_cap_is_passed_and_nothing_is_lost_whatever_breaks(database_url: str, tmp_path: Path) -> None:
    """Processes die, accounts vanish, Redis forgets all or comes back old, caps are raised: the books are right."""
    report = budget_trial.run_trials(1, seed=5, seconds=3.0, database_url=database_url, folder=tmp_path, say=print)
    assert report["met"], report
    assert min(report[what] for what in ("calls", "kills", "flushes")) > 0, report


class Till:
    """Makes calls, and knows what left."""

    def __init__(self, meter: Meter, raw: "redis.Redis", charge: Charge) -> None:
        self.meter, self.raw, self._charge = meter, raw, charge
        self._left: dict[str, int] = {}

    def begin(self, tokens: int) -> Reservation | None:
        """Let a call leave, or None when it is refused."""
        try:
            reservation = self.meter.begin(self._charge, model="coin", prompt_bytes=tokens, max_tokens=0)
        except (OverCap, NoRoom):
            return None
        self._left[reservation.rid] = tokens
        return reservation

    def end(self, reservation: Reservation | None, tokens: int) -> None:
        """Let the answer come: so many tokens are billed."""
        assert reservation is not None
        self._left[reservation.rid] = tokens
        self.meter.end(reservation, Usage("coin", tokens), tool=None)

    def evict(self) -> None:
        """Let Redis forget the accounts."""
        self.raw.delete(*self.raw.keys("budget:a:*"))

    def open(self) -> None:
        """Let somebody open the accounts, with a call that costs nothing."""
        self.meter.void(self.meter.begin(self._charge, model="coin", prompt_bytes=1, max_tokens=0))

    def overspent(self) -> int:
        """Return what has left beyond the cap, in nano-USD; a call under way may cost all that it was allowed."""
        return max(0, sum(self._left.values()) * NUSD_A_TOKEN - LIMIT)


def an_account_is_lost(till: Till, _patch: Patch) -> None:
    """Everything is spent; then Redis forgets the account."""
    till.end(till.begin(ALL), ALL)
    till.evict()
    till.begin(1_000)


def an_account_is_opened_before_the_row_is_there(till: Till, patch: Patch) -> None:
    """A call is held; the account is lost, and opened by a rival who cannot see the row that is not written yet."""
    reserve = Holds.reserve

    def slow(*args: Any, **kwargs: Any) -> Any:
        patch.setattr(Holds, "reserve", reserve)
        held = reserve(*args, **kwargs)
        till.evict()
        assert till.begin(MOST)
        return held

    patch.setattr(Holds, "reserve", slow)
    till.begin(MOST)


def an_account_is_opened_between_both_settlements(till: Till, patch: Patch) -> None:
    """A call is settled in SQL; the account is opened with that; only then Redis hears of the settlement."""
    settle = Holds.settle

    def slow(*args: Any, **kwargs: Any) -> Any:
        patch.setattr(Holds, "settle", settle)
        till.evict()
        till.open()
        return settle(*args, **kwargs)

    patch.setattr(Holds, "settle", slow)
    till.end(till.begin(MOST), 1_000)
    till.begin(ALL - 2_000)
    till.begin(MOST)


def an_opener_is_overtaken(till: Till, patch: Patch) -> None:
    """An opener has read SQL; the account is lost again, a rival opens it and spends; then the opener fills it."""
    standing = Meter.budget_state

    def slow(meter: Meter, cap: Any) -> ledger.BudgetState:
        patch.setattr(Meter, "budget_state", standing)
        found = standing(meter, cap)
        till.evict()
        assert till.begin(MOST)
        return found

    patch.setattr(Meter, "budget_state", slow)
    till.begin(MOST)


def a_process_wakes_while_its_hold_is_freed(till: Till, patch: Patch) -> None:
    """A process sleeps past its lease. The sweep sees no row and frees the hold, but in between the process goes on."""
    dispatch = Holds.dispatch

    def late(gate: Holds, held: Any) -> bool:
        patch.setattr(Holds, "dispatch", dispatch)
        with till.meter.database.write() as session:  # the sweep looks before the row is committed
            ledger.withdraw(session, held.rid)
        till.raw.zadd("budget:leases", {held.rid: 1})
        [left] = gate.expired()
        leaves = dispatch(gate, held)
        gate.settle(left.rid, left.accounts, cost=0)
        assert till.begin(MOST)
        return leaves

    patch.setattr(Holds, "dispatch", late)
    till.begin(MOST)


Interleaving = Callable[[Till, Patch], None]

GUARDS: dict[Interleaving, tuple[str, str, str]] = {
    an_account_is_lost: (
        "reserve",
        "return {'MISSING', i - 4}",
        (
            "redis.call('HSET', KEYS[i], 'state', 'open', 'start', ARGV[2 * i - 1], 'epoch', epoch, "
            "'gen', '0', 'spent', '0', 'held', '0', 'raised', '0')"
        ),
    ),
    an_account_is_opened_before_the_row_is_there: (
        "dispatch",
        "if redis.call('HGET', KEYS[i], 'gen') ~= ARGV[i - 2] then return 0 end",
        "",
    ),
    an_account_is_opened_between_both_settlements: ("settle", "gen and open[1] == gen and", ""),
    an_opener_is_overtaken: (
        "fill",
        "if account[1] ~= 'opening' or account[2] ~= ARGV[1] then return 0 end",
        "",
    ),
    a_process_wakes_while_its_hold_is_freed: ("dispatch", "or hold[2]", ""),
}
"By what goes wrong: the script, its guard, and what stands in its place when it is taken out."


@pytest.mark.parametrize("goes_wrong", GUARDS, ids=lambda one: one.__name__)
def test_a_guard_keeps_the_cap(
    meter: Meter, raw: "redis.Redis", charge: Charge, goes_wrong: Interleaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong at the worst moment, not a nano-dollar leaves beyond the cap."""
    till = Till(meter, raw, charge)
    goes_wrong(till, monkeypatch)
    assert till.overspent() == 0


@pytest.mark.parametrize("goes_wrong", GUARDS, ids=lambda one: one.__name__)
def test_without_its_guard_the_cap_is_passed(
    meter: Meter, raw: "redis.Redis", charge: Charge, goes_wrong: Interleaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with the guard taken out of its script overspends: missing counts as zero, no generation is checked."""
    script, guard, instead = GUARDS[goes_wrong]
    assert guard in scripts.SCRIPTS[script]
    monkeypatch.setitem(scripts.SCRIPTS, script, scripts.SCRIPTS[script].replace(guard, instead))
    till = Till(meter, raw, charge)
    goes_wrong(till, monkeypatch)
    assert till.overspent() > 0
