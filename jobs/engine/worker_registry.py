"""What RQ's tools see of a worker that has many jobs in hand: its own record, and one for each execution.

Every few seconds it says all of it, so that a Redis that came back empty knows it again; nothing depends on
the records being there. It makes a third of the round trips that RQ makes for a job. It hears what the tools say,
and removes what workers that died have left.
"""

import os
import socket
from collections.abc import Callable
from threading import Event
from typing import Any

import structlog
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, worker_registration
from rq.executions import Execution, ExecutionRegistry
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.results import Result
from rq.utils import now
from rq.worker import BaseWorker, WorkerStatus

from bot import durations
from bot.errors import kind

log = structlog.get_logger()

BACK_OFF_SECONDS = 1.0
"Before Redis is tried again."
LISTEN_SECONDS = 0.25
OURS = {"prepare_for_work": False, "maintenance_interval": 60}
"Options of RQ's workers; the interval is in seconds."


class RegisteredWorker(BaseWorker):
    """A worker that is seen with all of its executions; `executions` holds those that are not yet recorded as over."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Make a worker without asking Redis, which may be away."""
        super().__init__(*arguments, **{**OURS, **options})
        self.hostname, self.pid = socket.gethostname(), os.getpid()
        self._gone = Event()
        "Set once nothing of this worker is to be seen any longer."

    def register_birth(self) -> None:
        """Say all of what this process is and has in hand, whatever Redis still knows of it."""
        self.last_heartbeat = now()
        self.birth_date = self.birth_date or self.last_heartbeat
        if self._state != WorkerStatus.SUSPENDED:
            self._state = WorkerStatus.BUSY if self.executions else WorkerStatus.IDLE
        told = tuple(self.executions.values())
        with self.connection.pipeline(transaction=False) as pipeline:
            pipeline.hset(self.key, mapping={**self.serialize(), "state": self._state})
            pipeline.expire(self.key, durations.WORKER_SEEN)
            worker_registration.register(self, pipeline)
            for execution in told:
                execution.last_heartbeat = self.last_heartbeat
                self._tell_of(execution, pipeline)
            pipeline.execute()
            for execution in told:
                if execution.id not in self.executions:  # it ended meanwhile: do not bring it back
                    self._forget(execution, pipeline)
            pipeline.execute()

    def begin(self, job: Job, queue: Queue, execution: Execution) -> None:
        """Write down that a job has started."""
        with self.connection.pipeline() as pipeline:
            self._tell_of(execution, pipeline)
            self.set_state(WorkerStatus.BUSY, pipeline=pipeline)
            job.prepare_for_execution(self.name, pipeline=pipeline)
            pipeline.persist(job.key)
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.execute()

    def handle_job_success(
        self,
        job: Job,
        queue: Queue,  # noqa: ARG002 - RQ's
        started_job_registry: StartedJobRegistry,  # noqa: ARG002 - RQ's
        execution: Execution,
    ) -> None:
        """Write down a success: the job is forgotten, and nothing follows it."""
        with self.connection.pipeline() as pipeline:
            pipeline.delete(job.key, job.dependencies_key, job.dependents_key, Result.get_key(job.id))  # type: ignore[no-untyped-call]
            self.increment_successful_job_count(pipeline)
            self.increment_total_working_time((job.ended_at or now()) - (job.started_at or now()), pipeline)
            self.cleanup_execution(job, pipeline, execution)
            pipeline.execute()

    def _enqueue_dependents_safely(self, queue: Queue, job: Job) -> None:
        """Queue nothing after a failure either: what follows a turn stands in its rows."""

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:  # noqa: ARG002 - RQ's
        """Note the time; what is written down next needs no heartbeat before it."""
        job.ended_at = now()

    def cleanup_execution(self, job: Job, pipeline: Pipeline, execution: Execution | None = None) -> None:
        """Take an execution out of the records; the last one leaves the worker idle."""
        super().cleanup_execution(job, pipeline, execution)
        if not self.executions:
            self.set_state(WorkerStatus.IDLE, pipeline=pipeline)

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Say the state when it is another one; a beat mends what two threads said at once."""
        if state != self._state:
            super().set_state(state, pipeline)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Leave it to the thread that beats: RQ would beat with every job."""

    def procline(self, message: str) -> None:
        """Keep the process's title: it has many jobs."""

    def subscribe(self) -> None:
        """Leave it to the thread that listens."""

    def unsubscribe(self) -> None:
        """Leave it to the thread that listens."""

    def keep_beating(self) -> None:
        """Beat until the worker is gone."""
        while not self._gone.wait(durations.WORKER_BEAT):
            self.tried("beat", self.register_birth)

    def run_maintenance_tasks(self) -> None:
        """Clean RQ's registries; when it cannot be done now, the next time will do."""
        try:
            self.tried("maintain", super().run_maintenance_tasks)
        except Exception as bug:  # one record that cannot be read must not end the worker
            log.exception("worker.not_maintained", error=type(bug).__name__)
        self.last_cleaned_at = now()  # type: ignore[assignment]  # rq has it as None for ever

    def clean_registries(self) -> None:
        """Clean what we use of RQ, in our own queue: the rest may be another's, or be put there to be carried out."""
        [queue] = self.queues
        if queue.acquire_maintenance_lock():
            known: dict[str, Any] = {"queue": queue, "job_class": self.job_class, "serializer": self.serializer}
            for registry in (StartedJobRegistry(**known), FailedJobRegistry(**known)):
                registry.cleanup()
            worker_registration.clean_worker_registry(queue)
            queue.intermediate_queue.cleanup(self, queue)
            queue.release_maintenance_lock()  # type: ignore[no-untyped-call]  # rq leaves it untyped

    def clean_group_registries(self) -> None:
        """Leave groups alone: ours have none."""

    def keep_listening(self) -> None:
        """Heed the commands of this worker's channel; after Redis was away, subscribe again."""
        while not self._gone.is_set():
            if not self.tried("listen", self._heed_commands):
                self._gone.wait(BACK_OFF_SECONDS)

    def _heed_commands(self) -> None:
        with self.connection.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
            channel.subscribe(self.pubsub_channel_name)
            while not self._gone.is_set():
                if message := channel.get_message(timeout=LISTEN_SECONDS):
                    try:
                        self.handle_payload(message)  # type: ignore[no-untyped-call]  # rq leaves it untyped
                    except (ValueError, LookupError, TypeError) as error:
                        log.warning("command.malformed", error=type(error).__name__)

    def tried(self, what: str, work: Callable[..., object], *arguments: Any) -> bool:
        """Do something with Redis, and say if Redis was there."""
        try:
            work(*arguments)
        except RedisError as error:
            log.warning("redis.not_reached", worker=self.name, trying_to=what, error=kind(error))
            return False
        return True

    def _tell_of(self, execution: Execution, pipeline: Pipeline) -> None:
        execution.save(durations.WORKER_SEEN, pipeline)
        self.queues[0].started_job_registry.add_execution(execution, pipeline, ttl=durations.WORKER_SEEN)
        ExecutionRegistry(execution.job_id, pipeline).add(execution, durations.WORKER_SEEN, pipeline)
        pipeline.sadd(self.executions_key, execution.composite_key)
        pipeline.expire(self.executions_key, durations.WORKER_SEEN)

    def _forget(self, execution: Execution, pipeline: Pipeline) -> None:
        pipeline.delete(execution.key, ExecutionRegistry(execution.job_id, pipeline).key)
        self.queues[0].started_job_registry.remove_execution(execution, pipeline=pipeline)
        pipeline.srem(self.executions_key, execution.composite_key)
