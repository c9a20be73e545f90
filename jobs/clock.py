"""What runs when. The clock only says "look now": what is due stands in rows, so a missed look loses
nothing, and two clocks do each thing once.

It works in its own process and not through the queue, since what it mends is the queue. Each round goes
on a thread of its own, so that one which waits for Slack does not keep the others.
"""  # noqa: D205 - the first paragraph is one thought

import signal
import sys
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread

import structlog

from bot import durations, logs, private
from bot.errors import ConfigError, Transient
from bot.store import heartbeats
from jobs import alerts, budgets, digest, handoff, home, process, upkeep
from jobs.process import WorkerContext

log = structlog.get_logger()

Round = Callable[[WorkerContext], object]


def show_life(ctx: WorkerContext) -> None:
    """Let operators see that a clock is there and can commit."""
    with ctx.database.write() as session:
        heartbeats.give(session, "clock", who=process.name())


ROUNDS: Mapping[Round, float] = {
    handoff.look: 1.0,
    upkeep.sweep: durations.CLOCK_SWEEP,
    upkeep.deliver_messages: durations.CLOCK_SWEEP,
    upkeep.take_back_duplicates: 2.0,
    upkeep.close_solved_tickets: 5.0,
    home.refresh: 1.0,
    budgets.look: 1.0,
    budgets.look_again: 15.0,
    handoff.check_departures: 60.0,
    handoff.check_queue_privacy: 60.0,
    digest.send_due: 60.0,
    alerts.tell: 3_600.0,
    show_life: durations.CLOCK_BEAT,
}
"Seconds between two looks."
END_SECONDS = 4.0
"How long rounds may go on after the end was asked for; what they leave half done, the next clock finds."
ENDINGS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Look every few seconds until told to stop."""
    private.keep_to_ourselves()
    logs.guard()
    try:
        ctx = process.wait_for_current()
    except ConfigError as error:
        sys.stderr.write(f"deskhand clock: {error}\n")
        return 2
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)  # in every thread: they are waited for below
    log.info("clock.started")
    stop = start(ctx)
    signal.sigwait(ENDINGS)
    stop()
    log.info("clock.stopped")
    return 0


def start(ctx: WorkerContext) -> Callable[[], None]:
    """Start all rounds, and return what stops them."""
    over = Event()
    threads = [
        Thread(target=_go_round, args=(ctx, story, seconds, over), name=story.__name__, daemon=True)
        for story, seconds in ROUNDS.items()
    ]
    for thread in threads:
        thread.start()

    def stop() -> None:
        over.set()
        deadline = time.monotonic() + END_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    return stop


def _go_round(ctx: WorkerContext, story: Round, seconds: float, over: Event) -> None:
    while not over.is_set():
        try:
            story(ctx)
        except Transient as error:
            log.warning("clock.delayed", round=story.__name__, error=str(error))
        except Exception as bug:  # it may do better the next time
            log.exception("clock.crashed", round=story.__name__, error=type(bug).__name__)
        over.wait(seconds)


if __name__ == "__main__":
    sys.exit(main())
