import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.budget import admission
from bot.budget.admission import Gate, Held, Over
from bot.budget.caps import Cap
from bot.errors import ConfigError, Transient
from bot.store.ledger import Standing

NOTHING = Standing(0, ())


class Books:
    """What SQL would say, and how often it was asked."""

    def __init__(self, **standings: Standing) -> None:
        self.standings = standings
        self.asked: list[str] = []

    def __call__(self, cap: Cap) -> Standing:
        """Answer for the holder of a cap."""
        self.asked.append(cap.holder)
        return self.standings.get(cap.holder, NOTHING)


@pytest.fixture
def gate(redis_url: str) -> Iterator[Gate]:
    """Return a gate whose leases are a minute long."""
    connected = Gate.connect(redis_url, lease_seconds=60)
    yield connected
    connected.close()


@pytest.fixture
def raw(redis_url: str) -> Iterator["redis.Redis"]:
    """Return Redis itself, to break it."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


def held(answer: Held | Over) -> Held:
    assert isinstance(answer, Held)
    return answer


def money(raw: "redis.Redis", cap: Cap) -> tuple[Any, Any]:
    spent, reserved = raw.hmget(f"budget:a:{cap.key}", "spent", "held")
    return spent, reserved


def test_a_hold_fits_up_to_the_limit_and_not_one_nano_dollar_further(gate: Gate, cap: Cap) -> None:
    """Holds and spending together reach the cap and never pass it."""
    books = Books(C1=Standing(4_000, (("other", 1_000),)))
    assert gate.reserve("a", 5_001, [cap], books) == Over(cap, 4_000, 1_000)
    assert held(gate.reserve("b", 5_000, [cap], books)).rid == "b"
    assert gate.reserve("c", 1, [cap], books) == Over(cap, 4_000, 6_000)


def test_a_missing_account_is_filled_from_sql_and_never_counts_as_zero(
    gate: Gate, raw: "redis.Redis", cap: Cap
) -> None:
    """However the account is lost, the next reservation asks SQL before it answers."""
    books = Books(C1=Standing(9_999, ()))
    for lost in ([f"budget:a:{cap.key}"], raw.keys("*")):
        raw.delete(f"budget:a:{cap.key}", *lost)
        before = len(books.asked)
        assert isinstance(gate.reserve("a", 2, [cap], books), Over)
        assert len(books.asked) == before + 1
    assert isinstance(gate.reserve("a", 2, [cap], books), Over)
    assert len(books.asked) == 2


def test_the_same_reservation_twice_is_one_hold(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """Asking again under the same id answers the same and holds nothing more."""
    first = gate.reserve("a", 6_000, [cap], Books())
    assert gate.reserve("a", 6_000, [cap], Books()) == first
    assert money(raw, cap) == ("0", "6000")


def test_a_call_is_held_on_every_account_or_on_none(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """The one scope that is full denies the call, and the others hold nothing for it."""
    poor = replace(cap, key="user:U1:now", scope="user", holder="U1", limit_nusd=10)
    answer = gate.reserve("a", 11, [cap, poor], Books())
    assert isinstance(answer, Over)
    assert answer.cap is poor
    assert money(raw, cap) == ("0", "0")
    both = held(gate.reserve("b", 10, [cap, poor], Books()))
    gate.settle("b", both.accounts, cost=4)
    assert money(raw, cap) == money(raw, poor) == ("4", "0")


def test_a_call_is_not_dispatched_under_another_generation(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """An account opened again since the hold did not see its row: the call may not leave."""
    late = held(gate.reserve("a", 6_000, [cap], Books()))
    raw.delete(f"budget:a:{cap.key}")
    early = held(gate.reserve("b", 6_000, [cap], Books()))
    assert not gate.dispatch(late)
    assert gate.dispatch(early)


def test_a_lost_hold_is_not_dispatched(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """Without its hold a call may not leave, although its account is untouched."""
    lost = held(gate.reserve("a", 1, [cap], Books()))
    raw.delete("budget:r:a")
    assert not gate.dispatch(lost)


def test_an_account_that_is_being_opened_holds_nothing(
    gate: Gate, raw: "redis.Redis", cap: Cap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one opener reads SQL nobody is admitted; when it stays away another takes its place."""
    monkeypatch.setattr(admission, "OPENING_PATIENCE_MS", 200)
    start = int(cap.window_start.timestamp() * 1000)
    assert gate._run("open", [f"budget:a:{cap.key}"], ["gone", start, 200])
    began = time.monotonic()
    assert held(gate.reserve("a", 1, [cap], Books()))
    assert time.monotonic() - began > 0.15
    assert raw.hget(f"budget:a:{cap.key}", "gen") != "gone"


