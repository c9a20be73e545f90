"""The accounts of the local directory (`bot.directory.local`): how they are found, and how they get there.

What the directory changes is in `bot.store.accounts.changes`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row, bindparam, collate, delete, func, insert, select
from sqlalchemy.orm import Session

from bot.admission import plain
from bot.principals import USER_ID, Account, AccountStatus, SignIn
from bot.store.schema import AccountRow, AccountSession, DirectoryWrite, SignInRow, now
from bot.store.sql import prebuilt

ONE_AT_A_TIME = 0x6163636F756E7473
"The number of our lock among the advisory locks of a PostgreSQL database: `accounts` in ASCII."
AT_ONCE = 500
"Accounts of a seed that are stored with the same statements."
_ACCOUNT = select(
    AccountRow.id,
    AccountRow.email,
    AccountRow.name,
    AccountRow.status,
    AccountRow.lock_reason,
    AccountRow.privileged,
    AccountRow.liftable,
    AccountRow.factors,
    AccountRow.password_changed_at,
    AccountRow.slack_user,
    AccountRow.manager,
).order_by(AccountRow.id)
_BY_ID = _ACCOUNT.where(AccountRow.id == bindparam("account"))
_BY_SLACK_USER = _ACCOUNT.where(AccountRow.slack_user == bindparam("user"))
_BY_EMAIL = {
    # On PostgreSQL the locale decides what `lower` does with other letters: the Kelvin sign may become a k.
    "postgresql": _ACCOUNT.where(func.lower(collate(AccountRow.email, "C")) == bindparam("address")),
    "sqlite": _ACCOUNT.where(func.lower(AccountRow.email) == bindparam("address")),
}
"Compare an address with its ASCII letters, and no others, in lower case; by dialect."
_SIGN_INS = (
    select(SignInRow.at, SignInRow.ok, SignInRow.why, SignInRow.place)
    .where(SignInRow.account_id == bindparam("account"))
    .order_by(SignInRow.at.desc())
    .limit(bindparam("most"))
)

_WRITTEN = select(DirectoryWrite.account_id, DirectoryWrite.action).order_by(DirectoryWrite.at)


class SignInSeed(BaseModel):
    """A sign-in attempt in a seed file."""

    model_config = ConfigDict(extra="forbid")

    minutes_ago: int
    ok: bool
    why: str = ""
    place: str | None = None


class SessionSeed(BaseModel):
    """A device on which somebody is signed in, in a seed file."""

    model_config = ConfigDict(extra="forbid")

    device: str
    place: str | None = None
    minutes_ago: int = 0
    "When the session began."


class AccountSeed(BaseModel):
    """An account in a seed file."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^\S+$")
    email: str = Field(pattern=r"\S@\S")
    name: str
    status: AccountStatus
    lock_reason: str | None = None
    privileged: bool = False
    liftable: bool = False
    factors: tuple[str, ...] = ()
    password_changed: int | None = None
    "Days since the password was changed; None: unknown."
    slack_user: str | None = Field(default=None, pattern=f"^{USER_ID}$")
    "The Slack user id that this account is bound to."
    manager: str | None = None
    "The id of their manager's account."
    sign_ins: tuple[SignInSeed, ...] = ()
    sessions: tuple[SessionSeed, ...] = ()


def by_email(session: Session, email: str) -> tuple[Account, ...]:
    """Return every account with an address, ignoring the case of ASCII letters; see `bot.admission.plain`."""
    address = plain(email)
    if address is None:
        return ()
    rows = prebuilt.rows(session, _BY_EMAIL[session.get_bind().dialect.name], address=address)
    return tuple(account_of(row) for row in rows)


def by_slack_user(session: Session, user: str) -> tuple[Account, ...]:
    """Return every account bound to a Slack user id."""
    return tuple(account_of(row) for row in prebuilt.rows(session, _BY_SLACK_USER, user=user))


def names_of(session: Session, users: Collection[str]) -> dict[str, str]:
    """Return the names of the accounts bound to these Slack user ids, by id."""
    bound = select(AccountRow.slack_user, AccountRow.name).where(AccountRow.slack_user.in_(users))
    return {user: name for user, name in session.execute(bound) if user}


