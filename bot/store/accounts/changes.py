"""The changes that the local directory makes to an account.

A change is made once for its idempotency key: the key is inserted in the transaction that changes the account.
"""

from collections.abc import Callable

from sqlalchemy.orm import Session

from bot.errors import Refused
from bot.principals import Account, AccountStatus, Reason
from bot.store.accounts import accounts
from bot.store.schema import AccountRow, DirectoryWrite

UNLOCK, SEND_LINK, RESET_FACTOR, REVOKE_SESSIONS = "unlock", "send_password_reset", "reset_factor", "revoke_sessions"
CHALLENGE, NOTIFY = "challenge", "notify"
ACTIONS = frozenset({UNLOCK, SEND_LINK, RESET_FACTOR, REVOKE_SESSIONS, CHALLENGE, NOTIFY})
"The changes that this directory records."


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

    return once(session, account_id, UNLOCK, key, change, seen=seen)


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

    return once(session, account_id, SEND_LINK, key, change, seen=seen)


def reset_factor(session: Session, account_id: str, factor: str, *, key: str, seen: Account) -> Account:
    """Remove one second factor; its owner enrols a new one when they next sign in.

    Args:
        session: an open write transaction.
        account_id: the account.
        factor: the kind of second factor.
        key: under which it is done once.
        seen: the account as it was decided upon; in any other state it is left alone.

    Raises:
        Refused: the account may not sign in at all, has no such factor, or has changed.
    """

    def change(row: AccountRow) -> None:
        if row.status in (AccountStatus.DISABLED, AccountStatus.DEPARTED):
            raise Refused(f"the account is {row.status}", reason=Reason.OUT_OF_POLICY)
        if factor not in row.factors:
            raise Refused(f"no second factor of the kind {factor} is enrolled", reason=Reason.OUT_OF_POLICY)
        row.factors = [one for one in row.factors if one != factor]

    return once(session, account_id, RESET_FACTOR, key, change, seen=seen, told=_factors)


def once(
    session: Session,
    account_id: str,
    action: str,
    key: str,
    change: Callable[[AccountRow], None],
    *,
    seen: Account | None = None,
    told: Callable[[AccountRow], str] = lambda row: row.status,
) -> Account:
    """Make a change of the local directory unless it was made under its key, and return the account as it is then.

    Args:
        session: an open write transaction.
        account_id: the account, which is locked until the transaction ends.
        action: one of `ACTIONS`.
        key: under which it is done once.
        change: makes the change, or raises `Refused`.
        seen: the account as it was decided upon; in any other state it is left alone. None: its state is of no matter.
        told: what is kept on record of the account before and after the change.

    Raises:
        Refused: the account is gone, has changed, or `change` refuses.
    """
    row = session.get(AccountRow, account_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise Refused("the account is gone", reason=Reason.IDENTITY_MISMATCH)
    if not was_done(session, key):
        if seen is not None and accounts.account_of(row) != seen:
            raise Refused("the account has changed since it was looked at", reason=Reason.OUT_OF_POLICY)
        before = told(row)
        change(row)
        session.add(DirectoryWrite(key=key, account_id=account_id, action=action, before=before, after=told(row)))
    return accounts.account_of(row)


def _factors(row: AccountRow) -> str:
    return ", ".join(row.factors)
