"""`deskhand status`: how well it goes, who is working, what is under way, and what work is left.

Redis or the database may be down or slow: each part is read apart from the others, and what is not read in time is not
known.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from bot import agent_cards
from bot.agent import card, standing
from bot.agent.standing import Standing
from bot.errors import ConfigError, DeskhandError
from bot.health import configured
from bot.health.concurrent import ConcurrentChecks
from bot.queue import JobQueue, WorkerSeen
from bot.settings import Settings
from bot.store import backlog, db
from bot.store.backlog import Backlog
from bot.store.db import Session
from bot.store.figures import owner_alerts, success
from bot.store.figures.owner_alerts import OpenAlert
from bot.store.figures.success import Success
from bot.store.handoffs import handoff_metrics
from bot.store.installation import heartbeats
from bot.store.schema import now
from bot.store.tickets import surges
from bot.store.tickets.surges import SurgeCount

SECONDS = 5.0
"The longest that reading a status takes."

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The queue and its workers, from Redis."""

    waiting: int
    oldest: datetime | None
    "When the job at the head of the queue was put there (UTC)."
    started: int
    failed: int
    "Jobs of the last days that failed or were stopped."
    workers: tuple[WorkerSeen, ...]


@dataclass(frozen=True, slots=True)
class UnfinishedWork:
    """Unfinished work, from the database."""

    backlog: Backlog
    clock: tuple[str, datetime] | None
    "The clock that gave the last heartbeat, and when (UTC)."
    alerts: tuple[OpenAlert, ...] = ()
    "The causes of which owners are alerted and that are not gone."
    surges: tuple[SurgeCount, ...] = ()
    "The surges under way."
    idle: Mapping[str, Standing] = field(default_factory=dict)
    "The agents that do not work now, by name."


@dataclass(frozen=True, slots=True)
class Status:
    """One reading; a part that could not be read is None, and `unavailable` says why."""

    at: datetime
    queue: QueueStatus | None
    unfinished: UnfinishedWork | None
    unavailable: tuple[str, ...]
    success: Success | None = None
    "The success criterion over the last 7 days and all agents."
    success_unknown: str | None = None
    "Why it is not known, when the database answers otherwise."


def look(settings: Settings) -> Status:
    """Read everything once; takes `SECONDS` at most."""
    checks = ConcurrentChecks[QueueStatus | UnfinishedWork | Success](
        {
            "redis": partial(read_queue, settings),
            "database": partial(read_unfinished, settings),
            "success": partial(read_success, settings),
        }
    )
    found = checks.results(seconds=SECONDS)
    criterion = found.pop("success")
    slow = isinstance(criterion, Exception) and isinstance(found["database"], UnfinishedWork)
    return Status(
        at=now(),
        queue=_part(found["redis"], QueueStatus),
        unfinished=_part(found["database"], UnfinishedWork),
        unavailable=tuple(_why(name, answer) for name, answer in found.items() if isinstance(answer, Exception)),
        success=_part(criterion, Success),
        success_unknown=_why("success", criterion) if slow and isinstance(criterion, Exception) else None,
    )


def read_queue(settings: Settings) -> QueueStatus:
    """Read the queue.

    Raises:
        Transient: Redis is down.
    """
    with closing(JobQueue.of_its_owner(settings.redis_url)) as queue:
        return QueueStatus(queue.waiting(), queue.oldest(), queue.started(), queue.failed(), tuple(queue.workers()))


def read_unfinished(settings: Settings) -> UnfinishedWork:
    """Read the unfinished work.

    Raises:
        ConfigError: there is no database, or its schema is not this code's.
        Transient: the database is down.
    """
    with _reading(settings) as session:
        return UnfinishedWork(
            backlog.read(session),
            heartbeats.last(session, "clock"),
            tuple(owner_alerts.every_open(session)),
            surges.counts(session),
            standing.idle(session, {agent.card.name: agent for agent in configured.every(settings)}),
        )


def read_success(settings: Settings) -> Success:
    """Measure the success criterion over the requests of the last 7 days.

    Raises:
        ConfigError: there is no database, its schema is not this code's, or a card is wrong.
        Transient: the database is down.
    """
    rates = agent_cards.rates(card.load_all(settings.deskhand_config))
    with _reading(settings) as session:
        return success.total(session, replace(handoff_metrics.last_days(7, at=now()), rates=rates))


@contextmanager
def _reading(settings: Settings) -> Iterator[Session]:
    with closing(db.existing(settings.database_url)) as database:
        if (missing := db.pending(database)) is not None:
            raise ConfigError(f"database: {missing}")
        with database.read() as session:
            yield session


def _part(answer: QueueStatus | UnfinishedWork | Success | Exception, kind: type[Part]) -> Part | None:
    return answer if isinstance(answer, kind) else None


def _why(name: str, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"{name}: no answer within {SECONDS:.0f} s"
    if isinstance(error, DeskhandError):
        return " ".join(str(error).split())
    return f"{name}: could not be read: {type(error).__name__}"