def test_a_stale_reading_fills_nothing(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """A call that is resolved while SQL is read makes the reading void: it is read again."""
    account = f"budget:a:{cap.key}"
    readings = [Standing(0, (("under-way", 9_000),)), Standing(3_000, ())]

    def recall(_: Cap) -> Standing:
        reading = readings.pop(0)
        if readings:  # the first time round, its end comes between the reading and the filling
            gate.settle("under-way", [account], cost=3_000)
        return reading

    assert held(gate.reserve("a", 5_000, [cap], recall))
    assert money(raw, cap) == ("3000", "5000")
    assert not readings


def test_an_opener_that_was_replaced_fills_nothing(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """Only the last opener's reading counts; one that slept through its turn is told so."""
    account, start = f"budget:a:{cap.key}", int(cap.window_start.timestamp() * 1000)
    closing = int(cap.resets_at.timestamp() * 1000)
    for gen in ("slow", "quick"):
        assert gate._run("open", [account], [gen, start, 0])
    assert not gate._run("fill", [account, "budget:leases"], ["slow", 0, closing, 1_000])
    assert raw.hget(account, "state") == "opening"
    assert gate._run("fill", [account, "budget:leases"], ["quick", 7, closing, 1_000])
    assert money(raw, cap) == ("7", "0")


def test_another_window_start_opens_the_account_again(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """A changed time zone gives the same local date other bounds: the old figures do not count."""
    first = held(gate.reserve("a", 9_000, [cap], Books()))
    moved = replace(cap, window_start=cap.window_start - timedelta(hours=5))
    assert isinstance(gate.reserve("b", 2_000, [moved], Books(C1=Standing(8_500, ()))), Over)
    assert not gate.dispatch(first)


def test_a_settlement_on_an_account_opened_again_drops_it(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """Figures that may have been read before the settlement are not corrected but read again."""
    late = held(gate.reserve("a", 6_000, [cap], Books()))
    raw.delete(f"budget:a:{cap.key}")
    held(gate.reserve("b", 1_000, [cap], Books(C1=Standing(2_000, ()))))
    gate.settle("a", late.accounts, cost=10)
    assert raw.exists(f"budget:a:{cap.key}") == 0


def test_a_refilled_account_carries_its_open_calls(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """A call under way while its account was lost settles on the new one as if nothing had been."""
    flying = held(gate.reserve("a", 6_000, [cap], Books()))
    assert gate.dispatch(flying)
    raw.flushall()
    held(gate.reserve("b", 1_000, [cap], Books(C1=Standing(500, (("a", 6_000),)))))
    assert money(raw, cap) == ("500", "7000")
    gate.settle("a", flying.accounts, cost=100)
    assert money(raw, cap) == ("600", "1000")


def test_a_hold_past_its_lease_cannot_be_dispatched_any_more(redis_url: str, cap: Cap) -> None:
    """Once the sweep has seen an unsent hold, a process that wakes up late sends nothing."""
    gate = Gate.connect(redis_url, lease_seconds=0.05)
    try:
        slow = held(gate.reserve("slow", 1, [cap], Books()))
        sent = held(gate.reserve("sent", 1, [cap], Books()))
        assert gate.dispatch(sent)
        assert gate.expired() == ()
        time.sleep(0.1)
        assert {(found.rid, found.accounts) for found in gate.expired()} == {
            ("slow", slow.accounts),
            ("sent", sent.accounts),
        }
        assert not gate.dispatch(slow)
        assert gate.dispatch(sent)
    finally:
        gate.close()


def test_a_restarted_redis_is_filled_anew(redis_server: Callable[[int | None], Any], cap: Cap, tmp_path: Path) -> None:
    """Scripts gone means a restart, perhaps from an old snapshot: every account in it is dropped."""
    server = redis_server(None)
    port = int(server.url.rsplit(":", 1)[1].split("/")[0])
    gate = Gate.connect(server.url, lease_seconds=60)
    try:
        held(gate.reserve("a", 1_000, [cap], Books()))
        with redis.Redis.from_url(server.url) as client:
            client.save()
        held(gate.reserve("b", 8_000, [cap], Books()))  # not in the snapshot
        server.kill()
        with pytest.raises(Transient):
            gate.reserve("c", 1, [cap], Books())
        redis_server(port)
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert money(client, cap) == ("0", "1000")
        books = Books(C1=Standing(0, (("a", 1_000), ("b", 8_000))))
        assert gate.reserve("c", 1_001, [cap], books) == Over(cap, 0, 9_000)
    finally:
        gate.close()


def test_a_settlement_after_a_restart_drops_what_is_old(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """Whichever script meets the restarted Redis first drops the old accounts."""
    flying = held(gate.reserve("a", 1_000, [cap], Books()))
    raw.script_flush()
    gate.settle("a", flying.accounts, cost=1)
    assert raw.keys("budget:*") == []


def test_redis_down_is_transient(redis_server: Callable[[int | None], Any], cap: Cap) -> None:
    """Without Redis nothing is admitted, at once and not after retries."""
    server = redis_server(None)
    gate = Gate.connect(server.url, lease_seconds=60)
    try:
        server.kill()
        began = time.monotonic()
        with pytest.raises(Transient):
            gate.reserve("a", 1, [cap], Books())
        assert time.monotonic() - began < 0.5
    finally:
        gate.close()


def test_a_command_whose_answer_is_lost_is_not_sent_again(redis_url: str, cap: Cap) -> None:
    """A reservation that may have been made is left to its lease, never made twice."""
    sent: list[bytes] = []

    class Deaf(socketserver.BaseRequestHandler):
        """Greets, takes one script call and hangs up without a word."""

        def handle(self) -> None:
            """Talk to one connection."""
            while said := self.request.recv(65_536):
                if b"EVALSHA" in said:
                    sent.append(said)
                    return
                self.request.sendall(b"+OK\r\n" * len(re.findall(rb"^\*\d", said, re.MULTILINE)))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Deaf) as server:
        threading.Thread(target=server.serve_forever).start()
        gate = Gate.connect(f"redis://127.0.0.1:{server.server_address[1]}/0?protocol=2", lease_seconds=60)
        try:
            with pytest.raises(Transient):
                gate.reserve("a", 1, [cap], Books())
            assert len(sent) == 1
        finally:
            gate.close()
            server.shutdown()


def test_a_redis_that_is_full_or_evicts_is_refused(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """Eviction is refused at the start; a full Redis admits nothing."""
    gate.check()
    held(gate.reserve("a", 1, [cap], Books()))
    try:
        raw.config_set("maxmemory", 1)
        with pytest.raises(Transient):
            gate.reserve("b", 1, [cap], Books())
        raw.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(ConfigError, match="maxmemory-policy is allkeys-lru"):
            gate.check()
    finally:
        raw.config_set("maxmemory", 0)
        raw.config_set("maxmemory-policy", "noeviction")


def test_accounts_leave_redis_after_their_window(gate: Gate, raw: "redis.Redis", cap: Cap) -> None:
    """No job clears old windows: an account lives until a day after its window."""
    held(gate.reserve("a", 1, [cap], Books()))
    left = cap.resets_at + timedelta(days=1)
    assert abs(time.time() + raw.ttl(f"budget:a:{cap.key}") - left.timestamp()) < 5
