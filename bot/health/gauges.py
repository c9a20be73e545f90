"""What the clock adds to its own metrics: the state of the installation, read from database and Redis when asked.

One process reads it, and not each worker. A reading is kept for some seconds, so that several Prometheus servers cost
no more than one. A source that does not answer in time is left out and named in `deskhand_scrape_errors`: stale figures
would look like good news.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.errors import kind
from bot.health.concurrent import ConcurrentChecks
from bot.queue import JobQueue
from bot.store import backlog
from bot.store.backlog import AGES, OLDER, Backlog
from bot.store.db import Database, Session
from bot.store.figures import drift_checks
from bot.store.figures.drift_checks import DriftReading
from bot.store.installation import heartbeats
from bot.store.releases import eval_runs, verdicts
from bot.store.schema import HandoffState, SurgeCause, now
from bot.telemetry import metrics
from bot.telemetry.metrics import GaugeName

log = structlog.get_logger()

SECONDS = 2.0
"The longest that a reading may take; Prometheus gives a scrape 10 seconds."
KEEP_SECONDS = 5.0
"How long a reading is used again."
HATS = (1, 3, 5)
"For pass^k: how often in a row."
NEVER, WAIVED = "none", "waived"
"The verdict of a release that was never evaluated."

Value = tuple[GaugeName, tuple[str, ...], float]
"A metric, the values of its labels, and its value."


@dataclass(frozen=True, slots=True)
class ActiveRelease:
    """What an agent answers with."""

    agent: str
    release: str
    suite: str
    "Fingerprint of the suite in its folder."
    model: str


class InstallationGauges(Collector):
    """The gauges of one installation; Prometheus asks for them."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        served: Callable[[], Sequence[ActiveRelease]],
        *,
        seconds: float = SECONDS,
    ) -> None:
        """Read nothing yet.

        Args:
            database: the installation's.
            queue: the installation's.
            served: the release of each active agent.
            seconds: the longest that a reading may take.
        """
        self._database, self._queue, self._served, self._seconds = database, queue, served, seconds
        self._checks = ConcurrentChecks[Sequence[Value]](
            {"database": self._from_database, "releases": self._from_releases, "redis": self._from_redis}
        )
        self._lock = Lock()
        self._read_at = -math.inf
        self._families: list[GaugeMetricFamily] = []

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name the gauges without reading anything."""
        return [_family(one) for one in metrics.GAUGES]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read the gauges, or give those that were read just now."""
        with self._lock:
            if time.monotonic() - self._read_at > KEEP_SECONDS:
                self._families = _families(self._read())
                self._read_at = time.monotonic()
            return self._families

    def _read(self) -> Iterable[Value]:
        for source, found in self._checks.results(seconds=self._seconds).items():
            failed = isinstance(found, Exception)
            yield metrics.SCRAPE_ERRORS, (source,), float(failed)
            if isinstance(found, Exception):
                log.warning("metrics.not_read", source=source, error=kind(found))
            else:
                yield from found

    def _from_database(self) -> Sequence[Value]:
        with self._database.read() as session:
            work, beat = backlog.read(session), heartbeats.last(session, "clock")
            surges = backlog.surges_under_way(session)
            return [*_unfinished(work), *_handoffs(session), *_clock(beat, work.at), *_surges(surges)]

    def _from_releases(self) -> Sequence[Value]:
        found, readings = list[Value](), list[DriftReading]()
        with self._database.read() as session:
            for one in self._served():
                said = verdicts.standing(session, one.release, one.suite)
                verdict = NEVER if said.verdict is None else WAIVED if said.waiver else said.verdict
                found.append((metrics.RELEASE_INFO, (one.release, one.model, str(verdict)), 1.0))
                readings += drift_checks.latest(session, one.agent, one.release)
                run = eval_runs.last_run(session, one.agent)
                if run is not None:
                    found += _evaluated(one.agent, eval_runs.tallies(session, run.id))
        return [*found, *_drift(readings)]

    def _from_redis(self) -> Sequence[Value]:
        oldest, queue = self._queue.oldest(), self._queue.queue.name
        return [
            *((metrics.RQ_JOBS, (queue, status), float(count)) for status, count in self._queue.jobs().items()),
            *((metrics.RQ_WORKERS, (one.name, queue, one.state), 1.0) for one in self._queue.workers()),
            (metrics.JOB_AGE, (), _age(oldest, now())),
        ]


