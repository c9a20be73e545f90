"""The door to RQ: jobs are put in the queue by their dotted name, after the row they read is committed.

A job may be lost with Redis or run twice: the rows say what is owed, and guard every effect. So a job
carries nothing but an id, keeps no result, and is never retried by RQ itself.
"""

from dataclasses import dataclass
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue

from bot.errors import Transient

NAME = "deskhand"
"One queue: a worker on several can lose a job that dies after the pop."
SOCKET_SECONDS = 0.5
"In the way of a Slack acknowledgement: a hung Redis must not hold it up."
JOB_SECONDS = 180
KEEP_FAILED_SECONDS = 7 * 24 * 3600

RUN_TURN = "jobs.turn.run_turn"
DELIVER = "jobs.outbox.deliver"
ANSWER_COMMAND = "jobs.commands.answer"
SHOW_HOME = "jobs.home.show"
JOBS = (RUN_TURN, DELIVER, ANSWER_COMMAND, SHOW_HOME)
"Every name that is ever queued; a test resolves each."


@dataclass(frozen=True, slots=True)
class JobQueue:
    """The queue as seen from the house."""

    queue: Queue

    @classmethod
    def connect(cls, redis_url: str) -> Self:
        """Return the queue at an address; nothing is sent before the first job."""
        return cls(Queue(NAME, connection=connection(redis_url, socket_seconds=SOCKET_SECONDS)))

    def put(self, job: str, argument: int | str) -> None:
        """Put a job in the queue.

        Raises:
            Transient: Redis is away; upkeep finds the row and queues it later.
        """
        try:
            self.queue.enqueue_call(
                job, args=(argument,), timeout=JOB_SECONDS, result_ttl=0, failure_ttl=KEEP_FAILED_SECONDS
            )
        except RedisError as error:
            raise Transient(f"redis: {error}") from error

    def waiting(self) -> int:
        """Return how many jobs wait.

        Raises:
            Transient: Redis is away.
        """
        try:
            return int(self.queue.count)
        except RedisError as error:
            raise Transient(f"redis: {error}") from error

    def close(self) -> None:
        """Give the connections back."""
        self.queue.connection.close()


def connection(redis_url: str, *, socket_seconds: float | None) -> Redis:
    """Return a client that does a command once: a reply lost on the way must not run it again.

    Args:
        redis_url: the address.
        socket_seconds: the longest wait for an answer; None for a worker, which blocks on the queue.
    """
    return Redis.from_url(
        redis_url,
        socket_timeout=socket_seconds,
        socket_connect_timeout=SOCKET_SECONDS,
        retry=Retry(NoBackoff(), 0),
        retry_on_timeout=False,
    )
