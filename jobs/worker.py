"""The worker process: many turns at once, each on a thread of its own (`jobs.engine.threads`).

Leases in SQL (`jobs.leases`), and not RQ, make sure that a turn is played once and that a dead worker is noticed.
"""

import gc
import logging
import os
import sys
from uuid import uuid4

import click
import structlog

from bot import logs, private, settings
from bot.errors import ConfigError, Transient
from bot.queue import RUN_TURN, open_queue, worker_connection
from bot.telemetry import metrics_server, span_export
from jobs import clock_watch, process
from jobs.engine.threads import ThreadWorker
from jobs.process import WorkerContext

log = structlog.get_logger()

SPARE_CONNECTIONS = 10
"Connections to Redis beside one for each running job: to take jobs, to send heartbeats, to hear commands."
MANY_OBJECTS = 10_000
"New objects after which garbage is collected: Python's own 700 are made by a few statements of SQL."


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
    metrics_server.start("worker", ctx.settings.deskhand_metrics)
    end_traces = span_export.start("worker", ctx.settings, installation=ctx.queue.prefix)
    worker = _worker(ctx, ctx.settings.deskhand_concurrency)
    clock_watch.start(ctx)
    collect_garbage_seldom()
    log.info("worker.started", worker=worker.name)
    worker.work(logging_level="WARNING")
    end_traces()
    log.info("worker.stopped", worker=worker.name, abandoned=len(worker.in_hand))
    if worker.in_hand:
        logging.shutdown()
        os._exit(0)  # threads that still run while the interpreter shuts down would crash it


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


def collect_garbage_seldom() -> None:
    """Let collections leave out what is loaded by now: half a million objects that stay for as long as the process."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(MANY_OBJECTS)


def _give_back(ctx: WorkerContext) -> None:
    """Put the running turns back in the queue, for another worker to begin at once."""
    try:
        for turn_id in ctx.leases.give_back():
            ctx.queue.put(RUN_TURN, turn_id)
    except Transient as error:  # upkeep finds them
        log.warning("turns.not_given_back", error=str(error))


if __name__ == "__main__":
    main()
