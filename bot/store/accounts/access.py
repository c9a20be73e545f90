"""How people reach their accounts of the local directory: devices that are signed in, and notices to them.

Each change is made once for its idempotency key, as every change of this directory is (`changes.once`).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.store.accounts import changes
from bot.store.schema import AccountNotice, AccountRow, AccountSession, now


@dataclass(frozen=True, slots=True)
class SignedInDevice:
    """A device on which somebody is signed in to an account."""

    device: str
    place: str | None
    "Where the sign-in came from; None: unknown."
    since: datetime


@dataclass(frozen=True, slots=True)
class SentNotice:
    """A notice that was sent to the address on file."""

    address: str
    text: str
    at: datetime


def signed_in(session: Session, account_id: str) -> tuple[SignedInDevice, ...]:
    """Return the devices that are signed in to an account, the newest session first."""
    query = select(AccountSession).where(AccountSession.account_id == account_id, AccountSession.revoked_at.is_(None))
    rows = session.scalars(query.order_by(AccountSession.began_at.desc(), AccountSession.id.desc()))
    return tuple(SignedInDevice(row.device, row.place, row.began_at) for row in rows)


def revoke_sessions(session: Session, account_id: str, *, key: str) -> int:
    """End every session of an account; return how many were ended under this key, now or before.

    Raises:
        Refused: the account is gone.
    """

    def change(row: AccountRow) -> None:
        session.execute(
            update(AccountSession)
            .where(AccountSession.account_id == row.id, AccountSession.revoked_at.is_(None))
            .values(revoked_at=now(), revoked_by=key)
        )

    changes.once(session, account_id, changes.REVOKE_SESSIONS, key, change)
    ended = select(func.count()).where(AccountSession.account_id == account_id, AccountSession.revoked_by == key)
    return session.scalars(ended).one()


def notify(session: Session, account_id: str, text: str, *, key: str) -> None:
    """Send a notice to the address on file.

    Raises:
        Refused: the account is gone.
    """

    def change(row: AccountRow) -> None:
        session.add(AccountNotice(key=key, account_id=row.id, address=row.email, text=text))

    changes.once(session, account_id, changes.NOTIFY, key, change)


def notices(session: Session, account_id: str) -> tuple[SentNotice, ...]:
    """Return the notices that were sent to the address on file of an account, the newest first."""
    query = select(AccountNotice).where(AccountNotice.account_id == account_id)
    rows = session.scalars(query.order_by(AccountNotice.at.desc(), AccountNotice.key))
    return tuple(SentNotice(row.address, row.text, row.at) for row in rows)
