"""What the clock adds to its metrics: `bot.health.gauges`."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
import redis
from rq import SimpleWorker

from bot.health import gauges
from bot.health.gauges import ActiveRelease, InstallationGauges, pass_hat
from bot.queue import RUN_TURN, JobQueue, open_queue
from bot.store import db
from bot.store.db import Database
from bot.store.figures import drift_checks
from bot.store.figures.drift_checks import DriftReading
from bot.store.installation import heartbeats
from bot.store.releases import eval_runs, releases
from bot.store.schema import DriftStream, Handoff, RunState, Surge, SurgeCause, Verdict, now
from bot.telemetry import metrics
from tests.support.busy_machine import SOON
from tests.support.factories import FIRST, handed_off, new_turn, put, running, store
from tests.support.hanging_server import mute
from tests.support.metric_values import Samples, samples

SERVED = (ActiveRelease("access", "access@12345678", "s", "stand-in-1"),)
GONE = "postgresql://nobody:pass@127.0.0.1:9/none"
GONE_REDIS = "redis://127.0.0.1:9/0"


@pytest.fixture
def queue(redis_url: str) -> Iterator[JobQueue]:
    """Return a queue with one job and one worker."""
    with closing(JobQueue.connect(redis_url)) as queue, redis.Redis.from_url(redis_url) as connection:
        queue.put(RUN_TURN, 7)
        worker = SimpleWorker([open_queue(connection)], connection=connection, name="host:1:abc")
        worker.register_birth()  # type: ignore[no-untyped-call]  # rq leaves it untyped
        yield queue


def read(database: Database, queue: JobQueue) -> Samples:
    """Return what a new collector gives."""
    return samples(iter(InstallationGauges(database, queue, lambda: SERVED, seconds=SOON).collect()))


def test_the_state_of_the_installation_is_read(database: Database, queue: JobQueue) -> None:
    """Turns, messages, handoffs and the clock from the database, jobs and workers from Redis."""
    running(database, new_turn(database), worker="host:1")
    store(database, "owed")
    with database.write() as session:
        heartbeats.give(session, "clock", who="host:2")
    found = read(database, queue)
    assert found["deskhand_turns{state=running}"] == 1
    assert found["deskhand_turns{state=waiting}"] == 0
    assert found["deskhand_outbox_messages{state=to_send}"] == 1
    assert 0 <= found["deskhand_oldest_message_seconds"] < 60
    assert 0 <= found["deskhand_clock_age_seconds"] < 60
    assert found["rq_jobs{queue=deskhand,status=queued}"] == 1
    assert {f"rq_jobs{{queue=deskhand,status={one}}}" for one in ("started", "failed", "finished", "deferred")} <= set(
        found
    )
    assert found["rq_workers{name=host:1:abc,queues=deskhand,state=started}"] == 1
    assert {source: found[f"deskhand_scrape_errors{{source={source}}}"] for source in ("database", "redis")} == {
        "database": 0,
        "redis": 0,
    }
    assert {series.partition("{")[0] for series in found} <= {one.name for one in metrics.GAUGES}


def test_handoffs_are_counted_by_their_age(database: Database, queue: JobQueue) -> None:
    """So that an alert can ask for those that nobody has taken for long; a span without one is 0."""
    old = handed_off(database)
    put(database, Handoff, old.id, open_since=now() - timedelta(hours=1))
    found = read(database, queue)
    assert found["deskhand_handoffs{age=30 min to 2 h,state=open}"] == 1
    assert found["deskhand_handoffs{age=under 5 min,state=open}"] == 0
    assert found["deskhand_handoffs{age=over 2 h,state=claimed}"] == 0
    assert 3_600 <= found["deskhand_oldest_handoff_seconds{state=open}"] < 3_700
    assert found["deskhand_oldest_handoff_seconds{state=claimed}"] == 0


def test_the_release_and_its_evaluation_are_told(database: Database, queue: JobQueue) -> None:
    """Which one serves, whether it has passed, and how well: pass^1, pass^3 and pass^5."""
    assert read(database, queue)["agent_release_info{model=stand-in-1,release=access@12345678,verdict=none}"] == 1
    with database.write() as session:
        releases.register(session, agent="access", fingerprint="access@12345678", body={})
        run = eval_runs.start_run(session, release="access@12345678", suite="s", repeats=3, cases=2, started_by="me")
        for case, passes in (("a", 3), ("b", 1)):
            for repeat in range(3):
                eval_runs.add_result(
                    session,
                    run,
                    case_id=case,
                    slice="x",
                    hard=False,
                    repeat=repeat,
                    passed=repeat < passes,
                    duration_ms=1,
                )
        eval_runs.finish_run(session, run, state=RunState.FINISHED, verdict=Verdict.PASS)
    found = read(database, queue)
    assert found["agent_release_info{model=stand-in-1,release=access@12345678,verdict=pass}"] == 1
    assert found["agent_eval_pass_ratio{suite=access}"] == pytest.approx(4 / 6)
    assert found["agent_eval_pass_hat_k{k=1,suite=access}"] == pytest.approx(4 / 6)
    assert found["agent_eval_pass_hat_k{k=3,suite=access}"] == pytest.approx(1 / 2)
    assert "agent_eval_pass_hat_k{k=5,suite=access}" not in found


def drifted(database: Database, agent: str, p_value: float, *, drifted: bool) -> None:
    """Store what a check of drift has found for one agent."""
    reading = DriftReading(DriftStream.OUTCOME, 300, "r", 500, p_value, 0.2, 0.1, drifted, (), now())
    with database.write() as session:
        drift_checks.replace(session, agent, "access@12345678" if agent == "access" else "other@1", [reading])


def test_drift_is_told_of_the_agent_that_has_moved_most(database: Database, queue: JobQueue) -> None:
    """One series a stream and window, whatever the number of agents; nothing before there are enough tickets."""
    assert not any(series.startswith("agent_drift") for series in read(database, queue))
    drifted(database, "access", 0.3, drifted=False)
    drifted(database, "other", 0.0001, drifted=True)
    served = (*SERVED, ActiveRelease("other", "other@1", "s", "stand-in-1"))
    found = samples(iter(InstallationGauges(database, queue, lambda: served, seconds=SOON).collect()))
    assert found["agent_drift_p_value{stream=outcome,window=300}"] == 0.0001
    assert found["agent_drifted{stream=outcome,window=300}"] == 1
    assert read(database, queue)["agent_drifted{stream=outcome,window=300}"] == 0


def test_surges_under_way_are_counted(database: Database, queue: JobQueue) -> None:
    """By their cause; one that is over counts no more."""
    handoff = handed_off(database)
    about = {
        "agent": "access",
        "reason": "repeated_failure",
        "handoff_id": handoff.id,
        "channel": "C0HELP",
        "language": "en",
    }
    with database.write() as session:
        session.add(Surge(cause=SurgeCause.DIRECTORY, **about))
        session.add(Surge(cause=SurgeCause.ALIKE, over_at=now(), **about))
    found = read(database, queue)
    assert found["deskhand_surges{cause=directory}"] == 1
    assert found["deskhand_surges{cause=alike}"] == 0


@pytest.mark.parametrize(
    ("tallies", "k", "expected"),
    [([(6, 6)], 3, 1.0), ([(3, 6)], 3, 1 / 20), ([(2, 6)], 3, 0.0), ([(6, 6), (3, 6)], 5, 0.5), ([(2, 2)], 3, None)],
)
def test_passing_in_a_row_is_rarer_than_passing(tallies: list[tuple[int, int]], k: int, expected: float | None) -> None:
    """C(c, k) / C(n, k), by hand for small numbers; a case that was played too seldom says nothing."""
    assert pass_hat(tallies, k) == (None if expected is None else pytest.approx(expected))


def test_without_the_database_the_queue_is_still_told(queue: JobQueue) -> None:
    """Figures of the database are missing and not old, and it is said that they are."""
    with closing(db.connect(GONE)) as gone:
        found = read(gone, queue)
    assert found["rq_jobs{queue=deskhand,status=queued}"] == 1
    assert found["deskhand_scrape_errors{source=database}"] == 1
    assert found["deskhand_scrape_errors{source=releases}"] == 1
    assert found["deskhand_scrape_errors{source=redis}"] == 0
    assert not any(series.startswith(("deskhand_turns", "deskhand_outbox", "agent_release")) for series in found)


def test_without_redis_the_database_is_still_told(sqlite: Database) -> None:
    """And the other way round."""
    with closing(JobQueue.connect(GONE_REDIS)) as gone:
        found = read(sqlite, gone)
    assert found["deskhand_turns{state=running}"] == 0
    assert found["deskhand_scrape_errors{source=redis}"] == 1
    assert not any(series.startswith("rq_") for series in found)


def test_a_database_that_hangs_delays_a_scrape_only_so_long(queue: JobQueue) -> None:
    """The rest is answered within the bound, and further scrapes start no further reading of it."""
    with mute() as port, closing(db.connect(f"postgresql://u:p@127.0.0.1:{port}/d")) as hanging:
        collector = InstallationGauges(hanging, queue, lambda: SERVED, seconds=0.5)
        found = samples(iter(collector.collect()))
        assert sum(not one.done() for one in collector._checks._running.values()) == 2
        collector._read_at = -1e9
        collector.collect()
        assert len(collector._checks._running) == 3
    assert found["deskhand_scrape_errors{source=database}"] == 1
    assert found["rq_jobs{queue=deskhand,status=queued}"] == 1


def test_a_reading_serves_all_who_ask_within_seconds(sqlite: Database, queue: JobQueue) -> None:
    """Ten scrapes in a row read the database once; after a while it is read again."""
    collector = InstallationGauges(sqlite, queue, lambda: SERVED, seconds=SOON)
    first = samples(iter(collector.collect()))
    new_turn(sqlite, FIRST)
    assert [samples(iter(collector.collect())) for _ in range(10)] == [first] * 10
    collector._read_at -= gauges.KEEP_SECONDS + 1
    assert samples(iter(collector.collect()))["deskhand_turns{state=waiting}"] == 1
