"""An RQ worker that runs many jobs at once, each on a thread; its main thread takes a job only when a slot is free.

If Redis cannot be reached, jobs go on, and an end that cannot be recorded is only logged: SQL holds what is to be done.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock, Semaphore, Thread
from types import FrameType
from typing import Any, NoReturn, cast
from uuid import uuid4

import structlog
from redis.exceptions import RedisError
from rq import Queue
from rq.callbacks import execute_stopped_callback
from rq.command import handle_command, parse_payload
from rq.defaults import DEFAULT_LOGGING_DATE_FORMAT, DEFAULT_LOGGING_FORMAT
from rq.exceptions import DequeueTimeout
from rq.executions import Execution
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import now
from rq.worker import WorkerStatus

from bot.errors import kind
from jobs.engine import job_validation
from jobs.engine.deadlines import Deadline
from jobs.engine.job_validation import ValidatedJob
from jobs.engine.worker_registry import BACK_OFF_SECONDS, RegisteredWorker

log = structlog.get_logger()

POP_SECONDS = 1
"The longest wait for a job, in seconds; a signal takes effect after it."
LOOK_SECONDS = 0.05
"Seconds between checks whether the last job has ended."
ANSWER_SECONDS = 5
"Seconds after which Redis counts as unreachable."
SAME_SIGNAL_SECONDS = 1.0
"A terminal and a process manager may both send a signal: two within this time count as one."


@dataclass(eq=False, frozen=True, slots=True)
class InHand:
    """A running job on its thread."""

    job: Job
    queue: Queue
    deadline: Deadline
    execution: Execution
    "RQ's record of the run."


class ThreadWorker(RegisteredWorker):
    """A worker of one queue that runs many jobs at once."""

    death_penalty_class = Deadline
    log_result_lifespan = False

    def __init__(
        self,
        queues: str | Queue | Sequence[str] | Sequence[Queue],
        name: str | None = None,
        *,
        concurrency: int = 1,
        drain_seconds: float = math.inf,
        pop_seconds: float = POP_SECONDS,
        on_abandon: Callable[[], object] = lambda: None,
        **options: Any,
    ) -> None:
        """Make a worker; it is not registered in Redis yet.

        Args:
            queues: one queue; RQ has no intermediate queue for several.
            name: unique among the living workers.
            concurrency: the most jobs at once.
            pop_seconds: the longest wait for a job; a signal takes effect after it.
            drain_seconds: how long running jobs may go on after a stop signal.
            on_abandon: called if some still run after that; the process must end right after `work`.
            options: options of RQ's own workers; `job_class` decides which jobs are run, by default only ours.
        """
        super().__init__(queues, name, **{"job_class": ValidatedJob, **options, "serializer": JSONSerializer})
        self.drain_seconds, self.pop_seconds = drain_seconds, pop_seconds
        self.in_hand: set[InHand] = set()
        "Jobs that are still in it when `work` returns were abandoned."
        self._on_abandon = on_abandon
        self._slots = Semaphore(concurrency)
        self._gives_up_at, self.looked_at = math.inf, -math.inf
        self._failing, self._beside = Lock(), list[Thread]()

    # --- the main thread: what RQ's loop calls, in its order ---

    def bootstrap(
        self,
        logging_level: str | None = "INFO",
        date_format: str = DEFAULT_LOGGING_DATE_FORMAT,
        log_format: str = DEFAULT_LOGGING_FORMAT,
    ) -> None:
        """Register the worker and listen for commands, as soon as Redis can be reached."""
        if len(self.queues) != 1:
            raise ValueError(f"A thread worker serves one queue, not {len(self.queues)}.")
        while not self.tried("start", super().bootstrap, logging_level, date_format, log_format):
            time.sleep(BACK_OFF_SECONDS)
        self._install_signal_handlers()  # type: ignore[no-untyped-call]  # before it listens: RQ itself does so after
        for work in (self.keep_beating, self.keep_listening):
            self._beside.append(Thread(target=work, name=work.__name__, daemon=True))
            self._beside[-1].start()

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 - RQ's signature
        """Check for a suspension, at most once a second since it costs a round trip."""
        if time.monotonic() - self.looked_at >= POP_SECONDS:
            self.looked_at = time.monotonic()
            looked = self.tried("look for a suspension", super().check_for_suspension, burst)
            if not looked and self._state == WorkerStatus.SUSPENDED:
                self._state = WorkerStatus.IDLE  # the next check finds out whether it is still suspended

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Take a slot, then a job; return None if there will be none."""
        patience = time.monotonic() + (math.inf if max_idle_time is None else max_idle_time)
        while not self._stop_requested:
            if self._slots.acquire(timeout=POP_SECONDS):
                if (taken := self._pop(timeout)) is not None:
                    return taken
                self._slots.release()
                if timeout is None:  # a burst is over when no running job can queue more
                    if not self.in_hand:
                        return None
                    time.sleep(LOOK_SECONDS)
            if time.monotonic() > patience:
                return None
            self.check_for_suspension(timeout is None)
            if self.should_run_maintenance_tasks:
                self.run_maintenance_tasks()
        return None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job on a new thread, so that it shares no state with the next one."""
        execution = Execution(uuid4().hex, job.id, self.connection, worker_name=self.name)
        one = InHand(job, queue, Deadline(job.timeout or self.queue_class.DEFAULT_TIMEOUT), execution)
        self.in_hand.add(one)
        self.executions[execution.id] = execution
        try:
            Thread(target=self._carry, args=(one,), name=job.id, daemon=True).start()
        except RuntimeError as error:  # the system has no more threads; upkeep finds the work in SQL
            log.exception("job.not_started", job=job.id, error=type(error).__name__)
            self._put_down(one)
            time.sleep(BACK_OFF_SECONDS)

    def teardown(self) -> None:
        """Wait for running jobs, still sending heartbeats; then abandon the rest and unregister."""
        if self._shutdown_requested_date is not None:
            self.tried("say that it stops", self.set_shutdown_requested_date)
        while self.in_hand and time.monotonic() < self._gives_up_at:
            time.sleep(LOOK_SECONDS)
        if self.in_hand:
            log.warning("jobs.abandoned", count=len(self.in_hand))
            giving_back = Thread(target=self._give_back, name="give-back", daemon=True)
            giving_back.start()
            giving_back.join(ANSWER_SECONDS)  # a database that hangs must not keep the process alive
        self._gone.set()
        for thread in self._beside:
            thread.join(ANSWER_SECONDS)
        self.tried("register its death", super().teardown)

    def _give_back(self) -> None:
        try:
            self._on_abandon()
        except Exception as error:  # what cannot be given back is taken over when its lease expires
            log.exception("jobs.not_given_back", error=type(error).__name__)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's
        """Take no more jobs; a second signal abandons the running ones at once.

        Nothing is raised and no lock is taken here, because a job that is being popped must still be started.
        """
        if self._shutdown_requested_date is None:
            self._shutdown_requested_date = now()
            self._gives_up_at = time.monotonic() + self.drain_seconds
            self._stop_requested = True
        elif (now() - self._shutdown_requested_date).total_seconds() > SAME_SIGNAL_SECONDS:
            self._gives_up_at = -math.inf

    def _pop(self, timeout: int | None) -> tuple[Job, Queue] | None:
        [queue] = self.queues
        try:
            while not self._stop_requested:
                popped = queue.lmove(self.connection, queue.key, cast("Any", timeout and self.pop_seconds))
                if popped is None:
                    return None
                job, wrong = job_validation.fetch(self.job_class, queue, popped[1])
                if job is not None:
                    return job, queue
                if wrong is not None:
                    log.warning("job.dropped", worker=self.name, wrong=wrong)
                self.connection.lrem(queue.intermediate_queue_key, 1, popped[1])
        except DequeueTimeout:
            return None
        except RedisError as error:
            log.warning("redis.not_reached", worker=self.name, trying_to="take a job", error=kind(error))
            time.sleep(BACK_OFF_SECONDS)
        return None

    # --- a job's own thread ---

    def _carry(self, one: InHand) -> None:
        """Run a job, and record how it ended."""
        try:
            self.tried("record a start", self.begin, one.job, one.queue, one.execution)
            failure: BaseException | None = None
            try:
                with one.deadline:
                    result = one.job.perform()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the job has ended with it
                failure = error
            if one.deadline.stop_asked:
                self.tried("record a stop", self._stopped, one)
            elif failure is None:
                self.tried("record a success", self._finalize_success, one.job, one.queue, one.execution, result)
            else:
                self.tried("record a failure", self._failed, one, failure)
        except Exception as bug:  # RQ's records could not be written, though Redis can be reached
            log.exception("job.not_recorded", job=one.job.id, error=type(bug).__name__)
        finally:
            self._put_down(one)

    def _put_down(self, one: InHand) -> None:
        self.executions.pop(one.execution.id, None)
        self.in_hand.discard(one)
        self._slots.release()

    def _stopped(self, one: InHand) -> None:
        log.info("job.stopped", job=one.job.id)
        one.job.ended_at = now()
        execute_stopped_callback(one.job, self.death_penalty_class)
        self.handle_job_failure(one.job, one.queue, exc_string="Stopped on request.", execution=one.execution)

    def _failed(self, one: InHand, failure: BaseException) -> None:
        """Record only the type of an error in Redis, with its id in the log: its text may hold people's words."""
        error_id = uuid4().hex[:8]
        log.error("job.failed", job=one.job.id, error_id=error_id, exc_info=failure)
        one.job.ended_at = now()
        summary = f"{type(failure).__name__} (error {error_id} in the log)"
        self.handle_job_failure(one.job, one.queue, exc_string=summary, execution=one.execution)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Record a failure or a stop, one at a time: RQ's worker remembers only one stopped job."""
        with self._failing:
            stopped = any(one.job is job and one.deadline.stop_asked for one in tuple(self.in_hand))
            self._stopped_job_id = job.id if stopped else None
            super().handle_job_failure(job, queue, started_job_registry, exc_string, execution)

    # --- the thread that listens ---

    def handle_payload(self, message: dict[str, Any]) -> None:
        """Run a command of RQ; a command to stop a job may mean any of the running ones."""
        payload = parse_payload(message)
        if payload["command"] == "stop-job":
            self._ask_to_stop(lambda one: one.job.id == payload["job_id"])
        else:
            handle_command(self, payload)

    def request_stop_execution(self, execution_id: str) -> None:
        """Ask one execution to stop."""
        self._ask_to_stop(lambda one: one.execution.id == execution_id)

    def _ask_to_stop(self, meant: Callable[[InHand], bool]) -> None:
        for one in filter(meant, tuple(self.in_hand)):
            log.info("job.stop_asked", job=one.job.id)
            one.deadline.ask_to_stop()

    # --- settings of RQ's worker ---

    @property
    def dequeue_timeout(self) -> int:
        """Return the longest wait of a pop, in seconds."""
        return POP_SECONDS

    @property
    def connection_timeout(self) -> int:
        """Return the longest wait for an answer of Redis, in seconds."""
        return ANSWER_SECONDS

    def _start_scheduler(self, *_options: Any) -> NoReturn:
        raise ValueError("A thread worker runs no scheduler: it would fork a process full of threads.")
