"""How often an account is written: counted over all tickets, people, channels, agents and attempts.

A write is a row from the transaction of its intent on, and counts from then on: also when nobody ever saw how it
came out. Of two that would write one account at the same time, the second counts after the first has committed.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.principals import PastWrite
from bot.store.db import insert_new
from bot.store.schema import AccountWrite, BoundedAccount, WriteState
from bot.store.tickets.turns import Attempt


def lock(session: Session, account: str) -> None:
    """Let nobody else count the writes of an account before this transaction ends."""
    insert_new(session, BoundedAccount, account=account)
    session.execute(select(BoundedAccount).where(BoundedAccount.account == account).with_for_update())


def since(session: Session, account: str, moment: datetime, *, besides: tuple[int, int]) -> tuple[PastWrite, ...]:
    """Return the writes of an account since a moment, oldest first; without those that the directory refused.

    Args:
        session: the open write transaction, in which the account is locked.
        account: id in the directory.
        moment: from when on.
        besides: turn and step that ask: what an earlier attempt at them began is the same write.
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


def begin(session: Session, attempt: Attempt, *, step: int, account: str, tool: str, at: datetime) -> None:
    """Count a write before it is made; what an earlier attempt at the step began is counted already."""
    values = {"account": account, "tool": tool, "ticket_id": attempt.ticket.id, "turn_id": attempt.turn_id}
    insert_new(session, AccountWrite, **values, step=step, state=WriteState.BEGUN, at=at)


def end(session: Session, attempt: Attempt, *, step: int, done: bool) -> None:
    """Write down that a write was made, or that it certainly was not."""
    session.execute(
        update(AccountWrite)
        .where(
            AccountWrite.turn_id == attempt.turn_id, AccountWrite.step == step, AccountWrite.state == WriteState.BEGUN
        )
        .values(state=WriteState.DONE if done else WriteState.REFUSED)
    )


def backdate(session: Session, account: str, span: timedelta) -> None:
    """Let time pass for the writes of an account, as a demonstration needs it: they were made so much earlier."""
    for row in session.scalars(select(AccountWrite).where(AccountWrite.account == account)):
        row.at -= span
