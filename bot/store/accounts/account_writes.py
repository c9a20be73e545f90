"""How often an account is changed, counted over all tickets, people, channels, agents and attempts.

A write is stored in the transaction of its intent and counts from then on, even if its result is never seen. If two
would change one account at the same time, the second counts after the first has committed.
"""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from bot.principals import PastWrite
from bot.store.accounts.read_backs import LADDER
from bot.store.db import insert_new
from bot.store.schema import AccountWrite, BoundedAccount, DirectoryAgreement, WriteState
from bot.store.sql import prebuilt
from bot.store.tickets.turns import Attempt

_LOCK = select(BoundedAccount.account).where(BoundedAccount.account == bindparam("id")).with_for_update()
_SINCE = (
    select(
        AccountWrite.tool,
        AccountWrite.at,
        AccountWrite.ticket_id,
        AccountWrite.state,
        AccountWrite.turn_id,
        AccountWrite.step,
    )
    .where(
        AccountWrite.account == bindparam("id"),
        AccountWrite.at > bindparam("moment"),
        AccountWrite.state != WriteState.REFUSED,
    )
    .order_by(AccountWrite.at, AccountWrite.id)
)
_END = (
    update(AccountWrite)
    .where(
        AccountWrite.turn_id == bindparam("of_turn"),
        AccountWrite.step == bindparam("number"),
        AccountWrite.state == WriteState.BEGUN,
    )
    .values(state=bindparam("end", type_=AccountWrite.state.type))
    .returning(AccountWrite.id)
)
_BEGUN_AT = select(AccountWrite.at).where(
    AccountWrite.turn_id == bindparam("of_turn"), AccountWrite.step == bindparam("number")
)


def lock(session: Session, account: str) -> None:
    """Lock an account until this transaction ends, so that its writes are counted one by one."""
    if prebuilt.rows(session, _LOCK, id=account).one_or_none() is None:
        insert_new(session, BoundedAccount, account=account)
        prebuilt.rows(session, _LOCK, id=account).one()  # somebody else may have inserted it


def since(session: Session, account: str, moment: datetime, *, besides: tuple[int, int]) -> tuple[PastWrite, ...]:
    """Return the writes of an account since a time, the oldest first, without those that the directory refused.

    Args:
        session: the open write transaction, in which the account is locked.
        account: id in the directory.
        moment: the time.
        besides: turn and step that ask; what an earlier attempt at that step began is the same write.
    """
    return tuple(
        PastWrite(tool, at, ticket_id, seen=state is WriteState.DONE)
        for tool, at, ticket_id, state, *asks in prebuilt.rows(session, _SINCE, id=account, moment=moment)
        if tuple(asks) != besides
    )


def is_begun(session: Session, *, turn_id: int, step: int) -> bool:
    """Return whether an attempt at a step was allowed to write, and it is not known how that ended."""
    begun = AccountWrite.turn_id == turn_id, AccountWrite.step == step, AccountWrite.state == WriteState.BEGUN
    return session.scalar(select(AccountWrite.id).where(*begun)) is not None


def begin(session: Session, attempt: Attempt, *, step: int, account: str, tool: str, at: datetime) -> datetime:
    """Store a write before it is made, once for each step; return when it was stored."""
    values = {"account": account, "tool": tool, "ticket_id": attempt.ticket.id, "turn_id": attempt.turn_id}
    if insert_new(session, AccountWrite, **values, step=step, state=WriteState.BEGUN, at=at) is not None:
        return at
    return prebuilt.rows(session, _BEGUN_AT, of_turn=attempt.turn_id, number=step).scalar_one()


def end(
    session: Session,
    attempt: Attempt,
    *,
    step: int,
    state: WriteState,
    agreement: DirectoryAgreement | None,
    at: datetime,
) -> bool:
    """Store what became of a write; return False if none was allowed, or its end is stored already.

    Args:
        session: the open write transaction.
        attempt: the attempt that made it.
        step: the number of the call within the turn.
        state: `BEGUN` if it is not known whether the directory has done it.
        agreement: what the directory showed when it was read back; None: nothing was written.
        at: when it was read back.
    """
    look_at = None if agreement in (None, DirectoryAgreement.MATCHED) else at + LADDER[0]
    seen = {"end": state, "agreement": agreement, "look_at": look_at}
    return prebuilt.rows(session, _END, of_turn=attempt.turn_id, number=step, **seen).one_or_none() is not None


def backdate(session: Session, account: str, span: timedelta) -> None:
    """Move the writes of an account back in time, for a demo."""
    for row in session.scalars(select(AccountWrite).where(AccountWrite.account == account)):
        row.at -= span
