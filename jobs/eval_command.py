"""Sees to one run for `deskhand eval run`: plays it with processes of its own, or looks on while another command does.

The processes are forked from one that has everything loaded and no connection open. They end with the command, however
it dies; what they had in hand is played again.
"""

import logging
import multiprocessing
import os
import signal
import socket
import time
from contextlib import suppress
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING

import click
import structlog

from bot.errors import ConfigError, DeskhandError
from bot.evals import pacing, report, runner
from bot.evals.runner import RunReport
from bot.queue import JobQueue, worker_connection
from bot.store.releases import run_plays
from bot.store.schema import EvalRun, RunState, now
from jobs import eval_desk, evals, process
from jobs.engine import run_queue
from jobs.engine.threads import ThreadWorker
from jobs.eval_desk import EvalDesk
from jobs.worker import spare_what_is_loaded

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

log = structlog.get_logger()

SPARE_CONNECTIONS = 10
"Connections of a worker to Redis beside one for each play."
AHEAD = 2
"How many plays are queued for each that can be in hand, so that no worker waits for the next."
LOOK_SECONDS = 0.2
"Between two looks at the results."
HOLD_SECONDS = 1.0
"Between two signs of life of a command."
SILENT = timedelta(seconds=12)
"A command without a sign of life for this long counts as dead; longer than `DRAIN_SECONDS`."
LOST_SECONDS = 5.0
"Between two looks for plays that were lost from the queue."
POP_SECONDS = 0.1
"The longest wait of a worker for its next play; the command waits for it at the end."
DRAIN_SECONDS = 6.0
"How long a play may go on after the command was interrupted or has died."


class EvalCommand:
    """One command that sees to a run: it plays it with processes of its own, or looks on while another one does."""

    def __init__(self, desk: EvalDesk, run_id: int, workers: int) -> None:
        """Make the command; nothing is played yet."""
        self._desk, self._run_id, self._workers = desk, run_id, workers
        self._queue: JobQueue = run_queue.of(desk.queue, run_id)
        self._steps = runner.Steps(run_id)
        self._crew: list[ForkProcess] = []
        self._alive = -1
        "The end of a pipe that closes with this process, however it dies."
        self._holds = False
        self._held_at = self._searched_at = 0.0

    def see_to_the_end(self) -> RunReport:
        """Play the run, or look on, until it has ended; return what became of it."""
        told = False
        try:
            while self._show().state is RunState.RUNNING:
                self._hold()
                if self._holds:
                    self._see_to_crew()
                elif not told:
                    click.echo(f"Another command plays run {self._run_id}; this one looks on.", err=True)
                    told = True
                time.sleep(LOOK_SECONDS)
        finally:
            self._dismiss()
        with self._desk.database.read() as session:
            return runner.report_of(session, self._run_id)

    def _show(self) -> EvalRun:
        with self._desk.database.read() as session:
            return self._steps.show(session, lambda seen: click.echo(report.line(seen), err=True))

    def _hold(self) -> None:
        """Give a sign of life, or take the run over from a command that gives none."""
        if time.monotonic() - self._held_at < HOLD_SECONDS:
            return
        self._held_at = time.monotonic()
        with self._desk.database.write() as session:
            run = run_plays.get(session, self._run_id)
            silent_before = now() if run is not None and _has_died(run.held_by) else now() - SILENT
            holds = run_plays.hold(session, self._run_id, process.name(), silent_before=silent_before)
        if holds and not self._holds:
            self._take_over()
        if self._holds and not holds:  # this process was stopped for so long that another one has taken over
            self._dismiss()
        self._holds = holds

    def _take_over(self) -> None:
        """Queue what is due anew, as nobody has anything in hand, and start the processes that play it."""
        run_queue.delete(self._queue)
        with self._desk.database.write() as session:
            run = run_plays.lock(session, self._run_id)
            if run is None:
                return
            run_plays.forget_queued(run, run.queued)
        setting = self._desk.setting(run)
        if setting is None:
            raise ConfigError(f"run {self._run_id} is of another release or suite than this process has")
        evals.queue_next(self._desk, run, setting)
        self._desk.disconnect()  # a connection must not be in two processes
        spare_what_is_loaded()  # what is loaded by now is shared with the workers, and no collection looks through it
        alive, self._alive = os.pipe()
        forking = multiprocessing.get_context("fork")
        for number in range(self._workers):
            name = f"{process.name()}:eval-{self._run_id}-{number}"
            at = (self._desk, self._queue, name, alive, self._alive)
            worker = forking.Process(target=_work, args=at, name=name, daemon=True)
            worker.start()
            self._crew.append(worker)
        os.close(alive)

    def _see_to_crew(self) -> None:
        """Queue again what a dead worker had in hand, or what was lost otherwise.

        Raises:
            DeskhandError: no worker is left.
        """
        dead = [worker for worker in self._crew if not worker.is_alive()]
        for worker in dead:
            log.warning("eval.worker_died", worker=worker.name, code=worker.exitcode)
            run_queue.drop_worker(self._queue, worker.name)
            self._crew.remove(worker)
        if not self._crew:
            raise DeskhandError("every process that played cases has died")
        if dead or time.monotonic() - self._searched_at > LOST_SECONDS:
            self._searched_at = time.monotonic()
            evals.requeue_lost(self._desk.database, self._queue, self._run_id)

    def _dismiss(self) -> None:
        """End the workers, let another command see to the run, and remove its queue if it is over."""
        for worker in self._crew:
            worker.terminate()
        until = time.monotonic() + DRAIN_SECONDS + 2
        for worker in self._crew:
            worker.join(max(0.0, until - time.monotonic()))
            if worker.is_alive():
                worker.kill()
        if not self._crew:
            return
        self._crew.clear()
        os.close(self._alive)
        with suppress(DeskhandError):  # it is free anyway, soon
            with self._desk.database.write() as session:
                run_plays.let_go(session, self._run_id, process.name())
            run_queue.delete(self._queue)


def _work(desk: EvalDesk, queue: JobQueue, name: str, alive: int, parents_end: int) -> None:
    """Play what is queued until the command says that it is enough, or has died: the life of a worker process."""
    os.close(parents_end)
    eval_desk.take(desk)
    redis = worker_connection(desk.settings.redis_url, desk.ground, connections=pacing.MOST + SPARE_CONNECTIONS)
    worker = ThreadWorker(
        [run_queue.over(queue, redis)],
        connection=redis,
        name=name,
        concurrency=pacing.MOST,
        pop_seconds=POP_SECONDS,
        drain_seconds=DRAIN_SECONDS,
    )

    def outlive_nobody() -> None:
        os.read(alive, 1)  # nothing is ever written: it ends when the command does
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=outlive_nobody, name="alive", daemon=True).start()
    worker.work(logging_level="WARNING")
    logging.shutdown()
    os._exit(0)


def _has_died(name: str | None) -> bool:
    """Return whether a process is known to be dead: it was one of this host, and is not there any more."""
    host, _, pid = (name or "").rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
