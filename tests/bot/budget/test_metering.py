import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import sqlalchemy

from bot.budget.admission import Holds
from bot.budget.caps import Cap
from bot.budget.metering import Meter, NoRoom, OverCap
from bot.budget.prices.pricing import Unpriced, Usage
from bot.budget.reservation import Charge, Reservation
from bot.errors import Transient
from bot.store.db import Database, Session
from bot.store.money import ledger
from bot.store.schema import LedgerRow, Purpose, now
from tests.support import forked_processes
from tests.support.budget_holds import begin_call
from tests.support.forked_processes import Forked

if TYPE_CHECKING:
    import redis

LIMIT = 100_000_000
CALL = 1_000_000  # what 1,000 tokens of "coin" cost


class Connect(Protocol):
    """Connects a meter."""

    def __call__(self, redis_url: str, database: Database, *, lease_seconds: float = ...) -> Meter:
        """Return it."""


@pytest.fixture
def meter(connect: Connect, redis_url: str, database: Database) -> Meter:
    """Return a meter on a real Redis and both databases."""
    return connect(redis_url, database)


@dataclass(frozen=True)
class Spender:
    """A process of `spender.py`."""

    process: Forked
    result: Path
    log: Path

    @property
    def is_ready(self) -> bool:
        """Return whether it waits for the file `go`."""
        return self.result.with_suffix(".ready").exists()

    def outcome(self) -> dict[str, int]:
        """Wait until it has ended, and return what it wrote down."""
        assert self.process.wait(timeout=300) == 0, self.log.read_text()
        return dict(json.loads(self.result.read_text("utf-8")))


Spend = Callable[..., Spender]


@pytest.fixture
def spend(files: Path, redis_url: str, postgres_url: str) -> Iterator[Spend]:
    """Return a function that starts a process of `spender.py` on the real Redis and PostgreSQL."""
    started: list[Spender] = []

    def start(**order: Any) -> Spender:
        result = files / f"spender-{len(started)}.json"
        order = {
            "folder": str(files),
            "redis": redis_url,
            "database": postgres_url,
            "threads": 1,
            "calls": 1,
            "tokens": 1_000,
            "used": 1_000,
            "lease": 60.0,
            "result": str(result),
        } | order
        log = result.with_suffix(".log")
        with log.open("wb") as output:
            process = forked_processes.start(["tests.bot.budget.spender", json.dumps(order)], os.environ, output=output)
        started.append(Spender(process, result, log))
        return started[-1]

    yield start
    for spender in started:
        spender.process.kill()
        spender.process.wait(timeout=300)


def rows(database: Database) -> list[tuple[str, int, int]]:
    with database.read() as session:
        found = session.execute(sqlalchemy.select(LedgerRow.state, LedgerRow.reserved_nusd, LedgerRow.cost_nusd))
        return [(state, reserved, cost) for state, reserved, cost in found]


def counted(database: Database) -> int:
    """Return what counts against the cap by the ledger."""
    return sum(reserved if state == "sent" else cost for state, reserved, cost in rows(database))


def account(meter: Meter, raw: "redis.Redis", charge: Charge) -> dict[str, str] | None:
    key = f"budget:a:{channel_cap(meter, charge).key}"
    return {name: str(raw.hget(key, name)) for name in ("spent", "held")} if raw.exists(key) else None


def channel_cap(meter: Meter, charge: Charge) -> Cap:
    caps = meter.budgets.accounts(
        team=charge.team, channel=charge.channel, user=charge.user, agent=charge.agent, at=datetime.now(UTC)
    )
    return caps[0]


