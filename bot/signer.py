"""Signs checkpoints of the audit log, with a key that no process that writes the log has.

Invariant: a checkpoint is signed only of records that follow from the last checkpoint in the file. So a signer never
vouches for a log that was rewritten, cut or set back, even if it is started afterwards. It says so each time it looks.

Two signers of one file take turns, by a lock on the file. One that is killed leaves at most a line that is cut off,
which readers leave out, and the next one begins a line of its own.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from bot.audit_chain import canonical, proofs
from bot.audit_chain.proofs import AuditKey, Checkpoint, ProofLines, Seal
from bot.audit_chain.verification import ChainVerifier
from bot.errors import ConfigError, DeskhandError
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient
from bot.store.audit import reading
from bot.store.audit.reading import ChainReader
from bot.store.db import Database

READABLE = 0o644
"A file of checkpoints holds no secret: the clock reads it, and so do people who verify the log."
SAME_AGAIN = timedelta(hours=1)
"While no record is added, the last one is signed again this often, as a sign of life."

log = structlog.get_logger()


class NotSigned(DeskhandError):
    """The log does not follow from the last checkpoint; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs checkpoints of one database into one file."""

    database: Database
    key: AuditKey
    file: Path
    also: tuple[AuditKey, ...] = ()
    "Public keys of the signer before, whose checkpoints in the file are believed, too."

    def sign(self) -> Checkpoint | None:
        """Add a checkpoint of the last record to the file; return None if nothing is new.

        Raises:
            NotSigned: the log does not follow from the last checkpoint.
            ConfigError: the file or the database cannot be used.
            Transient: the database cannot be reached.
        """
        with _locked(self.file) as opened, reading.opened(self.database.read(), alone=True) as reader:
            found = proofs.read_lines(self.file.read_bytes(), self._trusted())
            _check_beginning(reader, found)
            last = self._last(found, reader)
            head = self._verified(reader, last)
            if head.position == 0 or (last is not None and last.position == head.position and not _is_old(last)):
                return None
            _append(opened, self.file, proofs.sign(head, self.key))
            return head

    def seal(self, until: int, rule: str) -> Seal:
        """Add a seal of the records up to one to the file.

        Raises:
            NotSigned: the log is not whole up to the last checkpoint, or that checkpoint is of an earlier record.
            ConfigError: there is no such record, or the file or the database cannot be used.
            Transient: the database cannot be reached.
        """
        with _locked(self.file) as opened, reading.opened(self.database.read(), alone=True) as reader:
            found = proofs.read_lines(self.file.read_bytes(), self._trusted())
            last = self._last(found, reader)
            if last is None or last.position < until:
                raise ConfigError(f"no checkpoint covers record {until} yet: run `deskhand audit checkpoint` first")
            ours = tuple(one for one in found.checkpoints if one.chain == reader.head.chain)
            verifier = ChainVerifier(reader.head, ours, tuple(one for one in ours if isinstance(one, Seal)))
            for batch in reader.batches():
                verifier.feed(batch)
            report = verifier.report()
            if not report.whole:
                raise NotSigned(f"nothing is sealed: {report.findings[0].says}")
            sealed = reader.hash_at(until)
            if sealed is None:
                raise ConfigError(f"there is no record {until}; the log begins with {report.first}")
            seal = Seal(until, sealed, canonical.time_of(datetime.now(UTC)), reader.head.chain, rule)
            _append(opened, self.file, proofs.sign(seal, self.key))
            return seal

    def _trusted(self) -> dict[str, AuditKey]:
        return {key.id: key for key in (self.key, *self.also)}

    def _last(self, found: ProofLines, reader: ChainReader) -> Checkpoint | None:
        """Return the last checkpoint of this log in the file.

        Raises:
            NotSigned: lines of the file were changed, or it holds only checkpoints of another log.
        """
        if found.altered:
            raise NotSigned(f"{self.file}: line {found.altered[0]} is not what was signed")
        ours = [one for one in found.checkpoints if one.chain == reader.head.chain]
        if not ours and (found.checkpoints or found.unknown_keys):
            raise NotSigned(
                f"{self.file}: it holds checkpoints of another log or of another key, and none of the log "
                f"{reader.head.chain[:8]}: use another file, or name the earlier key in {proofs.PUBLIC_VARIABLE}"
            )
        return max(ours, key=lambda one: (one.position, one.at), default=None)

    def _verified(self, reader: ChainReader, last: Checkpoint | None) -> Checkpoint:
        """Return the head of the log, after every record since the last checkpoint was verified.

        Raises:
            NotSigned: one does not follow.
        """
        after = 0 if last is None else last.position
        if after > reader.head.position:
            raise NotSigned(
                f"the last checkpoint is of record {after}, and the log ends with {reader.head.position}: its last "
                "records were removed, or an older backup was put back"
            )
        if last is not None:
            found = reader.hash_at(after)
            if found is None and after == reader.head.position:
                found = reader.head.hash  # the records up to it were sealed and removed
            if found is not None and found != last.hash:
                raise NotSigned(f"record {after} has another hash than the checkpoint of {last.at} saw")
        head = reader.head if last is None else replace(reader.head, first=after + 1, prev=last.hash)
        verifier = ChainVerifier(head, () if last is None else (last,))
        for batch in reader.batches(after=after):
            verifier.feed(batch)
        if verifier.records == 0 and reader.head.position == after:
            return self._now(reader)
        report = verifier.report()
        if not report.whole:
            raise NotSigned(report.findings[0].says)
        return self._now(reader)

    @staticmethod
    def _now(reader: ChainReader) -> Checkpoint:
        head = reader.head
        return Checkpoint(head.position, head.hash, canonical.time_of(datetime.now(UTC)), head.chain)


def post(client: WebClient, channel: str, checkpoint: Checkpoint, line: str) -> None:
    """Post a checkpoint to the audit channel, where nobody who has the database can change it.

    Raises:
        Transient, OutcomeUnknown, Rejected: see `bot.slack.api.client`.
    """
    text = f"Audit checkpoint of record {checkpoint.position:,}, {checkpoint.at}"
    slack.call(client.chat_postMessage, channel=channel, text=f"{text}\n```{line}```", unfurl_links=False)


def warn(client: WebClient, channel: str, why: str) -> None:
    """Post to the audit channel that a log is no longer signed.

    Raises:
        Transient, OutcomeUnknown, Rejected: see `bot.slack.api.client`.
    """
    text = f":rotating_light: The audit log is no longer signed: {why}. Run `deskhand audit verify`."
    slack.call(client.chat_postMessage, channel=channel, text=text)


def last_signed(file: Path) -> datetime | None:
    """Return when the last line of a file of checkpoints was signed, by what it says; None: it says nothing.

    The signature is not checked: this only tells whether a signer is alive.
    """
    try:
        times = [one for one in map(proofs.time_said, file.read_bytes().splitlines()[-3:]) if one is not None]
    except OSError:
        return None
    return max(times, default=None)


def _check_beginning(reader: ChainReader, found: ProofLines) -> None:
    """Check that the log begins with record 1, or after a seal.

    Raises:
        NotSigned: its first records are missing.
    """
    begins, before = reader.start()
    sealed = {(one.position, one.hash, one.chain) for one in found.seals}
    if begins > 1 and (begins - 1, before, reader.head.chain) not in sealed:
        raise NotSigned(f"the log begins with record {begins}, and no seal says that those before were removed")


def _is_old(last: Checkpoint) -> bool:
    return datetime.now(UTC) - datetime.fromisoformat(last.at) > SAME_AGAIN


@contextmanager
def _locked(file: Path) -> Iterator[int]:
    """Open a file of checkpoints, made if there is none, and hold its lock.

    Raises:
        ConfigError: it cannot be opened or made.
    """
    try:
        new = not file.exists()
        opened = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, READABLE)
    except OSError as error:
        raise ConfigError(f"{file}: checkpoints cannot be added: {error.strerror}") from error
    try:
        if new:
            os.fchmod(opened, READABLE)
            _sync_folder(file.parent)
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
    finally:
        os.close(opened)


def _append(opened: int, file: Path, line: str) -> None:
    """Add a line, on the disk when this returns.

    Raises:
        ConfigError: the disk refuses it.
    """
    size = os.fstat(opened).st_size
    torn = size > 0 and os.pread(opened, 1, size - 1) != b"\n"
    data = f"{chr(10) if torn else ''}{line}\n".encode()
    try:
        while data:
            data = data[os.write(opened, data) :]
        os.fsync(opened)
    except OSError as error:
        raise ConfigError(f"{file}: checkpoints cannot be added: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
