"""Checks, as a process starts, that the bot token is a bot's, of the workspace that the database serves."""

import math
import os
import signal
import time
from concurrent.futures import Future
from threading import Thread
from typing import Self

import structlog

from bot.errors import ConfigError, Transient
from bot.slack.api import access
from bot.slack.api import client as slack
from bot.slack.api.client import NotAuthorized, Rejected, WebClient
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
        ConfigError: the token is a person's, or of another workspace than the database serves.
        NotAuthorized: Slack refuses the token.
        Transient: Slack or the database cannot be reached.
    """
    me = slack.call(client.auth_test)
    if not me.get("bot_id"):
        raise ConfigError(f"environment: SLACK_BOT_TOKEN: {access.OF_A_PERSON}")
    marks.serve(database, str(me["team_id"]))


class TokenCheck:
    """The check, repeated on its own thread until Slack has answered; `begin` starts it.

    A refusal by a Slack that was not away is an answer: no waiting mends it.
    """

    def __init__(self, client: WebClient, database: Database) -> None:
        self._client, self._database = client, database
        self._asked_at = math.inf
        self._answer: Future[None] = Future()
        self._refusal: str | None = None

    def begin(self) -> Self:
        """Start asking Slack; return the check."""
        self._asked_at = time.monotonic()
        Thread(target=self._ask, name="token-check", daemon=True).start()
        return self

    @property
    def problem(self) -> str | None:
        """Return why nobody can be answered with this token; None if it is right, or Slack has not said yet."""
        error = self._answer.exception() if self._answer.done() else None
        return str(error) if isinstance(error, ConfigError) else self._refusal

    def wait(self) -> None:
        """Wait until the token is known to be right, or until `START_SECONDS` are over.

        If it turns out to be wrong later, the process is told to end.

        Raises:
            ConfigError: Slack refuses it, or it is a person's, or of another workspace.
        """
        try:
            self._answer.result(max(0.0, self._asked_at + START_SECONDS - time.monotonic()))
        except TimeoutError:
            why = self._refusal or "it has not said yet which workspace the bot token is of"
            log.warning("workspace.not_confirmed", why=why)
            self._answer.add_done_callback(_end_when_wrong)
        except Rejected as error:
            log.warning("workspace.not_confirmed", why=str(error))

    def _ask(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # the main thread handles them
        pause, was_away = AGAIN_SECONDS, False
        while not self._answer.done():
            try:
                check(self._client, self._database)
                self._refusal = None
                self._answer.set_result(None)
            except NotAuthorized as error:
                if was_away:  # a Slack that comes back may err for a while, so this ends no process
                    self._refusal = str(error)
                    pause = _paused(pause)
                else:
                    wrong = f"environment: SLACK_BOT_TOKEN: Slack says {error.code}; {access.TAKES}"
                    self._answer.set_exception(ConfigError(wrong))
            except Transient:
                was_away, self._refusal = True, None
                pause = _paused(pause)
            except Exception as error:  # noqa: BLE001 - `wait` raises it
                self._answer.set_exception(error)


def _paused(seconds: float) -> float:
    """Pause, and return how long the next pause is."""
    time.sleep(seconds)
    return min(2 * seconds, AT_MOST_SECONDS)


def _end_when_wrong(answer: Future[None]) -> None:
    if isinstance(error := answer.exception(), ConfigError):
        log.critical("ground.refused", why=str(error))
        os.kill(os.getpid(), signal.SIGTERM)
