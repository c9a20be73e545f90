"""Puts jobs in RQ's queue by their dotted name, after the row that they read is committed.

A job may be lost with Redis or run twice: the rows say what is due, and guard every effect. So a job carries only an
id, keeps no result, and is never retried by RQ itself.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rq import Queue, worker_registration
from rq.command import send_stop_execution_command
from rq.exceptions import InvalidJobOperation
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import as_text, utcparse

from bot import durations, redis_client
from bot.errors import ConfigError, Transient, kind
from bot.ground import MARK, ForeignRedis, Ground

NAME = "deskhand"
"The queue's name without a ground; with one, the ground's id is added."
KEEP_FAILED_SECONDS = 7 * 24 * 3600
PROOF, PROOF_MS = "proof", 5_000
"The key that `prove` writes, and the milliseconds until it expires."

RUN_TURN = "jobs.turn.run_turn"
DELIVER = "jobs.undeliverable.deliver"
ANSWER_COMMAND = "jobs.commands.answer"
SHOW_HOME = "jobs.home.show"
SHOW_STOPPED = "jobs.turn.show_stopped"
SEE_TO_BUDGETS = "jobs.budgets.see_to"
PLAY_CASE = "jobs.evals.play"
BEGIN_EVALUATION = "jobs.evals.begin"
LONGEST = {PLAY_CASE: durations.PLAY}
"Seconds after which RQ ends a job, where they are not `durations.JOB`."
JOBS = (RUN_TURN, DELIVER, ANSWER_COMMAND, SHOW_HOME, SHOW_STOPPED, SEE_TO_BUDGETS, PLAY_CASE, BEGIN_EVALUATION)
"Every job that is ever queued; a test resolves each name."

_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker as its last heartbeat shows it."""

    name: str
    state: str
    executions: int
    "Jobs that it is running."
    heard_at: datetime
    "Time of its last heartbeat (UTC)."


