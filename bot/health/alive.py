"""Who is alive: worker and clock, by what they have shown, and whether Slack has dropped what it had for us."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from bot import durations
from bot.errors import ConfigError
from bot.health.findings import Finding
from bot.queue import JobQueue
from bot.settings import Settings
from bot.store import db, heartbeats
from bot.store.db import Session

DROPPED_LATELY = timedelta(days=1)
"As long as somebody may still wait for an answer to what Slack has dropped."


def check_workers(settings: Settings) -> Iterator[Finding]:
    """Look for a worker that lives."""
    with closing(JobQueue.of_its_owner(settings.redis_url)) as queue:
        seen = queue.workers()
    ages = [(datetime.now(UTC) - worker.heard_at).total_seconds() for worker in seen]
    alive = sum(age < durations.WORKER_SILENT for age in ages)
    if alive:
        yield Finding("worker", "ok", f"{alive} {'worker is' if alive == 1 else 'workers are'} at work.")
    else:
        yield Finding("worker", "fail", "No worker has been heard of: turns wait.", "Start `deskhand worker`.")


def check_clock(settings: Settings) -> Iterator[Finding]:
    """Look for a clock that lives."""
    with reading(settings) as session:
        sign = heartbeats.last(session, "clock")
    age = None if sign is None else (datetime.now(UTC) - sign[1]).total_seconds()
    if age is not None and age < durations.CLOCK_SILENT:
        yield Finding("clock", "ok", f"Heard {max(0, age):.0f} s ago.")
    else:
        since = "ever" if sign is None else f"since {sign[1]:%Y-%m-%d %H:%M:%S} UTC"
        said = f"No clock has been heard of {since}: nothing that is due or was left undone is looked after."
        yield Finding("clock", "fail", said, "Start `deskhand clock`.")


def check_events(settings: Settings) -> Iterator[Finding]:
    """Look whether Slack has dropped events within a day."""
    with reading(settings) as session:
        sign = heartbeats.last(session, "dropped")
    if sign is None or datetime.now(UTC) - sign[1] > DROPPED_LATELY:
        yield Finding("events", "ok", "Slack has told of no dropped events within a day.")
    else:
        said = f"Slack dropped events, last about {sign[1]:%Y-%m-%d %H:%M} UTC: requests of that hour may be lost."
        yield Finding("events", "warn", said, "See `slack.events_dropped` in docs/how-to/operate.md.")


@contextmanager
def reading(settings: Settings) -> Iterator[Session]:
    """Open a transaction in a database that has this code's tables.

    Raises:
        ConfigError: it has not.
        Transient: it cannot be reached.
    """
    if not db.is_there(settings.database_url):
        raise ConfigError("There is no database file at DATABASE_URL.")
    with closing(db.connect(settings.database_url)) as database:
        if db.pending(database) is not None:
            raise ConfigError("The database's schema is not this code's.")
        with database.read() as session:
            yield session
