"""Delegation tokens that were used. Invariant: of all who show one token, at once or later, exactly one uses it.

A row is added in the transaction that writes the audit intent, so a token is used if and only if its call is recorded.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, delete, exists, select
from sqlalchemy.orm import Session

from bot.store.db import insert_new
from bot.store.schema import UsedToken, now
from bot.store.sql import prebuilt

KEPT = timedelta(hours=1)
"How long a row is kept after its token has expired: longer than any two clocks of ours differ."

_ANY_EXPIRED = select(exists().where(UsedToken.expires_at < bindparam("before")))


def consume(session: Session, jti: str, *, expires: int) -> bool:
    """Use a token and return True; False if it was used before.

    While another transaction uses the same one, this waits for its end.

    Args:
        session: the open write transaction.
        jti: the number of the token.
        expires: when it expires, in seconds since 1970.
    """
    return insert_new(session, UsedToken, jti=jti, expires_at=datetime.fromtimestamp(expires, UTC)) is not None


def any_to_forget(session: Session) -> bool:
    """Return whether `forget` would delete anything."""
    return bool(prebuilt.rows(session, _ANY_EXPIRED, before=now() - KEPT).scalar_one())


def forget(session: Session) -> None:
    """Delete the rows of tokens that expired long ago: their time alone refuses them."""
    session.execute(delete(UsedToken).where(UsedToken.expires_at < now() - KEPT))
