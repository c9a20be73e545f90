"""May a process be counted on? It can commit and queue, it hears or takes work, and its agents are evaluated.

Anybody may ask, so the messages hold no address and no error; those are in the log.
"""

import os
import socket
from collections.abc import Callable, Mapping
from typing import Any, Literal

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
    "commit": "No row can be committed; over HTTP Slack gets a 5xx answer and sends its events again.",
    "enqueue": "Nothing can be queued: requests are stored, and are queued once Redis takes writes again.",
    "release": "The database is down, so it is unknown whether the agents may serve.",
}

log = structlog.get_logger()

Check = Callable[[], Finding]
Serving = Callable[[], Mapping[str, ReleasePair]]
"Returns the release and the suite of each active agent now, by the agent's name."


class Readiness:
    """The readiness checks of one process, by name."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = ConcurrentChecks(checks)

    def look(self) -> tuple[Finding, ...]:
        """Run every check now; takes `SECONDS` at most."""
        found = self._checks.results(seconds=SECONDS)
        return tuple(result if isinstance(result, Finding) else _failed(name, result) for name, result in found.items())

    def answer(self) -> tuple[bool, dict[str, Any]]:
        """Return whether every check is in order now, and the JSON object that says how each of them is."""
        found = self.look()
        ready = all(one.state == "ok" for one in found)
        checks = {one.check: {"ok": one.state == "ok", "message": one.message} for one in found}
        return ready, {"ready": ready, "checks": checks}


def of_listener(
    database: Database,
    queue: JobQueue,
    serving: Serving,
    *,
    process: Literal["web", "socket"] = "web",
    more: Mapping[str, Check] | None = None,
) -> Readiness:
    """Return the checks of a process that hears Slack.

    Args:
        database: where the process commits.
        queue: where it queues.
        serving: what it serves now.
        process: what it is.
        more: further checks, by name.
    """
    checks = {"commit": commits(database, process), "enqueue": enqueues(queue), "release": _released(database, serving)}
    return Readiness({**checks, **(more or {})})


def commits(database: Database, process: Literal["web", "socket", "worker"]) -> Check:
    """Return the check that a row can be committed: the heartbeat of this kind of process."""
    who = f"{socket.gethostname()}:{os.getpid()}"

    def check() -> Finding:
        with database.write() as session:
            heartbeats.give(session, process, who=who)
        return Finding("commit", "ok", "A row was committed.")

    return check


def enqueues(queue: JobQueue) -> Check:
    """Return the check that Redis takes what is queued."""

    def check() -> Finding:
        queue.prove()
        return Finding("enqueue", "ok", "Redis takes what is queued.")

    return check


def authorized(problem: Callable[[], str | None]) -> Check:
    """Return the check that Slack takes the bot token, by a function that says what is wrong with it."""

    def check() -> Finding:
        if problem() is None:
            return Finding("token", "ok", "Slack has not refused the bot token.")
        message = "No request can be answered with this bot token; `deskhand doctor` says why."
        return Finding("token", "fail", message)

    return check


def _released(database: Database, serving: Serving) -> Check:
    def check() -> Finding:
        with database.read() as session:
            found = {pair.release: verdicts.standing(session, *pair) for pair in serving().values()}
        unfit = [release for release, one in found.items() if not one.serves]
        if unfit:
            message = f"{', '.join(unfit)} has not passed an evaluation: every ticket goes to people."
            return Finding("release", "fail", message)
        waived = [release for release, one in found.items() if one.waiver is not None]
        if waived:
            message = f"Every active agent may answer, {', '.join(waived)} by a waiver of its owner."
            return Finding("release", "ok", message)
        return Finding("release", "ok", "Every active agent has passed its evaluation.")

    return check


def _failed(check: str, error: Exception) -> Finding:
    if isinstance(error, Transient | TimeoutError):
        log.warning("readiness.failed", check=check, error=str(error) or f"no answer within {SECONDS} s")
    else:
        log.error("readiness.crashed", check=check, exc_info=error)
    return Finding(check, "fail", FAILURES.get(check, "It could not be checked."))
