"""The worker process: many turns at once, each on a thread of its own (`jobs.engine.threads`).

Leases in SQL (`jobs.leases`), and not RQ, make sure that a turn is played once and that a dead worker is noticed.
"""

import gc
import logging
import os
import sys
import time
from uuid import uuid4

import click
import structlog

from bot import durations, logs, private, settings
from bot.errors import ConfigError, Transient
from bot.health import readiness
from bot.health.findings import Finding
from bot.health.readiness import Readiness
from bot.queue import RUN_TURN, open_queue, worker_connection
from bot.telemetry import metrics_server, span_export
from jobs import clock_watch, process
from jobs.engine.threads import ThreadWorker
from jobs.process import WorkerContext

log = structlog.get_logger()

SPARE_CONNECTIONS = 10
"Connections to Redis beside one for each running job: to take jobs, to send heartbeats, to hear commands."


@click.command()
@click.option("--concurrency", type=click.IntRange(1, 1000), help="Turns at once; DESKHAND_CONCURRENCY by default.")
def main(concurrency: int | None) -> None:
    """Run turns until SIGTERM; then take no more, and give the running ones DESKHAND_DRAIN seconds (20) to end."""
    private.keep_to_ourselves()
    logs.guard()
    if concurrency is not None:
        settings.override_environment({"DESKHAND_CONCURRENCY": str(concurrency)})
    try:
        ctx = process.wait_for_current(runtimes=True)
    except ConfigError as error:
        sys.stderr.write(f"deskhand worker: {error}\n")
        sys.exit(2)
    worker = _worker(ctx, ctx.settings.deskhand_concurrency)
    metrics_server.start("worker", ctx.settings.deskhand_metrics, readiness_of(ctx, worker).answer)
    end_traces = span_export.start("worker", ctx.settings, installation=ctx.queue.prefix)
    clock_watch.start(ctx)
    spare_what_is_loaded()
    log.info("worker.started", worker=worker.name)
    worker.work(logging_level="WARNING")
    end_traces()
    log.info("worker.stopped", worker=worker.name, abandoned=len(worker.in_hand))
    if worker.in_hand:
        logging.shutdown()
        os._exit(0)  # threads that still run while the interpreter shuts down would crash it


def readiness_of(ctx: WorkerContext, worker: ThreadWorker) -> Readiness:
    """Return the readiness checks of a worker."""

    def takes() -> Finding:
        if time.monotonic() - worker.looked_at < durations.WORKER_SILENT:
            return Finding("taking", "ok", "It takes turns.")
        return Finding("taking", "fail", f"It has looked for no turn in {durations.WORKER_SILENT:.0f} s.")

    return Readiness(
        {
            "commit": readiness.commits(ctx.database, "worker"),
            "enqueue": readiness.enqueues(ctx.queue),
            "token": readiness.authorized(ctx.token_problem),
            "taking": takes,
        }
    )


def _worker(ctx: WorkerContext, concurrency: int) -> ThreadWorker:
    connections = concurrency + SPARE_CONNECTIONS
    redis = worker_connection(ctx.settings.redis_url, ctx.ground, connections=connections)
    return ThreadWorker(
        [open_queue(redis, ctx.ground)],
        connection=redis,
        name=f"{process.name()}:{uuid4().hex[:6]}",  # process ids are reused
        concurrency=concurrency,
        drain_seconds=ctx.settings.deskhand_drain,
        on_abandon=lambda: _give_back(ctx),
    )


def spare_what_is_loaded() -> None:
    """Let collections leave out what is loaded by now: half a million objects that stay for as long as the process.

    To look for the two thousand of them that nothing uses would take a quarter of a second.
    """
    gc.enable()
    gc.freeze()


def _give_back(ctx: WorkerContext) -> None:
    """Put the running turns back in the queue, for another worker to begin at once."""
    try:
        for turn_id in ctx.leases.give_back():
            ctx.queue.put(RUN_TURN, turn_id)
    except Transient as error:  # upkeep finds them
        log.warning("turns.not_given_back", error=str(error))


if __name__ == "__main__":
    main()
