"""The clock: which round runs how often.

A round looks for what is due in the rows of the database, so a missed round loses nothing, and of two clocks each thing
is done once. The clock is a process of its own and does not use the queue, since it repairs the queue. Each round has a
thread of its own, so that one which waits for Slack does not delay the others.
"""

import math
import signal
import sys
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread

import structlog

from bot import durations, logs, private
from bot.agent.release import model_of
from bot.errors import ConfigError, Transient
from bot.health import readiness
from bot.health.findings import Finding
from bot.health.gauges import ActiveRelease, InstallationGauges
from bot.health.readiness import Readiness
from bot.store.installation import heartbeats
from bot.telemetry import metrics_server, span_export
from jobs import (
    alerts,
    approvals,
    budgets,
    digest,
    drift,
    eval_progress,
    evals,
    figures,
    gone_from_slack,
    handoff,
    home,
    owner_alerts,
    probes,
    process,
    read_backs,
    release_notices,
    retention,
    reviews,
    sample_judge,
    samples,
    surges,
    takeovers,
    upkeep,
    watch,
)
from jobs.process import WorkerContext

log = structlog.get_logger()

Round = Callable[[WorkerContext], object]


def show_life(ctx: WorkerContext) -> None:
    """Store a heartbeat, which shows operators that a clock is alive and can commit."""
    with ctx.database.write() as session:
        heartbeats.give(session, "clock", who=process.name())


ROUNDS: Mapping[Round, float] = {
    handoff.look: 1.0,
    upkeep.sweep: durations.CLOCK_SWEEP,
    upkeep.forget: 30.0,
    upkeep.deliver_messages: durations.CLOCK_SWEEP,
    upkeep.take_back_duplicates: 2.0,
    upkeep.close_solved_tickets: 5.0,
    surges.look: durations.CLOCK_SWEEP,
    takeovers.look: 5.0,
    approvals.look: 1.0,
    home.refresh: 1.0,
    budgets.look: 1.0,
    budgets.look_again: 15.0,
    handoff.check_departures: 60.0,
    handoff.check_queue_privacy: 60.0,
    digest.send_due: 60.0,
    retention.erase_old_words: 5.0,
    retention.erase_loose_words: 30.0,
    gone_from_slack.look: 60.0,
    figures.add_up: 15.0,
    figures.count_success: 30.0,
    alerts.tell: 3_600.0,
    drift.check: 5.0,
    watch.look_at_turns: 10.0,
    watch.look_around: 60.0,
    samples.look: 10.0,
    samples.compare: 60.0,
    sample_judge.look: 30.0,
    owner_alerts.tell: 5.0,
    release_notices.look: 2.0,
    reviews.remind: 60.0,
    evals.look: 5.0,
    eval_progress.look: 2.0,
    probes.look: 30.0,
    read_backs.look: 2.0,
    show_life: durations.CLOCK_BEAT,
}
"Seconds between two looks."
END_SECONDS = 4.0
"Seconds that rounds may go on after a stop signal; the next clock finishes what they leave."
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Run the rounds until a stop signal."""
    private.keep_to_ourselves()
    logs.guard()
    try:
        ctx = process.wait_for_current()
    except ConfigError as error:
        sys.stderr.write(f"deskhand clock: {error}\n")
        return 2
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # blocked in every thread: `sigwait` below receives them
    log.info("clock.started")
    ended: dict[str, float] = {}
    stop = start(ctx, ended)
    ready = readiness_of(ctx, ended)
    metrics_server.start("clock", ctx.settings.deskhand_metrics, ready.answer, collector=gauges(ctx))
    end_traces = span_export.start("clock", ctx.settings, installation=ctx.queue.prefix)
    signal.sigwait(STOP_SIGNALS)
    stop()
    end_traces()
    log.info("clock.stopped")
    return 0


def gauges(ctx: WorkerContext) -> InstallationGauges:
    """Return what Prometheus is told of the installation."""

    def served() -> list[ActiveRelease]:
        return [
            ActiveRelease(name, *ctx.pairs[name], model_of(ctx.settings, agent))
            for name, agent in ctx.agents.items()
            if agent.card.status == "active"
        ]

    return InstallationGauges(ctx.database, ctx.queue, served)


def readiness_of(ctx: WorkerContext, ended: Mapping[str, float]) -> Readiness:
    """Return the readiness checks of a clock, which knows when each of its rounds last ended well."""

    def commits() -> Finding:
        if time.monotonic() - ended.get(show_life.__name__, -math.inf) < durations.CLOCK_SILENT:
            return Finding("commit", "ok", "Its heartbeat was committed.")
        return Finding("commit", "fail", f"No heartbeat of it was committed for {durations.CLOCK_SILENT:.0f} s.")

    return Readiness(
        {
            "commit": commits,
            "enqueue": readiness.enqueues(ctx.queue),
            "token": readiness.authorized(ctx.token_problem),
        }
    )


def start(ctx: WorkerContext, ended: dict[str, float] | None = None) -> Callable[[], None]:
    """Start all rounds; return the function that stops them.

    Args:
        ctx: what the rounds work with.
        ended: gets when each round last ended well, by its name, on the clock of `time.monotonic`.
    """
    stopped = Event()
    threads = [
        Thread(
            target=_repeat,
            args=(ctx, run, seconds, stopped, {} if ended is None else ended),
            name=run.__name__,
            daemon=True,
        )
        for run, seconds in ROUNDS.items()
    ]
    for thread in threads:
        thread.start()

    def stop() -> None:
        stopped.set()
        deadline = time.monotonic() + END_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    return stop


def _repeat(ctx: WorkerContext, run: Round, seconds: float, stopped: Event, ended: dict[str, float]) -> None:
    while not stopped.is_set():
        try:
            run(ctx)
            ended[run.__name__] = time.monotonic()
        except Transient as error:
            log.warning("clock.delayed", round=run.__name__, error=str(error))
        except Exception as bug:  # the next run may succeed
            log.exception("clock.crashed", round=run.__name__, error=type(bug).__name__)
        stopped.wait(seconds)


if __name__ == "__main__":
    sys.exit(main())
