"""Whom the bot token speaks for: asked of Slack as a process starts, and held against the mark of the database."""

import os
import signal
import time
from concurrent.futures import Future
from threading import Thread

import structlog

from bot.errors import ConfigError, Transient
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient
from bot.store import marks
from bot.store.db import Database

log = structlog.get_logger()

START_SECONDS = 1.0
"How long a start waits for Slack, from when it was asked: a Slack that is slow or away keeps no process from starting."
AGAIN_SECONDS, AT_MOST_SECONDS = 5.0, 60.0


def introduce(client: WebClient, database: Database) -> None:
    """Ask once.

    Raises:
        ConfigError: the token is of another workspace than the database serves.
        Transient: Slack or the database is away.
    """
    marks.serve(database, str(slack.call(client.auth_test)["team_id"]))


class Introduction:
    """The question, asked on a thread of its own until it is answered."""

    def __init__(self, client: WebClient, database: Database) -> None:
        self._asked_at = time.monotonic()
        self._answer: Future[None] = Future()
        Thread(target=self._ask, args=(client, database), name="introduction", daemon=True).start()

    def wait(self) -> None:
        """Return as soon as the token is known to be right, or Slack has had its time.

        When it turns out to be wrong later, the process is told to end.

        Raises:
            ConfigError: it is of another workspace.
        """
        try:
            self._answer.result(max(0.0, self._asked_at + START_SECONDS - time.monotonic()))
        except TimeoutError:
            log.warning("workspace.not_confirmed", why="it has not said yet which workspace the bot token is of")
            self._answer.add_done_callback(_end_when_wrong)
        except Rejected as error:
            log.warning("workspace.not_confirmed", why=str(error))

    def _ask(self, client: WebClient, database: Database) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # the main thread waits for them
        pause = AGAIN_SECONDS
        while not self._answer.done():
            try:
                introduce(client, database)
                self._answer.set_result(None)
            except Transient:
                time.sleep(pause)
                pause = min(2 * pause, AT_MOST_SECONDS)
            except Exception as error:  # noqa: BLE001 - who waits is told
                self._answer.set_exception(error)


def _end_when_wrong(answer: Future[None]) -> None:
    if isinstance(error := answer.exception(), ConfigError):
        log.critical("ground.refused", why=str(error))
        os.kill(os.getpid(), signal.SIGTERM)