def test_a_call_is_written_down_then_settled(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """Begin commits a row in state sent that holds the worst case; end settles the true cost."""
    reservation = begin_call(meter, charge)
    assert rows(meter.database) == [("sent", CALL, 0)]
    assert account(meter, raw, charge) == {"spent": "0", "held": str(CALL)}
    usage = Usage("coin", 1, 20, 300, 4_000, 50_000)
    assert meter.end(reservation, usage, tool="unlock_my_account") == 54_321_000
    with meter.database.read() as session:
        row = session.scalars(sqlalchemy.select(LedgerRow)).one()
    assert (row.state, row.cost_nusd, row.tool) == ("settled", 54_321_000, "unlock_my_account")
    assert row.price_version == meter.prices.version
    assert (row.input_tokens, row.cache_read_tokens, row.output_tokens) == (1, 20, 50_000)
    assert (row.cache_write_5m_tokens, row.cache_write_1h_tokens) == (300, 4_000)
    assert account(meter, raw, charge) == {"spent": "54321000", "held": "0"}
    assert meter.budget_state(channel_cap(meter, charge)).spent_nusd == 54_321_000
    assert raw.keys("budget:r:*") == []


def test_over_the_cap_nothing_is_written(meter: Meter, charge: Charge) -> None:
    """The refusal names the cap and when it resets, is a budget's, and leaves no row."""
    with pytest.raises(OverCap) as refusal:
        begin_call(meter, charge, tokens=LIMIT // 1_000 + 1)
    assert refusal.value.reason == "budget"
    assert refusal.value.cap == channel_cap(meter, charge)
    assert rows(meter.database) == []


def test_every_scope_must_have_room(meter: Meter, charge: Charge) -> None:
    """A person's own cap stops them while their channel has plenty."""
    poor = Charge("T1", "C0HELP", "U0POOR", "access", "access@1", None, None, 0, Purpose.TURN)
    begin_call(meter, poor)
    meter.end(begin_call(meter, poor), Usage("coin", 1_000), tool=None)
    with pytest.raises(OverCap) as refusal:
        begin_call(meter, poor, tokens=1_001)
    assert refusal.value.cap.scope == "user"
    begin_call(meter, charge)


def test_an_unknown_model_is_refused_before_anything_is_held(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """A model without a price never reaches the accounts."""
    with pytest.raises(Unpriced):
        meter.begin(charge, model="claude-sonnet-9", prompt_bytes=1, max_tokens=1)
    assert rows(meter.database) == []
    assert raw.keys("budget:r:*") == []


def test_the_first_settlement_stands(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """A second end, and a void after it, change neither SQL nor Redis, and answer the first cost."""
    reservation = begin_call(meter, charge)
    assert meter.end(reservation, Usage("coin", 10), tool=None) == 10_000
    assert meter.end(reservation, Usage("coin", 999), tool="x") == 10_000
    meter.void(reservation)
    assert rows(meter.database) == [("settled", CALL, 10_000)]
    assert account(meter, raw, charge) == {"spent": "10000", "held": "0"}


def test_a_call_that_was_not_billed_costs_nothing(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """A void frees the hold and leaves a row settled at zero."""
    meter.void(begin_call(meter, charge))
    assert rows(meter.database) == [("settled", CALL, 0)]
    assert account(meter, raw, charge) == {"spent": "0", "held": "0"}


def test_a_usage_without_a_price_is_charged_at_the_worst_case(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """What was already spent and cannot be priced counts in full, visibly."""
    assert meter.end(begin_call(meter, charge), Usage("surprise", 5), tool=None) == CALL
    assert rows(meter.database) == [("charged", CALL, CALL)]
    assert account(meter, raw, charge) == {"spent": str(CALL), "held": "0"}


def test_a_flushed_redis_between_begin_and_end(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """SQL decides a settlement that Redis has forgotten; the next call finds the whole spending."""
    reservation = begin_call(meter, charge)
    raw.flushall()
    assert meter.end(reservation, Usage("coin", 700), tool=None) == 700_000
    begin_call(meter, charge)
    assert account(meter, raw, charge) == {"spent": "700000", "held": str(CALL)}


def test_a_flush_while_a_row_is_written_sends_it_round_again(
    meter: Meter, charge: Charge, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hold that was lost before its dispatch leaves no row; the call starts again and is counted once."""
    written: list[str] = []

    def record(session: Any, row: LedgerRow) -> None:
        written.append(row.rid)
        session.add(row)
        if len(written) == 1:
            raw.flushall()

    monkeypatch.setattr(ledger, "record", record)
    reservation = begin_call(meter, charge)
    assert len(written) == 2
    assert reservation.rid == written[1]
    assert rows(meter.database) == [("sent", CALL, 0)]
    begin_call(meter, charge)
    assert account(meter, raw, charge) == {"spent": "0", "held": str(2 * CALL)}


def test_an_account_opened_between_the_row_and_the_dispatch(
    meter: Meter, charge: Charge, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generation check: two calls of 60 % never leave together, whoever opened the account last."""
    dispatch = Holds.dispatch
    rivals: list[Reservation] = []

    def late(gate: Holds, held: Any) -> bool:
        monkeypatch.setattr(Holds, "dispatch", dispatch)
        with meter.database.write() as session:  # as if its row were committed after the rival's reading
            moved = session.execute(sqlalchemy.delete(LedgerRow).returning(LedgerRow.rid)).scalars().all()
        raw.delete(f"budget:a:{channel_cap(meter, charge).key}")
        rivals.append(begin_call(meter, charge, tokens=60_000))
        assert moved == [held.rid]
        return dispatch(gate, held)

    monkeypatch.setattr(Holds, "dispatch", late)
    with pytest.raises(NoRoom):
        begin_call(meter, charge, tokens=60_000)
    assert [state for state, _, _ in rows(meter.database)] == ["sent"]
    assert len(rivals) == 1


@pytest.mark.parametrize("trouble", ["no replicas", "spoilt"])
def test_a_redis_that_refuses_spoils_no_settlement(
    meter: Meter, charge: Charge, raw: "redis.Redis", trouble: str
) -> None:
    """SQL has the cost, so the answer that was paid for is not lost, whatever Redis says to it."""
    reservation = begin_call(meter, charge)
    try:
        if trouble == "spoilt":
            raw.set(f"budget:a:{channel_cap(meter, charge).key}", "no hash")
        else:
            raw.config_set("min-replicas-to-write", 1)
            with pytest.raises(Transient):
                begin_call(meter, charge)
        assert meter.end(reservation, Usage("coin", 10), tool=None) == 10_000
    finally:
        raw.config_set("min-replicas-to-write", 0)
    assert rows(meter.database) == [("settled", CALL, 10_000)]


def test_redis_down_admits_nothing(
    connect: Connect, redis_server: Callable[[int | None], Any], database: Database, charge: Charge
) -> None:
    """Without Redis no call begins and no row stays; a call under way still settles in SQL."""
    server = redis_server(None)
    meter = connect(server.url, database)
    reservation = begin_call(meter, charge)
    server.kill()
    with pytest.raises(Transient):
        begin_call(meter, charge)
    assert len(rows(database)) == 1
    assert meter.end(reservation, Usage("coin", 10), tool=None) == 10_000
    assert rows(database) == [("settled", CALL, 10_000)]


def test_redis_dying_before_the_dispatch_admits_nothing(
    connect: Connect,
    redis_server: Callable[[int | None], Any],
    database: Database,
    charge: Charge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When the last look cannot be taken the call does not leave, and its row is withdrawn."""
    server = redis_server(None)
    meter = connect(server.url, database)
    record = ledger.record

    def fatal(session: Any, row: LedgerRow) -> None:
        record(session, row)
        server.kill()

    monkeypatch.setattr(ledger, "record", fatal)
    with pytest.raises(Transient):
        begin_call(meter, charge)
    assert rows(database) == []


def test_sql_down_admits_nothing(
    meter: Meter, charge: Charge, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the row cannot be written the call does not leave, and holds nothing."""
    begin_call(meter, charge)

    def broken(_session: Any, _row: LedgerRow) -> None:
        raise sqlalchemy.exc.OperationalError("INSERT", {}, OSError("disk"))

    monkeypatch.setattr(ledger, "record", broken)
    with pytest.raises(Transient):
        begin_call(meter, charge)
    assert len(rows(meter.database)) == 1
    assert account(meter, raw, charge) == {"spent": "0", "held": str(CALL)}


def test_the_sweep_leaves_calls_under_way_alone(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """Nothing whose lease runs is charged or freed."""
    begin_call(meter, charge)
    assert meter.sweep() == 0
    assert rows(meter.database) == [("sent", CALL, 0)]
    assert account(meter, raw, charge) == {"spent": "0", "held": str(CALL)}


def test_a_late_answer_to_a_charged_call_changes_nothing(
    connect: Connect, redis_url: str, database: Database, charge: Charge
) -> None:
    """Charged stays charged at the worst case: a correction is a new row, never an edit."""
    meter = connect(redis_url, database, lease_seconds=0.05)
    reservation = begin_call(meter, charge)
    time.sleep(0.1)
    assert meter.sweep() == 1
    assert meter.sweep() == 0
    assert meter.end(reservation, Usage("coin", 1), tool=None) == CALL
    assert rows(database) == [("charged", CALL, CALL)]


@pytest.mark.parametrize(
    ("step", "left", "counts"),
    [
        ("reserved", [], 0),
        ("recorded", [], 0),
        ("dispatched", [("charged", CALL, CALL)], CALL),
        ("settled", [("settled", CALL, 300_000)], 300_000),
    ],
)
def test_a_kill_at_any_step_is_resolved(
    *,
    spend: Spend,
    connect: Connect,
    redis_url: str,
    postgres: Database,
    charge: Charge,
    raw: "redis.Redis",
    step: str,
    left: list[tuple[str, int, int]],
    counts: int,
) -> None:
    """After SIGKILL the hold counts until its lease ends; what has left is charged at its worst then."""
    spender = spend(die=step, used=300)
    assert spender.process.wait(timeout=300) == -signal.SIGKILL
    meter = connect(redis_url, postgres)
    assert account(meter, raw, charge) == {"spent": "0", "held": str(CALL)}
    assert meter.sweep() == 0
    assert account(meter, raw, charge) == {"spent": "0", "held": str(CALL)}
    end_leases(postgres, raw)
    meter.sweep()
    assert rows(postgres) == left
    assert account(meter, raw, charge) == {"spent": str(counts), "held": "0"}
    assert raw.keys("budget:r:*") == raw.keys("budget:leases") == []


def end_leases(database: Database, raw: "redis.Redis") -> None:
    """Let the leases of all calls be over, in Redis and in the ledger."""
    raw.zunionstore("budget:leases", {"budget:leases": 0})  # they end when Redis' clock began
    with database.write() as session:
        session.execute(sqlalchemy.update(LedgerRow).values(lease_until=now() - timedelta(seconds=1)))


class Killed(BaseException):
    """The process is gone."""


def test_a_call_that_never_left_is_not_charged(
    connect: Connect,
    redis_url: str,
    postgres: Database,
    charge: Charge,
    raw: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its account was filled again without it, and its worker died before the dispatch: charged, it passes the cap."""
    meter = connect(redis_url, postgres)
    record, dispatch, rival = ledger.record, Holds.dispatch, []

    def lose_the_account(session: Session, row: LedgerRow) -> None:
        monkeypatch.setattr(ledger, "record", record)
        raw.delete(*raw.keys("budget:a:*"))
        rival.append(begin_call(meter, charge, 60_000))
        monkeypatch.setattr(Holds, "dispatch", die)
        record(session, row)

    def die(*_: object) -> bool:
        monkeypatch.setattr(Holds, "dispatch", dispatch)
        raise Killed

    monkeypatch.setattr(ledger, "record", lose_the_account)
    with pytest.raises(Killed):
        begin_call(meter, charge, 60_000)
    meter.end(rival[0], Usage("coin", 60_000), tool=None)
    with meter.database.write() as session:
        session.execute(sqlalchemy.update(LedgerRow).where(LedgerRow.state == "sent").values(lease_until=LedgerRow.at))
    assert meter.sweep() == 0
    assert rows(meter.database) == [("settled", 60_000_000, 60_000_000)]


def test_processes_settling_one_call_settle_it_once(
    *,
    spend: Spend,
    files: Path,
    connect: Connect,
    redis_url: str,
    postgres: Database,
    charge: Charge,
    raw: "redis.Redis",
) -> None:
    """Eight threads of four processes end one call with other figures: one wins, all answer its cost."""
    meter = connect(redis_url, postgres)
    one = begin_call(meter, charge)
    order = {
        "rid": one.rid,
        "reserved_nusd": one.reserved_nusd,
        "at": one.at.isoformat(),
    }
    racers = [spend(settle=order, threads=2, used=100 + 2 * number) for number in range(4)]
    deadline = time.monotonic() + 300
    while not all(racer.is_ready for racer in racers) and time.monotonic() < deadline:
        time.sleep(0.01)
    (files / "go").touch()
    costs = {cost for racer in racers for cost in racer.outcome().values()}
    assert len(costs) == 1
    assert rows(postgres) == [("settled", CALL, costs.pop())]
    assert account(meter, raw, charge) == {"spent": str(counted(postgres)), "held": "0"}


@pytest.mark.both_databases
def test_threads_never_pass_the_cap(meter: Meter, charge: Charge, raw: "redis.Redis") -> None:
    """Of 160 calls at once under a cap for 100 exactly 100 are made, on both databases."""

    def call(_: int) -> bool:
        while True:
            try:
                reservation = begin_call(meter, charge)
            except NoRoom:
                time.sleep(0.005)
            except OverCap:
                return False
            else:
                return meter.end(reservation, Usage("coin", 1_000), tool=None) == CALL

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(call, range(160))) == 100
    assert counted(meter.database) == LIMIT
    assert account(meter, raw, charge) == {"spent": str(LIMIT), "held": "0"}


def test_processes_never_pass_the_cap_while_redis_forgets(
    spend: Spend,
    connect: Connect,
    redis_url: str,
    postgres: Database,
    charge: Charge,
    raw: "redis.Redis",
) -> None:
    """Four processes of eight threads, one of them killed, and FLUSHALL again and again: never over."""
    workers = [spend(threads=8, calls=20, lease=1.0) for _ in range(4)]
    over: list[int] = []
    done = threading.Event()
    deadline = time.monotonic() + 300

    def watch() -> None:
        while not done.wait(0.02):
            # Only what left: a row that is refused at dispatch stands for a moment, and is withdrawn.
            over.append(sum(cost for state, _, cost in rows(postgres) if state != "sent") - LIMIT)

    watcher = threading.Thread(target=watch)
    watcher.start()
    while counted(postgres) < LIMIT // 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    workers[0].process.kill()
    flushes = 0
    while any(worker.process.poll() is None for worker in workers) and time.monotonic() < deadline:
        raw.flushall()
        flushes += 1
        time.sleep(0.03)
    done.set()
    watcher.join()
    results = [worker.outcome() for worker in workers[1:]]
    assert flushes > 3
    assert max(over) <= 0
    assert sum(result.get("made", 0) for result in results) > 0
    assert sum(result.get("denied", 0) for result in results) > 0
    time.sleep(1.1)
    meter = connect(redis_url, postgres)
    meter.sweep()
    assert {state for state, _, _ in rows(postgres)} <= {"settled", "charged"}
    while counted(postgres) < LIMIT:  # what is left of the cap can be spent to the last call
        meter.end(begin_call(meter, charge), Usage("coin", 1_000), tool=None)
    with pytest.raises(OverCap):
        begin_call(meter, charge)
    assert account(meter, raw, charge) == {"spent": str(LIMIT), "held": "0"}


def test_a_call_counts_in_the_window_in_which_it_began(meter: Meter, charge: Charge) -> None:
    """The row's time is the one its account was chosen by, so that SQL and Redis sum the same calls."""
    reservation = begin_call(meter, charge)
    cap = channel_cap(meter, charge)
    assert reservation.accounts == (f"budget:a:{cap.key}",)
    assert cap.window_start <= reservation.at < cap.resets_at
    with meter.database.read() as session:
        row = session.scalars(sqlalchemy.select(LedgerRow)).one()
    assert row.at == reservation.at
    assert row.lease_until - row.at == timedelta(seconds=60)


def test_an_old_redis_is_not_believed_that_a_call_has_not_left(
    connect: Connect,
    redis_server: Callable[[int | None], Any],
    database: Database,
    charge: Charge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the snapshot the call is held and not dispatched; it left after that, so it is charged and not forgotten."""
    server = redis_server(None)
    meter = connect(server.url, database, lease_seconds=0.05)
    dispatch = Holds.dispatch

    def photographed(gate: Holds, held: Any) -> bool:
        gate._redis.save()
        return dispatch(gate, held)

    monkeypatch.setattr(Holds, "dispatch", photographed)
    begin_call(meter, charge)
    server.kill()
    redis_server(int(server.url.rsplit(":", 1)[1].split("/")[0]))
    time.sleep(0.1)
    assert meter.sweep() == 1
    assert rows(database) == [("charged", CALL, CALL)]


def test_what_may_not_be_written_beside_a_call_keeps_it_from_leaving(meter: Meter, charge: Charge) -> None:
    """No row is left of it, no account holds anything for it, and its own error is raised."""

    def refuses(session: Session) -> None:
        assert len(session.scalars(sqlalchemy.select(LedgerRow)).all()) == 1
        raise PermissionError("suspended")

    with pytest.raises(PermissionError):
        meter.begin(charge, model="coin", prompt_bytes=1_000, max_tokens=0, also=refuses)
    with meter.database.read() as session:
        assert session.scalars(sqlalchemy.select(LedgerRow)).all() == []
    assert meter.holds._redis.keys("budget:r:*") == []


def test_a_call_is_settled_even_if_its_answer_may_not_be_written(meter: Meter, charge: Charge) -> None:
    """Its attempt may have lost the turn: the money was spent all the same, once."""
    reservation = begin_call(meter, charge, 1_000)
    told: list[int] = []

    def refuses(_session: Session, cost_nusd: int) -> None:
        told.append(cost_nusd)
        raise PermissionError("fenced")

    with pytest.raises(PermissionError):
        meter.end(reservation, Usage("coin", 500), tool=None, also=refuses)
    with meter.database.read() as session:
        [row] = session.scalars(sqlalchemy.select(LedgerRow)).all()
    assert (row.state, row.cost_nusd, told) == ("settled", CALL // 2, [CALL // 2])
    assert meter.holds._redis.keys("budget:r:*") == []
