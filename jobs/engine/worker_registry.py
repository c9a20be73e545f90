"""What RQ's tools see of a worker that runs many jobs: its own record, and one for each execution.

The worker writes all records every few seconds, so that a Redis that came back empty has them again; nothing depends on
them. It makes a third of RQ's round trips for a job. It also hears the commands of the tools, and removes the records
of dead workers.
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
"Seconds until Redis is tried again."
LISTEN_SECONDS = 0.25
OURS = {"prepare_for_work": False, "maintenance_interval": 60}
"Our values for options of RQ's workers; the interval is in seconds."


class RegisteredWorker(BaseWorker):
    """A worker that is listed with all of its executions; `executions` holds those not recorded as ended."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Make a worker without calling Redis, which may be unreachable."""
        super().__init__(*arguments, **{**OURS, **options})
        self.hostname, self.pid = socket.gethostname(), os.getpid()
        self._gone = Event()
        "Set when this worker has to disappear from the registry."

    def register_birth(self) -> None:
        """Write the records of this worker and its executions, whatever Redis holds of them."""
        self.last_heartbeat = now()
        self.birth_date = self.birth_date or self.last_heartbeat
        if self._state != WorkerStatus.SUSPENDED:
            self._state = WorkerStatus.BUSY if self.executions else WorkerStatus.IDLE
        executions = tuple(self.executions.values())
        with self.connection.pipeline(transaction=False) as pipeline:
            pipeline.hset(self.key, mapping={**self.serialize(), "state": self._state})
            pipeline.expire(self.key, durations.WORKER_SEEN)
            worker_registration.register(self, pipeline)
            for execution in executions:
                execution.last_heartbeat = self.last_heartbeat
                self._write(execution, pipeline)
            pipeline.execute()
            for execution in executions:
                if execution.id not in self.executions:  # it ended meanwhile and must not come back
                    self._forget(execution, pipeline)
            pipeline.execute()

    def begin(self, job: Job, queue: Queue, execution: Execution) -> None:
        """Record that a job has started."""
        with self.connection.pipeline() as pipeline:
            self._write(execution, pipeline)
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
        """Record a success: the job's record is deleted, and no dependent job is queued."""
        with self.connection.pipeline() as pipeline:
            pipeline.delete(job.key, job.dependencies_key, job.dependents_key, Result.get_key(job.id))  # type: ignore[no-untyped-call]
            self.increment_successful_job_count(pipeline)
            self.increment_total_working_time((job.ended_at or now()) - (job.started_at or now()), pipeline)
            self.cleanup_execution(job, pipeline, execution)
            pipeline.execute()

    def _enqueue_dependents_safely(self, queue: Queue, job: Job) -> None:
        """Queue nothing after a failure either: the rows of a turn decide what follows it."""

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:  # noqa: ARG002 - RQ's
        """Note the time; RQ would also send a heartbeat here."""
        job.ended_at = now()

    def cleanup_execution(self, job: Job, pipeline: Pipeline, execution: Execution | None = None) -> None:
        """Remove an execution from the records; after the last one the worker is idle."""
        super().cleanup_execution(job, pipeline, execution)
        if not self.executions:
            self.set_state(WorkerStatus.IDLE, pipeline=pipeline)

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Write the state if it has changed; the next heartbeat corrects it if two threads write at once."""
        if state != self._state:
            super().set_state(state, pipeline)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Do nothing: a thread of its own sends the heartbeats, and RQ would send one for every job."""

    def procline(self, message: str) -> None:
        """Do nothing: the process runs many jobs, and RQ would name one in its title."""

    def subscribe(self) -> None:
        """Do nothing: a thread of its own listens for commands."""

    def unsubscribe(self) -> None:
        """Do nothing: a thread of its own listens for commands."""

    def keep_beating(self) -> None:
        """Send heartbeats until the worker is gone."""
        while not self._gone.wait(durations.WORKER_BEAT):
            self.tried("beat", self.register_birth)

    def run_maintenance_tasks(self) -> None:
        """Clean RQ's registries; if that fails, it is done the next time."""
        try:
            self.tried("maintain", super().run_maintenance_tasks)
        except Exception as bug:  # a record that cannot be read must not end the worker
            log.exception("worker.not_maintained", error=type(bug).__name__)
        self.last_cleaned_at = now()  # type: ignore[assignment]  # rq has it as None for ever

    def clean_registries(self) -> None:
        """Clean only the registries that we use, of our own queue: foreign records could make RQ run other code."""
        [queue] = self.queues
        if queue.acquire_maintenance_lock():
            known: dict[str, Any] = {"queue": queue, "job_class": self.job_class, "serializer": self.serializer}
            for registry in (StartedJobRegistry(**known), FailedJobRegistry(**known)):
                registry.cleanup()
            worker_registration.clean_worker_registry(queue)
            queue.intermediate_queue.cleanup(self, queue)
            queue.release_maintenance_lock()  # type: ignore[no-untyped-call]  # rq leaves it untyped

    def clean_group_registries(self) -> None:
        """Do nothing: we use no groups."""

    def keep_listening(self) -> None:
        """Run the commands that come on this worker's channel; subscribe again after Redis was unreachable."""
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
        """Call Redis; return False if it cannot be reached."""
        try:
            work(*arguments)
        except RedisError as error:
            log.warning("redis.not_reached", worker=self.name, trying_to=what, error=kind(error))
            return False
        return True

    def _write(self, execution: Execution, pipeline: Pipeline) -> None:
        execution.save(durations.WORKER_SEEN, pipeline)
        self.queues[0].started_job_registry.add_execution(execution, pipeline, ttl=durations.WORKER_SEEN)
        ExecutionRegistry(execution.job_id, pipeline).add(execution, durations.WORKER_SEEN, pipeline)
        pipeline.sadd(self.executions_key, execution.composite_key)
        pipeline.expire(self.executions_key, durations.WORKER_SEEN)

    def _forget(self, execution: Execution, pipeline: Pipeline) -> None:
        pipeline.delete(execution.key, ExecutionRegistry(execution.job_id, pipeline).key)
        self.queues[0].started_job_registry.remove_execution(execution, pipeline=pipeline)
        pipeline.srem(self.executions_key, execution.composite_key)
