"""The command that signs checkpoints of the audit log: once, or as the process `signer`."""

import json
import signal
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click
import structlog

from bot.cli import audit_proofs
from bot.cli.audit import audit_group
from bot.cli.root import settings_of_environment
from bot.errors import ConfigError, DeskhandError, Transient

if TYPE_CHECKING:
    from bot.audit_chain.proofs import Checkpoint
    from bot.settings import Settings
    from bot.signer import Signer
    from bot.slack.api.client import WebClient
    from bot.store.db import Database

POSTED_EVERY = 3600.0
"Seconds between two checkpoints in the audit channel; the file has all of them."

log = structlog.get_logger()


@audit_group.command("checkpoint")
@click.option("--every", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Sign again and again, as a process.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to which checkpoints are added; AUDIT_CHECKPOINTS by default.",
)
@click.option("--channel", help="The Slack channel for checkpoints, once an hour; AUDIT_CHANNEL by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a checkpoint on stdout.")
def audit_checkpoint(*, every: float | None, file: Path | None, channel: str | None, as_json: bool) -> None:
    """Sign what the last record of the audit log is, after every record since the last checkpoint was verified.

    It needs AUDIT_SIGNING_KEY_FILE, only reads the database, and signs nothing that does not follow from its last
    checkpoint. Exit code 0 when it has signed or nothing is new, 1 when the log does not follow, 2 when it cannot look.
    """
    settings = settings_of_environment()
    with closing(_database(settings)) as database:
        rounds = _Rounds(signer_of(settings, database, file), *_posting(settings, channel), as_json=as_json)
        if every is None:
            sys.exit(rounds.play())
        stopped = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        while not stopped.is_set():
            try:
                rounds.play()
            except (ConfigError, Transient) as error:
                if isinstance(error, ConfigError) and not rounds.signed_before:
                    raise  # the file or the database was never right
                log.warning("checkpoint.delayed", error=str(error))
            stopped.wait(every)


@dataclass(slots=True)
class _Rounds:
    """Signs round after round, and remembers what it has told."""

    signer: "Signer"
    client: "WebClient | None"
    channel: str | None
    as_json: bool = field(kw_only=True)
    posted: float = float("-inf")
    "When a checkpoint was last posted, on the clock of `time.monotonic`."
    warned: str | None = None
    signed_before: bool = False
    "Whether a round has ended well."

    def play(self) -> int:
        """Sign once, and return the exit code.

        Raises:
            ConfigError: the file or the database cannot be used.
            Transient: the database cannot be reached.
        """
        from bot.signer import NotSigned

        try:
            signed = self.signer.sign()
        except NotSigned as error:
            self._not_signed(str(error))
            return 1
        self.warned, self.signed_before = None, True
        if signed is None:
            self._say({"signed": False}, "Nothing is new since the last checkpoint.")
        else:
            self._signed(signed)
        return 0

    def _signed(self, signed: "Checkpoint") -> None:
        from bot.audit_chain import proofs
        from bot.signer import post

        line = proofs.sign(signed, self.signer.key)  # Ed25519 signs alike each time
        said = {"signed": True, "position": signed.position, "hash": signed.hash.hex(), "at": signed.at}
        words = f"Record {signed.position:,} is signed with the key {self.signer.key.id}: {self.signer.file}"
        self._say(said | {"chain": signed.chain, "kid": self.signer.key.id, "file": str(self.signer.file)}, words)
        if self.client is None or self.channel is None or time.monotonic() - self.posted < POSTED_EVERY:
            return
        try:
            post(self.client, self.channel, signed, line)
            self.posted = time.monotonic()
        except DeskhandError as error:  # the file has it, and the next one is posted again
            log.warning("checkpoint.not_posted", error=str(error))

    def _not_signed(self, why: str) -> None:
        from bot.signer import warn

        log.error("checkpoint.refused", why=why)
        click.echo(f"deskhand: the audit log is not signed: {why}", err=True)
        if self.client is None or self.channel is None or self.warned == why:
            return
        try:
            warn(self.client, self.channel, why)
            self.warned = why
        except DeskhandError as error:
            log.warning("checkpoint.not_posted", error=str(error))

    def _say(self, said: dict[str, object], words: str) -> None:
        click.echo(json.dumps(said) if self.as_json else words)


def _database(settings: "Settings") -> "Database":
    from bot.store import db

    return db.existing(settings.database_url)


def signer_of(settings: "Settings", database: "Database", file: Path | None) -> "Signer":
    """Return the signer of a file, by default that of the environment.

    Raises:
        ConfigError: no file is named, or there is no key.
    """
    from bot.audit_chain import proofs
    from bot.signer import Signer

    file = file or settings.audit_checkpoints
    if file is None:
        raise ConfigError("environment: AUDIT_CHECKPOINTS is not set: name the file for checkpoints, or use --file")
    also = audit_proofs.trusted(settings, ())
    return Signer(database, proofs.signing_key(settings), file, tuple(also.values()))


def _posting(settings: "Settings", channel: str | None) -> "tuple[WebClient | None, str | None]":
    from bot.slack.api import client as slack

    channel = channel or settings.audit_channel
    if channel is None:
        return None, None
    if settings.slack_bot_token is None:
        raise ConfigError("environment: SLACK_BOT_TOKEN is not set, and checkpoints are to be posted to a channel")
    token = settings.slack_bot_token.get_secret_value()
    return slack.connect(token=token, base_url=settings.slack_api_url, network=settings.network), channel
