"""The queue of one evaluation, for the worker processes of the command that runs it; and what of it a crash left.

A worker serves one queue, and the workers of the installation serve only that of its jobs.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from redis import Redis
from rq import Queue
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE
from rq.serializers import JSONSerializer
from rq.utils import as_text, parse_composite_key

from bot.queue import JobQueue, stem, translated

_SUFFIX = "0" * 8
"As long as what makes the id of a job unique."


def of(queue: JobQueue, run_id: int) -> JobQueue:
    """Return the queue of a run, beside that of the installation."""
    return replace(queue, queue=_named(f"{queue.queue.name}-eval-{run_id}", queue.queue.connection))


def over(queue: JobQueue, connection: Redis) -> Queue:
    """Return a queue over a connection of a worker's own."""
    return _named(queue.queue.name, connection)


def look(queue: JobQueue) -> Callable[[str, int | str], bool]:
    """Look now, and return what tells of a job and its argument whether such a job is queued or running.

    All is read at one moment: a job that moved on between two commands would be in neither of their answers.

    Raises:
        Transient: Redis cannot be reached.
    """
    of = queue.queue
    with translated(), of.connection.pipeline(transaction=True) as at_once:
        at_once.lrange(of.key, 0, -1)
        at_once.lrange(of.intermediate_queue_key, 0, -1)
        at_once.zrange(of.started_job_registry.key, 0, -1)
        queued, popped, running = at_once.execute()
    ids = (*map(as_text, (*queued, *popped)), *(parse_composite_key(as_text(one))[0] for one in running))
    stems = {job_id[: -len(_SUFFIX)] for job_id in ids}
    return lambda job, argument: stem(job, argument) in stems


def drop_worker(queue: JobQueue, name: str) -> None:
    """Forget what a dead worker was running; RQ itself would wait until its heartbeat expires.

    Raises:
        Transient: Redis cannot be reached.
    """
    redis: Any = queue.queue.connection
    key = WORKER_EXECUTIONS_KEY_TEMPLATE.format(name)
    with translated():
        running = redis.smembers(key)
        if running:
            redis.zrem(queue.queue.started_job_registry.key, *running)
        redis.delete(key)


def delete(queue: JobQueue) -> None:
    """Delete a queue with its jobs, and what is known of workers that ran some.

    Raises:
        Transient: Redis cannot be reached.
    """
    with translated():
        queue.queue.delete(delete_jobs=True)
        queue.queue.connection.delete(queue.queue.started_job_registry.key, queue.queue.intermediate_queue_key)


def _named(name: str, connection: Redis) -> Queue:
    return Queue(name, connection=connection, serializer=JSONSerializer)
