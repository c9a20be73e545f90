"""The same wait job through several queues: memory while it waits, jobs a second, time to start.

Each queue has a worker process of its own and an empty Redis. Nothing of the product runs: this compares
what carries the jobs.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bot.sandbox.demo.processes import Supervisor
from tests.benchmarks import proc_stats
from tests.benchmarks.peers import job
from tests.e2e.product_processes import REDIS_USER_WITH_ALL, Site
from tests.support.json_object import Json
from tests.support.paths import ROOT

WAIT_SECONDS = 2.0
TRIVIAL, PACED, PACE = 2_000, 300, 0.02
PATIENCE_SECONDS = 60.0
FORKS = 4
"Fork workers hold one job each; more of them would only be more of the same."
GIB = 1024.0
OURS = "rq_threads"
NOTHING: Json = dict.fromkeys(
    ("in_flight_per_gib", "jobs_per_s", "cpu_ms_per_job", "enqueue_to_start_p50_ms", "enqueue_to_start_p99_ms")
)
"The figures of a queue that could not be measured."


@dataclass(frozen=True, slots=True)
class QueuePeer:
    """One queue and how its worker is started."""

    name: str
    module: str
    needs: str
    "The package without which it cannot be measured."
    command: Sequence[str]
    processes: int = 1
    at_once: int = job.CONCURRENCY
    trivial: int = TRIVIAL


def peers() -> tuple[QueuePeer, ...]:
    """Return all that are compared."""
    threads, python = str(job.CONCURRENCY), sys.executable
    mine = [python, "-m", "tests.benchmarks.peers.rq_peer"]
    celery = ["-A", "tests.benchmarks.peers.celery_peer", "worker", "-P", "threads", "-c", threads, "-l", "ERROR"]
    dramatiq = ["tests.benchmarks.peers.dramatiq_peer", "--processes", "1", "--threads", threads]
    return (
        QueuePeer(OURS, "rq_peer", "rq", [*mine, "threads"]),
        QueuePeer("rq_fork", "rq_peer", "rq", [*mine, "fork"], processes=FORKS, at_once=FORKS, trivial=200),
        QueuePeer("celery_threads", "celery_peer", "celery", [python, "-m", "celery", *celery, "--without-mingle"]),
        QueuePeer("dramatiq_threads", "dramatiq_peer", "dramatiq", [python, "-m", "dramatiq", *dramatiq]),
        QueuePeer("saq", "saq_peer", "saq", [python, "-m", "saq", "tests.benchmarks.peers.saq_peer.settings"]),
    )


def run(peer: QueuePeer, say: Callable[[str], None]) -> Json:
    """Measure one; where it is not installed, say so in the place of figures."""
    if find_spec(peer.needs) is None:
        return {**NOTHING, "reason": f"{peer.needs} is not installed; `make bench-worker` installs it"}
    say(f"worker: {peer.name}: {peer.at_once} jobs that wait, {peer.trivial} that do not, {PACED} at their times")
    results: Json = {}
    try:
        for measure in (_waiting, _trivial, _paced):
            with tempfile.TemporaryDirectory() as name, _Contest.opened(peer, Path(name)) as contest:
                results |= measure(contest)
    except (subprocess.SubprocessError, TimeoutError) as error:
        if peer.name == OURS:
            raise
        return {**NOTHING, "reason": f"{type(error).__name__}: {error}"}
    return results


@dataclass(frozen=True, slots=True)
class _Contest:
    """One peer's workers, up, and the journal of its jobs."""

    peer: QueuePeer
    environment: dict[str, str]
    workers: list[subprocess.Popen[bytes]]

    @classmethod
    @contextmanager
    def opened(cls, peer: QueuePeer, folder: Path) -> Iterator["_Contest"]:
        """Start a Redis and the peer's workers, and wait until they take jobs."""
        site, journal = Site.choose(f"sqlite:///{folder}/unused.db"), folder / "journal"
        journal.touch()
        environment = {**os.environ, **site.environment, job.JOURNAL: str(journal), "PYTHONPATH": str(ROOT)}
        with Supervisor(folder / "logs") as supervisor, (folder / "worker.log").open("wb") as log:
            supervisor.start(site.redis(folder, user=REDIS_USER_WITH_ALL))
            workers = [
                subprocess.Popen(peer.command, env=environment, stdout=log, stderr=log, cwd=folder)
                for _ in range(peer.processes)
            ]
            contest = cls(peer, environment, workers)
            try:
                contest.put(2 * peer.at_once, 0.0, 0.0)  # imports are done, threads and connections are there
                contest.begun(2 * peer.at_once)
                time.sleep(0.5)
                journal.write_bytes(b"")
                yield contest
            finally:
                contest.signal(signal.SIGKILL)  # children too: Dramatiq's outlive their parent
                for worker in workers:
                    worker.wait()

    def put(self, count: int, seconds: float, pace: float) -> None:
        """Queue jobs from another process and wait until they are queued."""
        module = "tests.benchmarks.peers.put"
        command = [sys.executable, "-m", module, self.peer.module, str(count), str(seconds), str(pace)]
        subprocess.run(command, env=self.environment, check=True, timeout=PATIENCE_SECONDS)

    def begun(self, count: int) -> list[tuple[int, float, float]]:
        """Wait until so many jobs have begun, or patience ends; return number, queued and begun of each."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            lines = Path(self.environment[job.JOURNAL]).read_text(encoding="utf-8").splitlines()
            if len(lines) >= count:
                break
            time.sleep(0.02)
        if not lines:
            raise TimeoutError(f"{self.peer.name} began none of {count} jobs in {PATIENCE_SECONDS:.0f} s")
        rows = (line.split() for line in lines)
        return [(int(number), float(queued), float(begun)) for number, queued, begun in rows]

    def cpu(self) -> float:
        """Return the CPU seconds of the workers."""
        return sum(proc_stats.cpu_seconds(worker.pid) for worker in self.workers)

    def signal(self, number: signal.Signals) -> None:
        """Signal all processes of the workers."""
        for worker in self.workers:
            for pid in proc_stats.family(worker.pid):
                with suppress(ProcessLookupError):  # it has ended by itself
                    os.kill(pid, number)


def _waiting(contest: _Contest) -> Json:
    """Weigh the workers while every slot holds a job that waits."""
    idle = sum(proc_stats.pss_mib(worker.pid) for worker in contest.workers)
    contest.put(contest.peer.at_once, WAIT_SECONDS, 0.0)
    contest.begun(contest.peer.at_once)
    busy = sum(proc_stats.pss_mib(worker.pid) for worker in contest.workers)
    return {
        "in_flight": contest.peer.at_once,
        "pss_mib": round(busy, 1),
        "pss_idle_mib": round(idle, 1),
        "in_flight_per_gib": round(contest.peer.at_once / (busy / GIB), 1),
    }


def _trivial(contest: _Contest) -> Json:
    """Let the workers empty a full queue; they stand still while it is filled."""
    count = contest.peer.trivial
    contest.signal(signal.SIGSTOP)
    contest.put(count, 0.0, 0.0)
    before = contest.cpu()
    contest.signal(signal.SIGCONT)
    rows = contest.begun(count)
    time.sleep(0.3)  # the last jobs end, and doubles show
    begun = sorted(row[2] for row in contest.begun(count))
    return {
        "jobs_per_s": round((len(begun) - 1) / (begun[-1] - begun[0]), 1),
        "cpu_ms_per_job": round((contest.cpu() - before) / len(rows) * 1000, 2),
        **_kept(rows, count),
    }


def _paced(contest: _Contest) -> Json:
    """Measure the time from the queue to the start when there is always a free slot."""
    contest.put(PACED, 0.0, PACE)
    took = sorted((begun - queued) * 1000 for _, queued, begun in contest.begun(PACED))
    return {
        "enqueue_to_start_p50_ms": round(took[len(took) // 2], 2),
        "enqueue_to_start_p99_ms": round(took[int(len(took) * 0.99)], 2),
    }


def _kept(rows: Sequence[tuple[int, float, float]], count: int) -> Json:
    times = Counter(number for number, _, _ in rows)
    return {"lost": count - len(times), "doubled": sum(times.values()) - len(times)}
