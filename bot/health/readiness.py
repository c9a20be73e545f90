"""May requests be sent to this web process? It must be able to commit and to queue, and its agents must be evaluated.

Anybody may ask, so the messages hold no address and no error; those are in the log.
"""

import os
import socket
from collections.abc import Callable, Mapping

import structlog

from bot.errors import Transient
from bot.health.concurrent import ConcurrentChecks
from bot.health.findings import Finding
from bot.queue import JobQueue
from bot.store.db import Database
from bot.store.installation import heartbeats
from bot.store.releases import verdicts
from bot.store.releases.verdicts import ReleasePair

SECONDS = 1.5
"The longest that all checks together take; load balancers give up after two seconds or more."

FAILURES = {
    "commit": "No row can be committed: Slack gets a 5xx answer and sends its events again.",
    "enqueue": "Nothing can be queued: requests are stored, and are queued once Redis takes writes again.",
    "release": "The database is down, so it is unknown whether the agents may serve.",
}

log = structlog.get_logger()


class Readiness:
    """The readiness checks of one web process."""

    def __init__(self, database: Database, queue: JobQueue, serving: Callable[[], Mapping[str, ReleasePair]]) -> None:
        """Prepare the checks.

        Args:
            database: where the process commits.
            queue: where it queues.
            serving: returns the release and the suite of each active agent now, by the agent's name.
        """
        self._database, self._queue, self._serving = database, queue, serving
        self._who = f"{socket.gethostname()}:{os.getpid()}"
        self._checks = ConcurrentChecks({"commit": self._commit, "enqueue": self._enqueue, "release": self._release})

    def look(self) -> tuple[Finding, ...]:
        """Run every check now; takes `SECONDS` at most."""
        found = self._checks.results(seconds=SECONDS)
        return tuple(result if isinstance(result, Finding) else _failed(name, result) for name, result in found.items())

    def _commit(self) -> Finding:
        with self._database.write() as session:
            heartbeats.give(session, "web", who=self._who)
        return Finding("commit", "ok", "A row was committed.")

    def _enqueue(self) -> Finding:
        self._queue.prove()
        return Finding("enqueue", "ok", "Redis takes what is queued.")

    def _release(self) -> Finding:
        with self._database.read() as session:
            found = {pair.release: verdicts.standing(session, *pair) for pair in self._serving().values()}
        unfit = [release for release, one in found.items() if not one.serves]
        if unfit:
            message = f"{', '.join(unfit)} has not passed an evaluation: every ticket goes to people."
            return Finding("release", "fail", message)
        waived = [release for release, one in found.items() if one.waiver is not None]
        if waived:
            message = f"Every active agent may answer, {', '.join(waived)} by a waiver of its owner."
            return Finding("release", "ok", message)
        return Finding("release", "ok", "Every active agent has passed its evaluation.")


def _failed(check: str, error: Exception) -> Finding:
    if isinstance(error, Transient | TimeoutError):
        log.warning("readiness.failed", check=check, error=str(error) or f"no answer within {SECONDS} s")
    else:
        log.error("readiness.crashed", check=check, exc_info=error)
    return Finding(check, "fail", FAILURES[check])
