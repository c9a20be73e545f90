"""The accounts of the local directory (`bot.directory.local`), and the changes made to them.

A change is made once for its idempotency key: the key is inserted in the transaction that changes the account.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, collate, delete, func, insert, select
from sqlalchemy.orm import Session

from bot.admission import plain
from bot.errors import Refused
from bot.principals import USER_ID, Account, AccountStatus, Reason, SignIn
from bot.store.schema import AccountRow, DirectoryWrite, SignInRow, now

UNLOCK, SEND_LINK = "unlock", "send_password_reset"
ACTIONS = frozenset({UNLOCK, SEND_LINK})
"The changes that this directory records."
AT_ONCE = 500
"Accounts of a seed that are stored with the same statements."


class SignInSeed(BaseModel):
    """A sign-in attempt in a seed file."""

    model_config = ConfigDict(extra="forbid")

    minutes_ago: int
    ok: bool
    why: str = ""
    place: str | None = None


class AccountSeed(BaseModel):
    """An account in a seed file."""

    model_config = ConfigDict(extra="forbid")

    id: str
    email: str
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
    sign_ins: tuple[SignInSeed, ...] = ()


def by_email(session: Session, email: str) -> tuple[Account, ...]:
    """Return every account with an address, ignoring the case of ASCII letters; see `bot.admission.plain`."""
    address = plain(email)
    if address is None:
        return ()
    rows = session.scalars(select(AccountRow).where(_folded(session) == address).order_by(AccountRow.id))
    return tuple(_account(row) for row in rows)


def by_slack_user(session: Session, user: str) -> tuple[Account, ...]:
    """Return every account bound to a Slack user id."""
    rows = session.scalars(select(AccountRow).where(AccountRow.slack_user == user).order_by(AccountRow.id))
    return tuple(_account(row) for row in rows)


def names_of(session: Session, users: Collection[str]) -> dict[str, str]:
    """Return the names of the accounts bound to these Slack user ids, by id."""
    bound = select(AccountRow.slack_user, AccountRow.name).where(AccountRow.slack_user.in_(users))
    return {user: name for user, name in session.execute(bound) if user}


def find(session: Session, account_id: str) -> Account | None:
    """Return an account, or None."""
    row = session.get(AccountRow, account_id)
    return None if row is None else _account(row)


def sign_ins(session: Session, account_id: str, *, at_most: int) -> tuple[SignIn, ...]:
    """Return the last sign-in attempts, the newest first."""
    query = select(SignInRow).where(SignInRow.account_id == account_id).order_by(SignInRow.at.desc())
    return tuple(SignIn(row.at, row.ok, row.why, row.place) for row in session.scalars(query.limit(at_most)))


def was_done(session: Session, key: str) -> bool:
    """Return whether a change was made under an idempotency key."""
    return session.get(DirectoryWrite, key) is not None


def unlock(session: Session, account_id: str, *, key: str, seen: Account) -> Account:
    """Lift a lock-out, or a suspension that its owner may lift.

    Args:
        session: an open write transaction.
        account_id: the account.
        key: under which it is done once.
        seen: the account as it was decided upon; in any other state it is left alone.

    Raises:
        Refused: the account is in a state that unlocking does not mend, or has changed.
    """

    def change(row: AccountRow) -> None:
        locked = row.status == AccountStatus.LOCKED
        if not locked and not (row.status == AccountStatus.SUSPENDED and row.liftable):
            raise Refused(f"the account is {row.status}, not locked", reason=Reason.OUT_OF_POLICY)
        row.status, row.lock_reason = AccountStatus.ACTIVE, None

    return _once(session, account_id, UNLOCK, key, change, seen)


def send_password_reset(session: Session, account_id: str, *, key: str, seen: Account) -> Account:
    """Send the directory's own reset link to the address on file.

    The account is as it was until its owner has used the link.

    Args:
        session: an open write transaction.
        account_id: the account.
        key: under which it is done once.
        seen: the account as it was decided upon; in any other state it is left alone.

    Raises:
        Refused: the account may not sign in at all, or has changed.
    """

    def change(row: AccountRow) -> None:
        if row.status not in (AccountStatus.ACTIVE, AccountStatus.LOCKED, AccountStatus.PASSWORD_EXPIRED):
            raise Refused(f"the account is {row.status}", reason=Reason.OUT_OF_POLICY)

    return _once(session, account_id, SEND_LINK, key, change, seen)


def seed(session: Session, accounts: Iterable[AccountSeed]) -> int:
    """Store accounts, replacing those with the same id; return their number."""
    given, count = iter(accounts), 0
    while some := list(islice(given, AT_ONCE)):
        _seed(session, {one.id: one for one in some})
        count += len(some)
    return count


def _seed(session: Session, given: Mapping[str, AccountSeed]) -> None:
    """Store accounts with as few statements as possible: a directory may have thousands."""
    stored = {row.id: row for row in session.scalars(select(AccountRow).where(AccountRow.id.in_(given)))}
    for one in given.values():
        row = stored.get(one.id) or AccountRow(id=one.id)
        row.email, row.slack_user, row.name = plain(one.email) or one.email, one.slack_user, one.name
        row.status, row.lock_reason = one.status, one.lock_reason
        row.privileged, row.liftable, row.factors = one.privileged, one.liftable, list(one.factors)
        row.password_changed_at = _ago(days=one.password_changed)
        session.add(row)
    session.flush()
    session.execute(delete(SignInRow).where(SignInRow.account_id.in_(given)))
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


def _once(
    session: Session, account_id: str, action: str, key: str, change: Callable[[AccountRow], None], seen: Account
) -> Account:
    row = session.get(AccountRow, account_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise Refused("the account is gone", reason=Reason.IDENTITY_MISMATCH)
    if not was_done(session, key):
        if _account(row) != seen:
            raise Refused("the account has changed since it was looked at", reason=Reason.OUT_OF_POLICY)
        before = row.status
        change(row)
        session.add(DirectoryWrite(key=key, account_id=account_id, action=action, before=before, after=row.status))
    return _account(row)


def _folded(session: Session) -> ColumnElement[str]:
    """Return the address of a row with its ASCII letters, and no others, in lower case.

    On PostgreSQL the locale decides what `lower` does with other letters: the Kelvin sign may become a k. SQLite
    lowers ASCII only.
    """
    is_postgres = session.get_bind().dialect.name == "postgresql"
    return func.lower(collate(AccountRow.email, "C") if is_postgres else AccountRow.email)


def _ago(*, days: int | None) -> datetime | None:
    return None if days is None else now() - timedelta(days=days)


def _account(row: AccountRow) -> Account:
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
    )
