import re
import socketserver
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.budget import scripts
from bot.budget.admission import Full, Holds
from bot.budget.caps import Cap
from bot.errors import Transient
from bot.store.money.ledger import BudgetState, OpenCall
from tests.support.budget_holds import KnownStates, must_be_held, spent_and_held
from tests.support.redis_users import EVERYTHING, redis_user


def test_a_restarted_redis_is_filled_anew(redis_server: Callable[[int | None], Any], cap: Cap, tmp_path: Path) -> None:
    """Scripts gone means a restart, perhaps from an old snapshot: every account in it is dropped."""
    server = redis_server(None)
    port = int(server.url.rsplit(":", 1)[1].split("/")[0])
    gate = Holds.connect(server.url, lease_seconds=60)
    try:
        must_be_held(gate.reserve("a", 1_000, [cap], KnownStates()))
        with redis.Redis.from_url(server.url) as client:
            client.save()
        must_be_held(gate.reserve("b", 8_000, [cap], KnownStates()))  # not in the snapshot
        server.kill()
        with pytest.raises(Transient):
            gate.reserve("c", 1, [cap], KnownStates())
        redis_server(port)
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert spent_and_held(client, cap) == ("0", "1000")
        books = KnownStates(C1=BudgetState(0, (OpenCall("a", 1_000), OpenCall("b", 8_000))))
        assert gate.reserve("c", 1_001, [cap], books) == Full((cap,), 1_000)
    finally:
        gate.close()


def test_a_settlement_after_a_restart_drops_what_is_old(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """Whichever script meets the restarted Redis first drops the old accounts."""
    flying = must_be_held(gate.reserve("a", 1_000, [cap], KnownStates()))
    raw.script_flush()
    gate.settle("a", flying.accounts, cost=1)
    assert raw.keys("budget:a:*") == raw.keys("budget:r:*") == raw.keys("budget:leases") == []


def test_a_restarted_redis_that_kept_the_scripts_is_filled_anew(
    redis_server: Callable[[int | None], Any], cap: Cap
) -> None:
    """Redis 6 keeps scripts in its append-only file and gives them to replicas: that it is another run is enough."""
    server = redis_server(None)
    port = int(server.url.rsplit(":", 1)[1].split("/")[0])
    gate = Holds.connect(server.url, lease_seconds=60)
    try:
        must_be_held(gate.reserve("a", 1_000, [cap], KnownStates()))
        with redis.Redis.from_url(server.url) as client:
            client.save()
        must_be_held(gate.reserve("b", 8_000, [cap], KnownStates()))  # not in the snapshot
        server.kill()
        redis_server(port)
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            for text in scripts.SCRIPTS.values():
                client.script_load(text)
            assert spent_and_held(client, cap) == ("0", "1000")
        books = KnownStates(C1=BudgetState(0, (OpenCall("a", 1_000), OpenCall("b", 8_000))))
        assert gate.reserve("c", 1_001, [cap], books) == Full((cap,), 1_000)
    finally:
        gate.close()


def test_a_new_connection_to_the_same_redis_drops_nothing(gate: Holds, redis_url: str, cap: Cap) -> None:
    """What another process, or another thread, has filled stays as it is."""
    books = KnownStates()
    must_be_held(gate.reserve("a", 1_000, [cap], books))
    other = Holds.connect(redis_url, lease_seconds=60)
    try:
        assert gate.dispatch(must_be_held(other.reserve("b", 1_000, [cap], books)))
    finally:
        other.close()
    assert len(books.asked) == 1


def test_starting_over_leaves_the_holds_of_those_who_have_started(gate: Holds, raw: "redis.Redis", cap: Cap) -> None:
    """A hold that another process has made meanwhile keeps its lease, so that somebody frees it when it dies."""
    must_be_held(gate.reserve("a", 1_000, [cap], KnownStates()))
    scripts.start_over(gate._redis)
    assert raw.keys("budget:a:*") == []
    assert raw.zrange("budget:leases", 0, -1) == ["a"]
    assert raw.hget("budget:r:a", "amount") == "1000"


def test_redis_down_is_transient(
    redis_server: Callable[[int | None], Any], cap: Cap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Redis nothing is admitted, at once and not after retries."""
    server, waited = redis_server(None), list[float]()
    gate = Holds.connect(server.url, lease_seconds=60)
    monkeypatch.setattr("redis.retry.sleep", waited.append)
    try:
        server.kill()
        with pytest.raises(Transient):
            gate.reserve("a", 1, [cap], KnownStates())
        assert waited == []
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
        gate = Holds.connect(f"redis://127.0.0.1:{server.server_address[1]}/0?protocol=2", lease_seconds=60)
        try:
            with pytest.raises(Transient):
                gate.reserve("a", 1, [cap], KnownStates())
            assert len(sent) == 1
        finally:
            gate.close()
            server.shutdown()


def test_a_full_redis_is_transient_for_a_new_connection(redis_url: str, raw: "redis.Redis", cap: Cap) -> None:
    """Who cannot write down in which run of the server the accounts are admits nothing, and comes again."""
    gate = Holds.connect(redis_url, lease_seconds=60)
    try:
        raw.config_set("maxmemory", 1)
        with pytest.raises(Transient):
            gate.reserve("a", 1, [cap], KnownStates())
    finally:
        raw.config_set("maxmemory", 0)
        gate.close()


@pytest.mark.parametrize("taken", ["-evalsha", "-info", "-hset", "resetkeys ~other:*"])
def test_a_right_that_is_taken_later_closes_the_gate(redis_url: str, cap: Cap, taken: str) -> None:
    """No call leaves, and it counts as a Redis that cannot be reached, not as a bug."""
    with (
        redis_user(redis_url, EVERYTHING) as url,
        redis.Redis.from_url(redis_url) as admin,
        closing(Holds.connect(url, lease_seconds=60)) as gate,
    ):
        must_be_held(gate.reserve("a", 1_000, [cap], KnownStates()))
        admin.execute_command("ACL", "SETUSER", "fewer", *taken.split())
        admin.client_kill_filter(user="fewer")  # a new connection asks for more than one that is open
        for _ in range(2):
            with pytest.raises(Transient):
                gate.reserve("b", 1_000, [cap], KnownStates())
