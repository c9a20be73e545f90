"""Removes the records up to a seal. Only the owner of the tables can: the guards are lifted for that one transaction.

What is removed is gone from `audit` and `audit_chain`; the chain goes on after the seal, and its head is as it was.
"""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.audit_chain.proofs import Seal
from bot.errors import ConfigError, kind
from bot.store.audit import guards

_REMOVED = (
    "DELETE FROM audit WHERE seq IN (SELECT audit_seq FROM audit_chain WHERE position <= :until)",
    "DELETE FROM audit_chain WHERE position <= :until",
)


def remove(session: Session, seal: Seal) -> int:
    """Remove the records up to a seal, and return how many there were.

    Raises:
        ConfigError: the seal is not of this log as it is, or we are not the owner of its tables.
    """
    try:
        with guards.lifted(session):
            _check(session, seal)
            _, gone = (session.execute(text(one), {"until": seal.position}) for one in _REMOVED)
            return int(gone.rowcount)  # type: ignore[attr-defined]
    except DBAPIError as error:
        raise ConfigError(
            f"database: nothing was removed ({kind(error)}): only the owner of the tables can, so set "
            "DATABASE_OWNER_URL as for `deskhand migrate`"
        ) from error


def _check(session: Session, seal: Seal) -> None:
    """Check that a seal is of this log.

    Raises:
        ConfigError: it is not.
    """
    chain = session.execute(text("SELECT chain FROM audit_head")).scalar_one_or_none()
    found = session.execute(
        text("SELECT hash FROM audit_chain WHERE position = :until"), {"until": seal.position}
    ).scalar_one_or_none()
    if chain != seal.chain:
        raise ConfigError("the seal is of another log")
    if found is None:
        raise ConfigError(f"there is no record {seal.position} any more: it was removed before")
    if found != seal.hash:
        raise ConfigError(f"record {seal.position} has another hash than the seal says: run `deskhand audit verify`")
