"""Writes whose account is to be read back again, because the directory did not show what they should have left.

Each has a ladder of its own, from the time at which it was allowed. Invariant: what was found for a write is stored by
the one caller whose look is due, so that two clocks tell of it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from bot.store.schema import AccountWrite, DirectoryAgreement, Step, Ticket, WriteState
from bot.store.sql import prebuilt

LADDER = tuple(timedelta(seconds=seconds) for seconds in (15, 60, 300, 900, 3_600, 6 * 3_600, 24 * 3_600))
"After a write, the directory is read back again at these times, until it shows what the write should have left."
AT_ONCE = 50
"The most writes that are read back in one go."
_OPEN = (
    select(AccountWrite.id, Ticket.agent, AccountWrite.ticket_id, AccountWrite.turn_id, AccountWrite.step)
    .add_columns(AccountWrite.tool, AccountWrite.account, AccountWrite.state, AccountWrite.agreement, AccountWrite.at)
    .add_columns(AccountWrite.look_at, Ticket.requester, Step.request)
    .join(Ticket, Ticket.id == AccountWrite.ticket_id)
    .join(Step, (Step.turn_id == AccountWrite.turn_id) & (Step.seq == AccountWrite.step))
    .where(AccountWrite.look_at.is_not(None))
)
_NEXT = _OPEN.order_by(AccountWrite.look_at, AccountWrite.id).limit(AT_ONCE)
_DUE = _NEXT.where(AccountWrite.look_at <= bindparam("at_latest"))
_ALL_OPEN = _OPEN.order_by(AccountWrite.id)


@dataclass(frozen=True, slots=True)
class OpenReadBack:
    """A write whose account is read back again."""

    id: int
    agent: str
    "The agent of its ticket."
    ticket_id: int
    turn_id: int
    step: int
    tool: str
    account: str
    state: WriteState
    agreement: DirectoryAgreement
    at: datetime
    "When the write was allowed."
    look_at: datetime
    subject: str
    "The Slack user id of the requester."
    request: dict[str, Any]
    "What is on record of the call: its arguments, and the number of its intent in the audit log."


def due(session: Session, at: datetime) -> Sequence[OpenReadBack]:
    """Return the writes whose account is to be read back by now, the longest due first."""
    return [OpenReadBack(*row) for row in prebuilt.rows(session, _DUE, at_latest=at)]


def all_open(session: Session) -> Sequence[OpenReadBack]:
    """Return every write whose account is read back again, the oldest first."""
    return [OpenReadBack(*row) for row in prebuilt.rows(session, _ALL_OPEN)]


@dataclass(frozen=True, slots=True)
class KeptReadBack:
    """What was found is stored."""

    open: bool
    "Whether the directory is read back again."


def keep(session: Session, one: OpenReadBack, found: DirectoryAgreement, *, at: datetime) -> KeptReadBack | None:
    """Store what the directory showed, and when it is read back next; return None if another caller was first.

    Args:
        session: the open write transaction.
        one: the write, as it was due.
        found: what the directory showed.
        at: when. A write that has only now been found not to be shown is read back once more, however late it is.
    """
    new = found is DirectoryAgreement.DIVERGED and found is not one.agreement
    rungs = [one.at + after for after in LADDER if one.at + after > at] or ([at + LADDER[0]] if new else [])
    look_at = None if found is DirectoryAgreement.MATCHED else next(iter(rungs), None)
    still_due = AccountWrite.id == one.id, AccountWrite.look_at == one.look_at
    kept = update(AccountWrite).where(*still_due).values(agreement=found, look_at=look_at).returning(AccountWrite.id)
    if session.execute(kept).scalar_one_or_none() is None:
        return None
    return KeptReadBack(open=look_at is not None)


def unseen(session: Session, turn_id: int, step: int, *, at: datetime) -> bool:
    """Have the account of a write whose result will never be seen read back; return False if none was allowed."""
    begun = AccountWrite.turn_id == turn_id, AccountWrite.step == step, AccountWrite.state == WriteState.BEGUN
    seen = {"agreement": DirectoryAgreement.UNKNOWN, "look_at": at}
    asked = update(AccountWrite).where(*begun).values(**seen).returning(AccountWrite.id)
    return session.execute(asked).scalar_one_or_none() is not None