def pass_hat(tallies: Sequence[tuple[int, int]], k: int) -> float | None:
    """Return pass^k, the chance that a case passes k times in a row: the mean of C(passed, k) / C(played, k).

    Args:
        tallies: passed and played repeats of each case.
        k: how often in a row; None is returned if no case was played so often.
    """
    rates = [math.comb(passed, k) / math.comb(played, k) for passed, played in tallies if played >= k]
    return sum(rates) / len(rates) if rates else None


def _unfinished(work: Backlog) -> Iterable[Value]:
    for state, turns in (("waiting", work.waiting), ("running", work.running)):
        yield metrics.TURNS_LEFT, (state,), turns.count
        yield metrics.TURNS_LATE, (state,), turns.late
        yield metrics.TURN_AGE, (state,), _age(turns.oldest, work.at)
    owed = {"to_send": work.stored, "sending": work.sending, "to_update": work.updates, "failed": work.failed}
    for state, messages in owed.items():
        yield metrics.OUTBOX, (state,), messages.count
    oldest = [one.oldest for one in (work.stored, work.sending, work.updates) if one.oldest is not None]
    yield metrics.OUTBOX_AGE, (), _age(min(oldest, default=None), work.at)
    yield metrics.HANDOFFS_UNSEEN, (), work.handoffs.late
    yield metrics.CALLS_LEFT, (), work.money.count
    yield metrics.COMMANDS_LEFT, (), work.commands.count


def _handoffs(session: Session) -> Iterable[Value]:
    at, counted = now(), backlog.handoffs_by_age(session)
    for state in (HandoffState.OPEN, HandoffState.CLAIMED):
        mine = [one for one in counted if one.state is state]
        for age in (*AGES, OLDER):
            yield metrics.HANDOFFS_LEFT, (state, age), sum(one.count for one in mine if one.age == age)
        yield metrics.HANDOFF_AGE, (state,), _age(min((one.oldest for one in mine), default=None), at)


def _clock(beat: tuple[str, datetime] | None, at: datetime) -> Iterable[Value]:
    if beat is not None:
        yield metrics.CLOCK_AGE, (), _age(beat[1], at)


def _evaluated(suite: str, tallies: Sequence[tuple[int, int]]) -> Iterable[Value]:
    played = sum(times for _, times in tallies)
    if played:
        yield metrics.EVAL_PASS_RATIO, (suite,), sum(passed for passed, _ in tallies) / played
    for k in HATS:
        hat = pass_hat(tallies, k)
        if hat is not None:
            yield metrics.EVAL_PASS_HAT, (suite, str(k)), hat


def _drift(readings: Sequence[DriftReading]) -> Iterable[Value]:
    """Yield the readings of all agents; of one stream and window, those of the agent that has moved most."""
    for stream, window in dict.fromkeys((one.stream, one.window) for one in readings):
        mine = [one for one in readings if (one.stream, one.window) == (stream, window)]
        yield metrics.DRIFT_P_VALUE, (stream, str(window)), min(one.p_value for one in mine)
        yield metrics.DRIFTED, (stream, str(window)), float(any(one.drifted for one in mine))


def _surges(under_way: Mapping[SurgeCause, int]) -> Iterable[Value]:
    for cause in SurgeCause:
        yield metrics.SURGES, (cause,), under_way.get(cause, 0)


def _age(since: datetime | None, at: datetime) -> float:
    return 0.0 if since is None else max(0.0, (at - since).total_seconds())


def _families(values: Iterable[Value]) -> list[GaugeMetricFamily]:
    found: dict[str, GaugeMetricFamily] = {}
    for one, labels, value in values:
        found.setdefault(one.name, _family(one)).add_metric(list(labels), value)
    return list(found.values())


def _family(one: GaugeName) -> GaugeMetricFamily:
    return GaugeMetricFamily(one.name, one.help, labels=one.labels)
