"""Erases one person everywhere: the rows, the keys in Redis, and the cards that rollbacks have kept.

What cannot be rolled back is erased before the transaction is committed, and all of it may be erased again: so after a
crash the same command ends what it began, and never is anything said to be erased that is not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot import private, redis_client
from bot.errors import ConfigError
from bot.folder_exchange import KEPT
from bot.queue import JobQueue, translated
from bot.store import audit, db
from bot.store.audit import people
from bot.store.db import Database, Session
from bot.store.personal import erasing, whose
from bot.store.personal.whose import Whose

OPERATOR = "operator"
NOT_THE_OWNER = (
    "environment: the role of DATABASE_URL may not forget people in the audit log: set DATABASE_OWNER_URL as for "
    "`deskhand migrate`. Nothing was erased."
)


@dataclass(frozen=True, slots=True)
class StillUnderWay:
    """Something of the person is not done, or a file of the configuration names them; nothing was erased."""

    what: tuple[str, ...]
    "Sentences, each with what to do."


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased of one person, who is named in it by nothing."""

    dry_run: bool
    tables: dict[str, int]
    "Rows that were deleted or changed, for every table of the inventory."
    elsewhere: dict[str, int]
    "Keys of Redis and files that were deleted or changed."
    compacted: bool | None = None
    "Whether the file of an SQLite database was rebuilt, so that nothing is left in free pages; None on PostgreSQL."
    audit: int | None = None
    "The number of the record in the audit log; None: nothing was erased."

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def erase(
    database: Database,
    queue: JobQueue,
    config: Path,
    user: str,
    *,
    also: Sequence[str] = (),
    withdraw: bool = False,
    dry_run: bool = False,
) -> Receipt | StillUnderWay:
    """Erase a person, and return the receipt, or why nothing was erased.

    Args:
        database: where rows are.
        queue: the Redis of the installation.
        config: the folder of the configuration.
        user: Slack user id.
        also: their names and addresses, as far as somebody has said them.
        withdraw: send nothing more for or about them, instead of waiting until Slack has it.
        dry_run: only count.

    Raises:
        ConfigError: the role that is connected may not forget people in the audit log, or a file of the configuration
            cannot be read or written; nothing was erased in the database.
        Transient: the database or Redis cannot be reached; nothing was erased in the database.
    """
    if named_in := [str(file) for file in _files(config) if not _is_kept(config, file) and _names(file, user)]:
        return StillUnderWay(tuple(f"{file} names them: take them out of it first." for file in named_in))
    with database.write() as session:
        db.work_without_hurry(session.connection())
        if not people.may_forget(session):
            raise ConfigError(NOT_THE_OWNER)
        who = _locked(session, user, also)
        if withdraw:
            whose.withdraw_owed(session, who)
        if obstacles := whose.under_way(session, who):
            session.rollback()
            return StillUnderWay(tuple(obstacles))
        tables = erasing.erase(session, who)
        elsewhere = _elsewhere(queue, config, who, erase=not dry_run)
        if dry_run:
            session.rollback()
            return Receipt(dry_run=True, tables=tables, elsewhere=elsewhere)
        number = _recorded(session, who, tables=tables, elsewhere=elsewhere)
    return Receipt(dry_run=False, tables=tables, elsewhere=elsewhere, compacted=database.compact(), audit=number)


def _locked(session: Session, user: str, also: Sequence[str]) -> Whose:
    """Lock a person, and return what names them by then."""
    erasing.lock(session, whose.gather(session, user, also))
    return whose.gather(session, user, also)


def _elsewhere(queue: JobQueue, config: Path, who: Whose, *, erase: bool) -> dict[str, int]:
    """Count what names a person outside the database, and erase it unless it is only counted."""
    with translated():
        keys = redis_client.named(queue.queue.connection, who.naming.texts, erase=erase)
    return {"redis": keys, "rollbacks": _rename_in_rollbacks(config, who, write=erase)}


def _recorded(session: Session, who: Whose, **counts: Any) -> int | None:
    """Add the last record about a person to the audit log and forget them in it; None: nothing was erased."""
    if not any(count for counted in counts.values() for count in counted.values()):
        return None
    number = audit.append(session, "person.erased", actor=OPERATOR, subject=who.user, **counts)
    erasing.forget_in_audit(session, who)
    return number


def _files(config: Path) -> Iterator[Path]:
    return (file for file in sorted(config.rglob("*")) if file.is_file())


def _is_kept(config: Path, file: Path) -> bool:
    return file.is_relative_to(config / KEPT)


def _names(file: Path, user: str) -> bool:
    try:
        return user.encode() in file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}; nothing was erased") from error


def _rename_in_rollbacks(config: Path, who: Whose, *, write: bool) -> int:
    """Replace the Slack id of a person in the folders that rollbacks have kept; return the number of files."""
    found = [file for file in _files(config / KEPT) if _names(file, who.user)]
    for file in found if write else ():
        text = file.read_text("utf-8", "surrogateescape")  # the folder may keep a file that is no text
        renamed = str(who.naming.without(text)).encode("utf-8", "surrogateescape")
        try:
            private.put(file, [renamed], keep_mode=True)
        except OSError as error:
            raise ConfigError(f"{file}: cannot be written: {error.strerror}; no row was erased") from error
    return len(found)
