"""Whose a Redis is: `bot.ground`, as the queue and the budgets meet it."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from bot.budget.admission import Holds
from bot.budget.caps import Cap
from bot.errors import ConfigError, Transient
from bot.ground import MARK, Ground, Kind
from bot.queue import RUN_TURN, JobQueue, worker_connection
from bot.store.money.ledger import BudgetState
from tests.support.redis_servers import RedisServer

OURS, THEIRS = Ground(Kind.INSTALLATION, "0urs"), Ground(Kind.DEMO, "the1rs")
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
CAP = Cap("channel:C1:now", "channel", "C1", START, START + timedelta(days=1), 10_000)


def reserve(gate: Holds, rid: str = "a") -> Any:
    return gate.reserve(rid, 1, [CAP], lambda _: BudgetState(0, (), 0))


def test_a_mark_is_read_as_it_was_written() -> None:
    """Rubbish is nobody's."""
    assert [Ground.parse(str(one)) for one in (OURS, THEIRS)] == [OURS, THEIRS]
    assert [Ground.parse(text) for text in ("", "demo", "demo ", "castle 7", "demo a b", "demo \n7")] == [None] * 6


def test_an_empty_redis_is_marked_and_refuses_another(redis_url: str) -> None:
    """A start is refused with a sentence that names what was found, where, and what helps; it writes nothing."""
    with closing(JobQueue.connect(redis_url, OURS)) as ours, closing(JobQueue.connect(redis_url, THEIRS)) as theirs:
        assert ours.owner() == OURS
        before = sorted(ours.queue.connection.keys())
        with pytest.raises(ConfigError) as refused:
            theirs.enter()
        for part in (redis_url.removeprefix("redis://"), "belongs to installation 0urs", "this is demo the1rs"):
            assert part in str(refused.value)
        assert "REDIS_URL" in str(refused.value)
        with pytest.raises(Transient, match="belongs to installation"):
            theirs.put(RUN_TURN, 1)
        with (
            worker_connection(redis_url, THEIRS, connections=2) as worker,
            pytest.raises(redis.ConnectionError, match="belongs to"),
        ):
            worker.ping()
        gate = Holds.connect(redis_url, lease_seconds=60, ground=THEIRS)
        with pytest.raises(Transient, match="belongs to"):
            reserve(gate)
        with pytest.raises(ConfigError, match="belongs to"):
            gate.check()
        gate.close()
        ours.enter()
        assert sorted(ours.queue.connection.keys()) == before


def test_who_only_looks_marks_nothing(redis_url: str) -> None:
    """`deskhand status` and `deskhand doctor` see the queue of whoever's it is."""
    with closing(JobQueue.of_its_owner(redis_url)) as nobodys:
        assert (nobodys.owner(), nobodys.waiting(), nobodys.queue.connection.keys()) == (None, 0, [])
    with closing(JobQueue.connect(redis_url, OURS)) as ours:
        ours.put(RUN_TURN, 1)
    with closing(JobQueue.of_its_owner(redis_url)) as seen:
        assert (seen.owner(), seen.waiting(), seen.queue.name) == (OURS, 1, "deskhand-0urs")


def test_nothing_of_two_that_lost_their_mark_meets(redis_url: str) -> None:
    """Redis forgets at any time whose it is: then names keep queue and money apart."""
    queues: list[JobQueue] = []
    gates: list[Holds] = []
    with redis.Redis.from_url(redis_url, decode_responses=True) as raw:
        for ground in (OURS, THEIRS):
            queues.append(JobQueue.connect(redis_url, ground))
            queues[-1].put(RUN_TURN, 1)
            queues[-1].prove()
            gates.append(Holds.connect(redis_url, lease_seconds=0.001, ground=ground))
            assert reserve(gates[-1]).gens
            raw.delete(MARK)
        assert [queue.waiting() for queue in queues] == [1, 1]
        [(one, _)] = gates[0].open_accounts()
        assert one.account == CAP.key
        gates[0].drop(CAP.key)
        assert [len(list(gate.open_accounts())) for gate in gates] == [0, 1]
        reserve(gates[0], "b")
        [held] = [hold for hold in gates[1].expired() if hold.rid == "a"]
        assert held.accounts == ("budget:a:channel:C1:now",)
        assert [spent.spent_nusd for spent in gates[1].settle("a", held.accounts, cost=5)] == [5]
        assert [spent.spent_nusd for spent, _ in gates[0].open_accounts()] == [0]
        ours = ("rq:", OURS.prefix, THEIRS.prefix)
        assert [key for key in raw.scan_iter() if not key.startswith(ours) and key != MARK] == []
    for queue, gate in zip(queues, gates, strict=True):
        queue.close()
        gate.close()


def test_a_redis_that_takes_the_place_of_ours_is_not_used(
    redis_server: Callable[[int | None], RedisServer], tmp_path: Any
) -> None:
    """Another server at the same address, with another's mark: a running process is told, and one after it refuses."""
    server = redis_server(None)
    jobs = JobQueue.connect(server.url, OURS)
    jobs.put(RUN_TURN, 1)
    server.kill()
    redis_server(int(server.url.split(":")[2].split("/")[0]))
    with redis.Redis.from_url(server.url) as raw:
        raw.set(MARK, str(THEIRS))
        with pytest.raises(Transient, match="belongs to demo the1rs"):
            jobs.put(RUN_TURN, 2)
        raw.delete(MARK)
    jobs.put(RUN_TURN, 3)
    assert (jobs.waiting(), jobs.owner()) == (1, OURS)
    jobs.close()


def test_a_redis_that_takes_no_writes_can_still_be_read(redis_url: str) -> None:
    """The mark is looked at, and not written where it is."""
    with redis.Redis.from_url(redis_url) as raw, closing(JobQueue.connect(redis_url, OURS)) as first:
        first.put(RUN_TURN, 1)
        raw.config_set("maxmemory", "1")
        try:
            with closing(JobQueue.connect(redis_url, OURS)) as later:
                assert later.waiting() == 1
        finally:
            raw.config_set("maxmemory", "0")
