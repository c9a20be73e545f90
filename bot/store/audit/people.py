"""Names people in the audit log by references, so that somebody can be forgotten and the chain stays whole.

A reference is `person:` and SHA-256(salt || Slack user id); only `audit_people` says who is meant. A Slack user id
is found by its form, in every text of a record: no caller can forget to mark one. A word that only looks like one gets
a reference too, and reads as before.

Each process keeps the references that it has read. Nobody tells it when a person is forgotten: `records.append` adds a
record only while its references exist, and has them looked up again otherwise. What a transaction adds is its own until
it is committed: another that used it would name somebody whom it cannot see.

Two transactions that meet a person at the same time give them two references: were there only one, each would wait for
the other's end, and two that meet two people in different orders for each other (docs/decisions/0050).
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from secrets import token_bytes
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Pool, bindparam, delete, insert, select, text
from sqlalchemy.orm import Session

from bot.audit_chain import canonical
from bot.store.schema import AuditPerson
from bot.store.sql import audit_guard, prebuilt
from bot.store.sql.commits import after_commit

PREFIX = "person:"
ERASED = "a person who was erased"
"How a reference reads when its person was forgotten."
SALT_BYTES = 16
MOST_KEPT = 10_000
"References that a process keeps of one database; of two hundred bytes each."
_REFERENCE = re.compile(r"person:[0-9a-f]{64}")
_SLACK_USER = re.compile(
    r"(?:^|(?<=:))[UW][A-Z0-9]+(?=:|$)"  # a whole text, or a part of a key such as user:U0MAYA:day
    r"|(?<![A-Za-z0-9])[UW](?:[A-Z0-9]{8,}|(?=[A-Z]*[0-9])[A-Z0-9]+)(?![A-Za-z0-9])"  # among words
    r"|(?<![A-Za-z0-9])D(?=[A-Z]*[0-9])[A-Z0-9]{2,}(?![A-Za-z0-9])"  # a direct conversation, which is one person's
)
_WHOLE = re.compile(r"(?s)\A.+\Z")
_OF_USER = (
    select(AuditPerson.reference).where(AuditPerson.slack_user == bindparam("user")).order_by(AuditPerson.reference)
)
_ADD = insert(AuditPerson)
_kept: WeakKeyDictionary[Pool, dict[str, str]] = WeakKeyDictionary()
"By the connections of a database; what is kept is only ever added to, or dropped as a whole."
_ADDED = "added references"
"The key in a session's info under which those that its transaction has added are kept, by user."


class OfPerson(str):
    """A text that names a person and has no form of its own, such as the id of their account: it gets a reference."""

    __slots__ = ()


def of_person(text: str | None) -> OfPerson | None:
    """Mark a text that names a person, so that it gets a reference of its own."""
    return None if text is None else OfPerson(text)


def replaced(session: Session, values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return JSON values in which each Slack user id is replaced by its reference, and the references that were used.

    Args:
        session: the open write transaction, in which a person without a reference gets one.
        values: anything that has a form in JSON.
    """
    used = dict[str, None]()

    def refer(found: re.Match[str]) -> str:
        given = reference(session, found[0])
        used[given] = None
        return given

    def change(text: str) -> str:
        return _WHOLE.sub(refer, text) if isinstance(text, OfPerson) else _SLACK_USER.sub(refer, text)

    changed = {name: _each_text(value, change) for name, value in values.items()}
    return changed, tuple(used)


def reference(session: Session, user: str) -> str:
    """Return the reference of a person, new if they have none."""
    kept = _kept.setdefault(session.connection().engine.pool, {})
    added: dict[str, str] = session.info.setdefault(_ADDED, {})
    known = added.get(user) or kept.get(user)
    if known is None:
        known = prebuilt.rows(session, _OF_USER, user=user).scalars().first()
        if known is None:
            known = added[user] = _add(session, user)
            after_commit(session, lambda: _keep(kept, user, known))
        else:
            _keep(kept, user, known)
    return known


def _keep(kept: dict[str, str], user: str, known: str) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[user] = known


def drop_kept(session: Session) -> None:
    """Drop the references that this process has kept: one of them does not exist any more."""
    _kept.pop(session.connection().engine.pool, None)


def references(session: Session, user: str) -> list[str]:
    """Return all references of a person."""
    return list(prebuilt.rows(session, _OF_USER, user=user).scalars())


def may_forget(session: Session) -> bool:
    """Return whether this connection's role may forget people; on SQLite every process of ours may."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(session.scalar(text("SELECT has_table_privilege('audit_people', 'DELETE')")))


def forget(session: Session, user: str) -> int:
    """Delete who a person's references mean, and return how many there were; their records stay as they are.

    On PostgreSQL this needs a right of its own, which the application's role does not have (docs/how-to/install.md).
    """
    session.flush()
    connection = session.connection()
    gone = delete(AuditPerson).where(AuditPerson.slack_user == user)
    if connection.dialect.name == "sqlite":
        with audit_guard.lifted(connection.connection.driver_connection):  # type: ignore[arg-type]
            count = connection.execute(gone).rowcount
    else:
        count = connection.execute(gone).rowcount
    session.info.pop(_ADDED, None)
    drop_kept(session)
    return count


def named(session: Session, texts: Collection[str | None]) -> Callable[[Any], Any]:
    """Return a function that puts the ids back into JSON values, whose references must be in these texts."""
    asked = {one for text in texts for one in _REFERENCE.findall(text or "")}
    query = select(AuditPerson.reference, AuditPerson.slack_user).where(AuditPerson.reference.in_(asked))
    users = {row.reference: row.slack_user for row in session.execute(query)} if asked else {}
    return lambda value: _each_text(value, lambda text: _REFERENCE.sub(lambda it: users.get(it[0], ERASED), text))


def _add(session: Session, user: str) -> str:
    salt = token_bytes(SALT_BYTES)
    given = PREFIX + hashlib.sha256(salt + user.encode()).hexdigest()
    prebuilt.run(session, _ADD, reference=given, salt=salt, slack_user=user)
    return given


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return JSON values with each text changed, keys included; an integer that JSON may not hold is text."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): _each_text(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(one, change) for one in value]
    if isinstance(value, int) and abs(value) > canonical.LARGEST:
        return str(value)
    return value
