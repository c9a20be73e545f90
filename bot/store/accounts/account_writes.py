"""How often an account is changed, counted over all tickets, people, channels, agents and attempts.

A write is stored in the transaction of its intent and counts from then on, even if its result is never seen. If two
would change one account at the same time, the second counts after the first has committed.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.principals import PastWrite
from bot.store.db import insert_new
from bot.store.schema import AccountWrite, BoundedAccount, WriteState
from bot.store.tickets.turns import Attempt


def lock(session: Session, account: str) -> None:
    """Lock an account until this transaction ends, so that its writes are counted one by one."""
    insert_new(session, BoundedAccount, account=account)
    session.execute(select(BoundedAccount).where(BoundedAccount.account == account).with_for_update())


def since(session: Session, account: str, moment: datetime, *, besides: tuple[int, int]) -> tuple[PastWrite, ...]:
    """Return the writes of an account since a time, the oldest first, without those that the directory refused.

    Args:
        session: the open write transaction, in which the account is locked.
        account: id in the directory.
        moment: the time.
        besides: turn and step that ask; what an earlier attempt at that step began is the same write.
    """
    query = select(AccountWrite).where(
        AccountWrite.account == account, AccountWrite.at > moment, AccountWrite.state != WriteState.REFUSED
    )
    rows = session.scalars(query.order_by(AccountWrite.at, AccountWrite.id))
    return tuple(
        PastWrite(row.tool, row.at, row.ticket_id, seen=row.state is WriteState.DONE)
        for row in rows
        if (row.turn_id, row.step) != besides
    )


def is_begun(session: Session, *, turn_id: int, step: int) -> bool:
    """Return whether an attempt at a step was allowed to write, and it is not known how that ended."""
    begun = AccountWrite.turn_id == turn_id, AccountWrite.step == step, AccountWrite.state == WriteState.BEGUN
    return session.scalar(select(AccountWrite.id).where(*begun)) is not None


def begin(session: Session, attempt: Attempt, *, step: int, account: str, tool: str, at: datetime) -> None:
    """Store a write before it is made, once for each step."""
    values = {"account": account, "tool": tool, "ticket_id": attempt.ticket.id, "turn_id": attempt.turn_id}
    insert_new(session, AccountWrite, **values, step=step, state=WriteState.BEGUN, at=at)


def end(session: Session, attempt: Attempt, *, step: int, done: bool) -> None:
    """Store that a write was made, or that it certainly was not."""
    session.execute(
        update(AccountWrite)
        .where(
            AccountWrite.turn_id == attempt.turn_id, AccountWrite.step == step, AccountWrite.state == WriteState.BEGUN
        )
        .values(state=WriteState.DONE if done else WriteState.REFUSED)
    )


def backdate(session: Session, account: str, span: timedelta) -> None:
    """Move the writes of an account back in time, for a demo."""
    for row in session.scalars(select(AccountWrite).where(AccountWrite.account == account)):
        row.at -= span
