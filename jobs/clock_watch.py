"""A worker watches the clock, which cannot tell anybody that it is dead.

While no clock gives a heartbeat, each worker does what the clock would do about that: it opens the alert, tells the
owners and sends the message. Of several workers one tells it (`bot.store.figures.owner_alerts`).
"""

from threading import Event, Thread

import structlog

from bot.errors import Transient
from jobs import owner_alerts, undeliverable, watch
from jobs.process import WorkerContext

log = structlog.get_logger()

SECONDS = 60.0
"Between two looks."


def start(ctx: WorkerContext) -> None:
    """Watch the clock on a thread of its own, as long as this process lives."""
    Thread(target=_repeat, args=(ctx, Event()), name="clock_watch", daemon=True).start()


def look(ctx: WorkerContext) -> None:
    """Tell the owners that there is no clock, if that is so; a clock tells everything else, and its own return."""
    if watch.CLOCK in watch.look_at_parts(ctx):
        owner_alerts.tell_everybody(ctx)
        undeliverable.deliver_all(ctx)


def _repeat(ctx: WorkerContext, stopped: Event) -> None:
    while not stopped.wait(SECONDS):
        try:
            look(ctx)
        except Transient as error:
            log.warning("clock_watch.delayed", error=str(error))
        except Exception as bug:  # the next look may succeed
            log.exception("clock_watch.crashed", error=type(bug).__name__)
