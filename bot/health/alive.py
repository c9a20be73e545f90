"""Are a worker and a clock alive, by their heartbeats, and has Slack dropped events?"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from bot import durations
from bot.errors import ConfigError
from bot.health.findings import Finding
from bot.queue import JobQueue
from bot.settings import Settings
from bot.store import db
from bot.store.db import Session
from bot.store.installation import heartbeats

DROPPED_LATELY = timedelta(days=1)
"How long a dropped event is reported: somebody may still be waiting for an answer to it."


def check_workers(settings: Settings) -> Iterator[Finding]:
    """Check that a worker is alive."""
    with closing(JobQueue.of_its_owner(settings.redis_url)) as queue:
        seen = queue.workers()
    ages = [(datetime.now(UTC) - worker.heard_at).total_seconds() for worker in seen]
    alive = sum(age < durations.WORKER_SILENT for age in ages)
    if alive:
        yield Finding("worker", "ok", f"{alive} {'worker is' if alive == 1 else 'workers are'} at work.")
    else:
        yield Finding(
            "worker", "fail", "No worker has given a heartbeat, so turns are waiting.", "Start `deskhand worker`."
        )


def check_clock(settings: Settings) -> Iterator[Finding]:
    """Check that a clock is alive."""
    with reading(settings) as session:
        heartbeat = heartbeats.last(session, "clock")
    age = None if heartbeat is None else (datetime.now(UTC) - heartbeat[1]).total_seconds()
    if age is not None and age < durations.CLOCK_SILENT:
        yield Finding("clock", "ok", f"Its last heartbeat was {max(0, age):.0f} s ago.")
    else:
        since = "ever" if heartbeat is None else f"since {heartbeat[1]:%Y-%m-%d %H:%M:%S} UTC"
        message = f"No clock has given a heartbeat {since}: work that is due or was left unfinished is not picked up."
        yield Finding("clock", "fail", message, "Start `deskhand clock`.")


def check_events(settings: Settings) -> Iterator[Finding]:
    """Check whether Slack has dropped events in the last day."""
    with reading(settings) as session:
        heartbeat = heartbeats.last(session, "dropped")
    if heartbeat is None or datetime.now(UTC) - heartbeat[1] > DROPPED_LATELY:
        yield Finding("events", "ok", "Slack has reported no dropped events in the last day.")
    else:
        message = (
            f"Slack dropped events, last at about {heartbeat[1]:%Y-%m-%d %H:%M} UTC: requests of that hour may be lost."
        )
        yield Finding("events", "warn", message, "See `slack.events_dropped` in docs/how-to/operate.md.")


@contextmanager
def reading(settings: Settings) -> Iterator[Session]:
    """Open a transaction in a database that has this code's tables.

    Raises:
        ConfigError: there is no database file, or its schema is another release's.
        Transient: the database cannot be reached.
    """
    if not db.is_there(settings.database_url):
        raise ConfigError("There is no database file at DATABASE_URL.")
    with closing(db.connect(settings.database_url)) as database:
        if db.pending(database) is not None:
            raise ConfigError("The database has another schema than this code expects.")
        with database.read() as session:
            yield session
