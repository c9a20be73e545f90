"""Checks, as a process starts, that the bot token is of the workspace that the database serves."""

import os
import signal
import time
from concurrent.futures import Future
from threading import Thread

import structlog

from bot.errors import ConfigError, Transient
from bot.slack.api import client as slack
from bot.slack.api.client import Rejected, WebClient
from bot.store.db import Database
from bot.store.installation import marks

log = structlog.get_logger()

START_SECONDS = 1.0
"The longest that a start waits for Slack's answer: a process must start even when Slack is slow or down."
AGAIN_SECONDS, AT_MOST_SECONDS = 5.0, 60.0
"The first and the longest pause before Slack is asked again."


def check(client: WebClient, database: Database) -> None:
    """Ask Slack once, and compare its answer with the mark of the database.

    Raises:
        ConfigError: the token is of another workspace than the database serves.
        Transient: Slack or the database cannot be reached.
    """
    marks.serve(database, str(slack.call(client.auth_test)["team_id"]))


class TokenCheck:
    """The check, repeated on its own thread until Slack has answered."""

    def __init__(self, client: WebClient, database: Database) -> None:
        self._asked_at = time.monotonic()
        self._answer: Future[None] = Future()
        Thread(target=self._ask, args=(client, database), name="token-check", daemon=True).start()

    def wait(self) -> None:
        """Wait until the token is known to be right, or until `START_SECONDS` are over.

        If it turns out to be wrong later, the process is told to end.

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
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # the main thread handles them
        pause = AGAIN_SECONDS
        while not self._answer.done():
            try:
                check(client, database)
                self._answer.set_result(None)
            except Transient:
                time.sleep(pause)
                pause = min(2 * pause, AT_MOST_SECONDS)
            except Exception as error:  # noqa: BLE001 - `wait` raises it
                self._answer.set_exception(error)


def _end_when_wrong(answer: Future[None]) -> None:
    if isinstance(error := answer.exception(), ConfigError):
        log.critical("ground.refused", why=str(error))
        os.kill(os.getpid(), signal.SIGTERM)