def find(session: Session, account_id: str) -> Account | None:
    """Return an account, or None."""
    row = prebuilt.rows(session, _BY_ID, account=account_id).one_or_none()
    return None if row is None else account_of(row)


def sign_ins(session: Session, account_id: str, *, at_most: int) -> tuple[SignIn, ...]:
    """Return the last sign-in attempts, the newest first."""
    return tuple(SignIn(*row) for row in prebuilt.rows(session, _SIGN_INS, account=account_id, most=at_most))


def seed(session: Session, accounts: Iterable[AccountSeed]) -> int:
    """Store accounts, replacing those with the same id; return their number.

    Of several seeds at once, each waits for the one before it; SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
    given, count = iter(accounts), 0
    while some := list(islice(given, AT_ONCE)):
        _seed(session, {one.id: one for one in some})
        count += len(some)
    return count


def _seed(session: Session, given: Mapping[str, AccountSeed]) -> None:
    """Store accounts with as few statements as possible: a directory may have thousands."""
    known = select(AccountRow).where(AccountRow.id.in_(given)).order_by(AccountRow.id).with_for_update()
    stored = {row.id: row for row in session.scalars(known)}
    for account_id, row in stored.items():
        for name, value in _columns(given[account_id]).items():
            setattr(row, name, value)
    session.flush()
    if new := [{"id": one.id, **_columns(one)} for one in given.values() if one.id not in stored]:
        session.execute(insert(AccountRow), new)
    if stored:
        session.execute(delete(SignInRow).where(SignInRow.account_id.in_(stored)))
        session.execute(delete(AccountSession).where(AccountSession.account_id.in_(stored)))
    at = now()
    sign_ins = [
        {
            "account_id": one.id,
            "at": at - timedelta(minutes=sign_in.minutes_ago),
            "ok": sign_in.ok,
            "why": sign_in.why,
            "place": sign_in.place,
        }
        for one in given.values()
        for sign_in in one.sign_ins
    ]
    if sign_ins:
        session.execute(insert(SignInRow), sign_ins)
    sessions = [
        {
            "account_id": one.id,
            "device": signed_in.device,
            "place": signed_in.place,
            "began_at": at - timedelta(minutes=signed_in.minutes_ago),
        }
        for one in given.values()
        for signed_in in one.sessions
    ]
    if sessions:
        session.execute(insert(AccountSession), sessions)


def _columns(one: AccountSeed) -> dict[str, object]:
    return {
        "email": plain(one.email) or one.email,
        "slack_user": one.slack_user,
        "name": one.name,
        "status": one.status,
        "lock_reason": one.lock_reason,
        "privileged": one.privileged,
        "liftable": one.liftable,
        "factors": list(one.factors),
        "password_changed_at": _ago(days=one.password_changed),
        "manager": one.manager,
    }


def set_status(session: Session, account_id: str, status: AccountStatus, *, lock_reason: str | None = None) -> bool:
    """Change an account as its owner or an administrator would; return False if it does not exist."""
    row = session.get(AccountRow, account_id, with_for_update=True)
    if row is None:
        return False
    row.status, row.lock_reason = status, lock_reason
    if status is AccountStatus.ACTIVE:
        row.password_changed_at = now()
    return True


def writes(session: Session, account_id: str | None = None) -> Sequence[DirectoryWrite]:
    """Return the changes made in this directory, the oldest first."""
    query = select(DirectoryWrite).order_by(DirectoryWrite.at)
    return session.scalars(query if account_id is None else query.where(DirectoryWrite.account_id == account_id)).all()


def written(session: Session) -> list[tuple[str, str]]:
    """Return account and action of each change made in this directory, the oldest first."""
    return [(account, action) for account, action in prebuilt.rows(session, _WRITTEN)]


def account_of(row: AccountRow | Row[*tuple[Any, ...]]) -> Account:
    """Return an account as its row has it."""
    return Account(
        id=row.id,
        email=row.email,
        name=row.name,
        status=AccountStatus(row.status),
        lock_reason=row.lock_reason,
        privileged=row.privileged,
        liftable=row.liftable,
        factors=tuple(row.factors),
        password_changed_at=row.password_changed_at,
        slack_user=row.slack_user,
        manager=row.manager,
    )


def _ago(*, days: int | None) -> datetime | None:
    return None if days is None else now() - timedelta(days=days)
