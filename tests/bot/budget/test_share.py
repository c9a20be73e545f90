"""What is only held is no spending, and of what many share one person holds no more than a share."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from bot.budget import scripts
from bot.budget.admission import Full, Held, Holds, Over
from bot.budget.caps import Budgets, Cap
from bot.budget.metering import Meter, NoRoom, OverCap
from bot.budget.prices.pricing import Usage
from bot.budget.reservation import Charge
from bot.errors import ConfigError
from bot.store.db import Database
from bot.store.money.ledger import BudgetState, OpenCall
from bot.store.schema import BudgetNotice, BudgetReview, Purpose
from tests.support.budget_holds import begin_call
from tests.support.factories import rows
from tests.support.paths import CONFIG

if TYPE_CHECKING:
    import redis

QUARTER = Decimal("0.25")
NOTHING = BudgetState(0, ())
CALL = 128_200_000
"Nano-USD: of such calls 39 hold 4.9998 of 5 US dollars."


def books(_: Cap) -> BudgetState:
    return NOTHING


@pytest.fixture
def cap(cap: Cap) -> Cap:
    """Return the cap of five dollars on a channel."""
    return replace(cap, limit_nusd=5_000_000_000)


@dataclass(frozen=True)
class Asker:
    """Reserves calls of people under caps of which one person may hold a quarter."""

    holds: Holds

    def __call__(
        self,
        rid: str,
        amount: int,
        caps: list[Cap],
        *,
        person: str = "U1",
        recall: Callable[[Cap], BudgetState] = books,
    ) -> Held | Over | Full:
        """Try to hold an amount for somebody."""
        return self.holds.reserve(rid, amount, caps, recall, person=person, share=QUARTER)

    def end(self, held: Held | Over | Full) -> None:
        """Let a call end that cost next to nothing."""
        assert isinstance(held, Held)
        self.holds.settle(held.rid, held.accounts, cost=1)


@pytest.fixture
def ask(gate: Holds) -> Asker:
    """Return what reserves."""
    return Asker(gate)


def test_of_39_long_calls_of_one_person_nine_are_held_and_the_next_requester_is_served(ask: Asker, cap: Cap) -> None:
    """The tenth waits for the person's own, though the channel has plenty; anybody else's call is held at once."""
    answers = [ask(f"mine-{number}", CALL, [cap]) for number in range(39)]
    assert [isinstance(answer, Held) for answer in answers] == [True] * 9 + [False] * 30
    assert answers[9] == Full((cap,), 1_250_000_000 - 9 * CALL)
    assert isinstance(ask("theirs", CALL, [cap], person="U2"), Held)
    ask.end(answers[0])
    assert isinstance(ask("mine-again", CALL, [cap]), Held)


def test_one_call_fits_into_every_share(ask: Asker, cap: Cap) -> None:
    """A cap whose quarter is smaller than one call still serves each person one call at a time."""
    small = replace(cap, limit_nusd=2 * CALL)
    assert isinstance(ask("a", CALL, [small]), Held)
    assert ask("b", 1, [small]) == Full((small,), 2 * CALL // 4 - CALL)
    assert isinstance(ask("c", CALL, [small], person="U2"), Held)


@pytest.mark.parametrize(
    ("scope", "holder", "shared"),
    [
        ("channel", "C0HELP", True),
        ("channel", "G0PRIVATE", True),
        ("team", "T1", True),
        ("agent", "access", True),
        ("user", "U1", False),
        ("channel", "D0MINE", False),
        ("channel", "eval", False),
    ],
)
def test_every_budget_of_many_is_shared(ask: Asker, cap: Cap, scope: Any, holder: str, *, shared: bool) -> None:
    """Channels, teams and agents; a person's own budget and their direct messages are theirs alone."""
    one = replace(cap, scope=scope, holder=holder, key=f"{scope}:{holder}:now")
    assert one.shared is shared
    assert isinstance(ask("a", CALL * 9, [one]), Held)
    assert isinstance(ask("b", CALL, [one]), Full if shared else Held)


def test_a_raise_widens_the_share(ask: Asker, cap: Cap) -> None:
    """It is a share of the limit that is in force."""
    raised = BudgetState(0, (), 5_000_000_000)
    answers = [ask(f"{number}", CALL, [cap], recall=lambda _: raised) for number in range(30)]
    assert sum(isinstance(answer, Held) for answer in answers) == 19


def test_evaluations_count_against_no_share(ask: Asker, cap: Cap) -> None:
    """They are nobody's: as many as the cap holds may be under way."""
    assert all(isinstance(ask(f"{number}", CALL, [cap], person=""), Held) for number in range(39))


def test_what_redis_forgot_is_still_the_persons(ask: Asker, cap: Cap, raw: "redis.Redis") -> None:
    """An account that opens again knows from SQL whose the calls under way are, and forgets them as they end."""
    held = [ask(f"{number}", CALL, [cap]) for number in range(9)]
    raw.delete(f"budget:a:{cap.key}")
    known = BudgetState(0, tuple(OpenCall(str(number), CALL, "U1") for number in range(9)))
    assert isinstance(ask("more", CALL, [cap], recall=lambda _: known), Full)
    for one in held:
        ask.end(one)
    assert raw.hget(f"budget:a:{cap.key}", "by:U1") is None
    assert isinstance(ask("more", CALL, [cap]), Held)


def test_a_share_is_counted_in_one_step(ask: Asker, cap: Cap, raw: "redis.Redis") -> None:
    """Of forty threads at once nine get a hold, never ten; the sum of what people hold is what is held."""
    together = Barrier(8)
    first = ask("first", CALL, [cap])
    assert isinstance(first, Held)
    ask.end(first)  # or a hold of before another thread has loaded the scripts counts here, though it can never leave

    def held(number: int) -> bool:
        if number < 8:
            together.wait()
        return isinstance(ask(f"{number}", CALL, [cap]), Held)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(held, range(40))) == 9
    assert raw.hmget(f"budget:a:{cap.key}", "by:U1", "held") == [str(9 * CALL)] * 2