@dataclass(frozen=True, slots=True)
class Server:
    """The Redis behind the queue."""

    name: str
    "Redis or Valkey, each of which has versions of its own."
    version: str
    eviction: str
    "Its maxmemory-policy."
    used_bytes: int
    most_bytes: int
    "Its maxmemory; 0 for no limit but the machine's."
    keeps_log: bool
    "Whether it keeps an append-only file."
    saved: bool
    "Whether its last snapshot succeeded; after a failed one, Redis refuses writes."


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the Redis behind the queue; None for what Redis does not say."""

    open_to_all: bool | None
    "Whether its default user has no password."
    protected: bool | None
    "Whether it is in protected mode, in which it answers only clients on its own machine."


@dataclass(frozen=True, slots=True)
class JobQueue:
    """The queue as the rest of the code uses it; every method raises `Transient` when Redis cannot be reached."""

    queue: Queue
    prefix: str = ""
    "The prefix of every key that is not RQ's."

    @classmethod
    def connect(cls, redis_url: str, ground: Ground | None = None) -> Self:
        """Return the queue at an address; nothing is sent before the first job.

        Args:
            redis_url: the address.
            ground: the installation that the Redis must belong to; None neither checks nor sets a mark.

        Raises:
            ConfigError: the address cannot be read.
        """
        client = redis_client.shared(redis_url, None if ground is None else ground.greet)
        return cls(open_queue(client, ground), "" if ground is None else ground.prefix)

    @classmethod
    def of_its_owner(cls, redis_url: str) -> Self:
        """Return the queue of the installation that the Redis belongs to, to look at it without setting a mark.

        Raises:
            Transient: Redis cannot be reached.
        """
        with closing(cls.connect(redis_url)) as unmarked:
            owner = unmarked.owner()
        return cls.connect(redis_url, owner)

    def owner(self) -> Ground | None:
        """Return the installation or demo that this Redis belongs to; None when it has no mark."""
        redis: Any = self.queue.connection
        with translated():
            mark = redis.get(MARK)
        return Ground.parse(mark.decode(errors="replace")) if mark else None

    def enter(self) -> None:
        """Connect now, so that a process does not start with the Redis of another installation.

        Raises:
            ConfigError: it belongs to another installation.
            Transient: it cannot be reached.
        """
        try:
            self.queue.connection.ping()
        except ForeignRedis as error:
            raise ConfigError(str(error)) from error
        except RedisError as error:
            raise Transient(f"redis: {kind(error)}") from error

    def put(self, job: str, argument: int | str) -> None:
        """Put a job in the queue; after a failure, upkeep finds the row and queues it later."""
        job_id, most = f"{stem(job, argument)}{uuid4().hex[:8]}", LONGEST.get(job, durations.JOB)
        kept: dict[str, Any] = {"result_ttl": 0, "failure_ttl": KEEP_FAILED_SECONDS}
        with translated(), self.queue.connection.pipeline() as whole:  # without it, RQ makes two transactions of a job
            self.queue.enqueue_call(job, (argument,), timeout=most, job_id=job_id, pipeline=whole, **kept)
            whole.execute()

    def stop(self, job: str, argument: int | str) -> int:
        """Ask the workers that run a job to stop it; return how many were asked."""
        ours, asked = re.compile(f"{re.escape(stem(job, argument))}[0-9a-f]{{8}}"), 0
        with translated():
            for job_id, execution_id in self.queue.started_job_registry.get_job_and_execution_ids(cleanup=False):
                if ours.fullmatch(job_id):
                    with suppress(InvalidJobOperation):  # the job has just ended
                        send_stop_execution_command(self.queue.connection, job_id, execution_id)
                        asked += 1
        return asked

    def waiting(self) -> int:
        """Return how many jobs wait."""
        with translated():
            return int(self.queue.count)

    def started(self) -> int:
        """Return how many jobs workers are running."""
        with translated():
            return int(self.queue.started_job_registry.get_job_count(cleanup=False))

    def failed(self) -> int:
        """Return how many jobs of the last `KEEP_FAILED_SECONDS` failed or were stopped."""
        with translated():
            return int(self.queue.failed_job_registry.get_job_count(cleanup=False))

    def jobs(self) -> dict[str, int]:
        """Return how many jobs there are of each status of RQ."""
        kept = {
            "started": self.queue.started_job_registry,
            "finished": self.queue.finished_job_registry,
            "failed": self.queue.failed_job_registry,
            "deferred": self.queue.deferred_job_registry,
            "scheduled": self.queue.scheduled_job_registry,
        }
        with translated():
            return {
                "queued": int(self.queue.count),
                **{status: int(registry.get_job_count(cleanup=False)) for status, registry in kept.items()},
            }

    def oldest(self) -> datetime | None:
        """Return when the job at the head of the queue was put there (UTC); None when it is empty."""
        redis: Any = self.queue.connection
        with translated():
            head = redis.lindex(self.queue.key, 0)
            since = None if head is None else redis.hget(Job.key_for(as_text(head)), "enqueued_at")
        return utcparse(as_text(since)) if since else None

    def workers(self) -> list[WorkerSeen]:
        """Return the workers with a recent heartbeat, sorted by name."""
        with translated(), self.queue.connection.pipeline(transaction=False) as pipeline:
            keys = sorted(worker_registration.get_keys(self.queue))
            names = [key.removeprefix("rq:worker:") for key in keys]
            for key, name in zip(keys, names, strict=True):
                pipeline.hmget(key, "state", "last_heartbeat")
                pipeline.scard(WORKER_EXECUTIONS_KEY_TEMPLATE.format(name))
            seen = pipeline.execute()
        return [
            WorkerSeen(name, as_text(state or b"started"), executions, utcparse(as_text(heard_at)))
            for name, (state, heard_at), executions in zip(names, seen[::2], seen[1::2], strict=True)
            if heard_at
        ]

    def prove(self) -> None:
        """Write a key that expires: a Redis that answers may still be full or read-only."""
        with translated():
            self.queue.connection.set(f"{self.prefix}{PROOF}", "1", px=PROOF_MS)

    def server(self) -> Server:
        """Return version, memory and persistence of the Redis behind the queue."""
        with translated():
            info = self.queue.connection.info()
        return Server(
            name="Valkey" if "valkey_version" in info else "Redis",
            version=info.get("valkey_version", info["redis_version"]),
            eviction=info["maxmemory_policy"],
            used_bytes=info["used_memory"],
            most_bytes=info["maxmemory"],
            keeps_log=bool(info["aof_enabled"]),
            saved=info["rdb_last_bgsave_status"] == "ok",
        )

    def access(self) -> Access:
        """Return who may use the Redis behind the queue."""
        redis: Any = self.queue.connection

        def allowed(command: Callable[[], Any]) -> Any:
            with translated():
                try:
                    return command()
                except ResponseError:  # a managed Redis forbids some commands
                    return None

        user = allowed(lambda: redis.acl_getuser("default"))
        mode = allowed(lambda: redis.config_get("protected-mode"))
        return Access(
            open_to_all=None if user is None else "on" in user["flags"] and "nopass" in user["flags"],
            protected=None if not mode else mode.get("protected-mode") == "yes",
        )

    def close(self) -> None:
        """Close the connections."""
        self.queue.connection.close()


def open_queue(connection: Redis, ground: Ground | None = None) -> Queue:
    """Return the only queue of a ground: a worker on several queues can lose a job if it dies after the pop.

    Jobs are JSON, not pickles: reading what is in Redis never executes it.
    """
    return Queue(NAME if ground is None else ground.queue, connection=connection, serializer=JSONSerializer)


def worker_connection(redis_url: str, ground: Ground | None = None, *, connections: int) -> Redis:
    """Return a worker's own client, which may block on the queue for as long as the worker wants.

    Args:
        redis_url: the address.
        ground: the installation that the Redis must belong to.
        connections: the most that are open at a time; above it, a command fails at once.

    Raises:
        ConfigError: the address cannot be read.
    """
    return redis_client.patient(redis_url, None if ground is None else ground.greet, connections=connections)


def stem(job: str, argument: int | str) -> str:
    """Return the beginning of a job's id, as in `run_turn-7-`; eight hexadecimal digits follow it."""
    return f"{job.rpartition('.')[2]}-{_NOT_IN_AN_ID.sub('_', str(argument))}-"


@contextmanager
def translated() -> Iterator[None]:
    """Translate the errors of Redis.

    Raises:
        Transient: a command failed.
    """
    try:
        yield
    except RedisError as error:
        raise Transient(f"redis: {kind(error)}") from error
