"""Which jobs a worker runs: one of our names with one argument, exactly as `bot.queue` enqueues it.

Anybody who can write to Redis can put anything in the queue. A record that is not as we write it is dropped before
anything of it is imported or run, and the log says what was wrong. Nothing is lost: our own jobs are queued again from
SQL.
"""

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any, ClassVar

from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job

from bot import durations
from bot.queue import JOBS, KEEP_FAILED_SECONDS, LONGEST, stem

DATA_BYTES = 2_000
TEXT_LENGTH = 300
"The most characters of a text argument; our longest ones are event ids."
LARGEST_NUMBER = 2**63 - 1
"The largest id of a row."
ID = re.compile(r"[A-Za-z0-9_-]{1,400}")

FIELDS = frozenset(
    {"status", "created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "worker_name"}
    | {"origin", "description", "data", "timeout", "result_ttl", "failure_ttl"}
)
"Every field that the record of our jobs may have. RQ knows others, such as callbacks and dependencies, that run code."
FIXED = {"result_ttl": 0, "failure_ttl": KEEP_FAILED_SECONDS}


class ForeignJob(NoSuchJobError):
    """A record that is not as we write it; RQ treats it as a missing job. The message names what is wrong."""


class ValidatedJob(Job):
    """A job whose record is as we write it."""

    names: ClassVar[frozenset[str]] = frozenset(JOBS)

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Take over the record from Redis.

        Raises:
            ForeignJob: it is not as we queue it.
        """
        try:
            wrong = self.fault(self.id, {name.decode(): value for name, value in raw_data.items() if value})
            if wrong is None:
                super().restore(raw_data)
        except Exception as error:
            raise ForeignJob("unreadable") from error
        if wrong is not None:
            raise ForeignJob(wrong)

    @classmethod
    def fault(cls, job_id: str, record: Mapping[str, bytes]) -> str | None:
        """Return what is wrong with a record, in a few words; None: nothing."""
        name, instance, arguments, named = _data(record["data"])
        if name not in cls.names:
            return "name"
        argument: Any = arguments[0] if len(arguments) == 1 else None
        if instance is not None or named or not _is_plain(argument):
            return "arguments"
        if record.keys() - FIELDS:
            return "more than a name and an argument"
        if any(
            record.get(field) != str(value).encode()
            for field, value in {**FIXED, "timeout": LONGEST.get(name, durations.JOB)}.items()
        ):
            return "times"
        if not re.fullmatch(f"{re.escape(stem(name, argument))}[0-9a-f]{{8}}", job_id):
            return "id"
        return None


def fetch(kind: type[Job], queue: Queue, job_id: bytes) -> tuple[Job | None, str | None]:
    """Return the job of an id that was popped, or None and what is wrong with it; (None, None): it is gone.

    Raises:
        RedisError: Redis cannot be reached; the id may still be read later.
    """
    if not ID.fullmatch(name := job_id.decode(errors="replace")):
        return None, "id"
    try:
        job = kind.fetch(name, connection=queue.connection, serializer=queue.serializer)
    except ForeignJob as error:
        return None, str(error)
    except NoSuchJobError:
        return None, None
    return (job, None) if job.origin == queue.name else (None, "queue")


def _data(packed: bytes) -> tuple[str, object, list[Any], object]:
    """Return name, instance, arguments and named arguments; raise if the data is anything else."""
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(packed, DATA_BYTES)
    if not unpacking.eof:
        raise ValueError("too long")
    name, instance, arguments, named = json.loads(text)
    if not (isinstance(name, str) and isinstance(arguments, list)):
        raise TypeError("not a call")
    return name, instance, arguments, named


def _is_plain(argument: Any) -> bool:
    """Return whether an argument is the id of a row, or a short text."""
    if isinstance(argument, str):
        return 0 < len(argument) <= TEXT_LENGTH
    return type(argument) is int and 0 <= argument <= LARGEST_NUMBER  # `type`, since True is an int too