def test_without_the_guard_one_person_holds_it_all(ask: Asker, cap: Cap, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share, and nothing else, leaves room for others."""
    guard = "if share < 1 and person ~= ''"
    assert guard in scripts.SCRIPTS["reserve"]
    monkeypatch.setitem(scripts.SCRIPTS, "reserve", scripts.SCRIPTS["reserve"].replace(guard, "if false"))
    assert all(isinstance(ask(f"{number}", CALL, [cap]), Held) for number in range(39))
    assert isinstance(ask("theirs", CALL, [cap], person="U2"), Full)


def test_a_hold_that_was_never_sent_frees_the_share(ask: Asker, cap: Cap, raw: "redis.Redis") -> None:
    """A process that died before its call left takes nothing from the person for longer than the lease."""
    ask("a", CALL, [cap])
    raw.zadd("budget:leases", {"a": 1})
    [left] = ask.holds.expired()
    assert left.accounts == (f"budget:a:{cap.key}",)
    ask.holds.settle(left.rid, left.accounts, cost=0)
    assert raw.hget(left.accounts[0], "by:U1") is None


# Through the meter


@pytest.fixture
def budget() -> str:
    """Return a budget of 100 calls of 1,000 tokens for a channel, with the share that holds by default."""
    return "time_zone: UTC\nchannel: {default: {window: month, hard: '0.10', soft: [50, 80]}}\n"


def test_what_is_held_is_waited_for_and_opens_nothing(
    connect: Callable[..., Meter], redis_url: str, database: Database, charge: Charge
) -> None:
    """No review, no notice, no row: the call may be tried again, and goes as soon as another has ended."""
    meter = connect(redis_url, database)
    holding = [begin_call(meter, replace(charge, user=f"U{number}"), 24_000) for number in range(4)]
    for user in ("U9", "U1"):
        with pytest.raises(NoRoom) as full:
            begin_call(meter, replace(charge, user=user), 20_000)
        assert "used" not in str(full.value)
    assert [*rows(database, BudgetReview), *rows(database, BudgetNotice)] == []
    meter.void(holding[0])
    assert begin_call(meter, replace(charge, user="U9"), 20_000)


def test_what_is_spent_is_told_whatever_is_held(
    connect: Callable[..., Meter], redis_url: str, database: Database, charge: Charge
) -> None:
    """A call that does not fit beside what is spent is refused at once: waiting for others would not help."""
    meter = connect(redis_url, database)
    meter.end(begin_call(meter, charge, 90_000), Usage("coin", 90_000), tool=None)
    begin_call(meter, replace(charge, user="U2"), 5_000)
    with pytest.raises(OverCap):
        begin_call(meter, charge, 11_000)
    assert len(rows(database, BudgetReview)) == 1


def test_the_ledger_knows_whose_an_open_call_is(
    connect: Callable[..., Meter], redis_url: str, database: Database, charge: Charge
) -> None:
    """A person's, or nobody's: an evaluation's."""
    meter = connect(redis_url, database)
    mine = begin_call(meter, charge)
    evaluation = begin_call(meter, replace(charge, purpose=Purpose.EVAL))
    [cap] = mine.caps
    assert {call.rid: call.person for call in meter.budget_state(cap).under_way} == {mine.rid: "U1", evaluation.rid: ""}


def test_a_prompt_is_counted_before_it_waits(
    connect: Callable[..., Meter], redis_url: str, database: Database, charge: Charge
) -> None:
    """Most prompts are a quarter of their bytes: what fits once counted need not wait."""
    meter = connect(redis_url, database)
    begin_call(meter, charge, 15_000)
    reservation = meter.begin(charge, model="coin", prompt_bytes=20_000, max_tokens=0, count=lambda: 5_000)
    assert reservation.reserved_nusd == 5_000_000


@pytest.mark.parametrize("wrong", ["0", "-0.25", "1.01", "true", "quarter", ".nan"])
def test_a_wrong_share_names_the_field(tmp_path: Path, wrong: str) -> None:
    """Nothing, more than all, or no number."""
    file = tmp_path / "budgets.yaml"
    file.write_text(f"time_zone: UTC\nshare: {wrong}\n")
    with pytest.raises(ConfigError, match=r"budgets\.yaml: share: expected"):
        Budgets.load(file)


def test_evaluations_are_no_persons_and_no_teams() -> None:
    """What is shipped for people does not stop an evaluation; its own cap and its agent's do."""
    budgets = Budgets.load(CONFIG / "budgets.yaml")
    at = datetime.now(UTC)
    evaluation = budgets.accounts(team="T0EVAL", channel="eval", user="U0EVAL", agent="access", at=at)
    assert [(cap.scope, cap.holder) for cap in evaluation] == [("channel", "eval")]
    turn = budgets.accounts(team="T1", channel="C0HELP", user="U1", agent="access", at=at)
    assert [cap.scope for cap in turn] == ["channel", "user", "team"]


def test_the_shipped_budgets_leave_room_for_others() -> None:
    """One person can neither spend a channel's budget nor hold more than a quarter of it; a team is capped as well."""
    budgets = Budgets.load(CONFIG / "budgets.yaml")
    assert budgets.share == QUARTER
    channel, user, team = budgets.channel.default, budgets.user.default, budgets.team.default
    assert channel
    assert user
    assert team
    assert channel.window == user.window == team.window == "day"
    assert user.hard * 4 <= channel.hard <= team.hard
