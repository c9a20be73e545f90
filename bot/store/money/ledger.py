"""The money of model calls: one row an HTTP attempt, written before it leaves, resolved once.

Invariant: a row leaves `sent` exactly once, to `settled` at its true cost or to `charged` at the
worst case, by a conditional UPDATE that answers with the row; nothing is edited after that. What an
account of a budget has spent is always the sum of its rows. All amounts are nano-US-dollars. The
sums that reports show are in `bot.store.money.spending`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.store.schema import LedgerRow, LedgerState, Purpose

HOLDERS: Mapping[str, InstrumentedAttribute[str]] = {
    "channel": LedgerRow.channel,
    "user": LedgerRow.user,
    "team": LedgerRow.team,
    "agent": LedgerRow.agent,
}


@dataclass(frozen=True, slots=True)
class CallTokens:
    """What a call used, as it is written down."""

    fresh: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Used:
    """What became of a call, as it is written down with its cost."""

    tokens: CallTokens = CallTokens()
    tool: str | None = None
    "The first tool that the answer calls."
    usage: dict[str, Any] | None = None
    "All that the response said was used; None: nothing was."


class OpenCall(NamedTuple):
    """A call whose outcome is open."""

    rid: str
    held_nusd: int
    "What is set aside for it."
    person: str = ""
    "Whose it is; empty for an evaluation's, which is no person's."


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What the ledger knows of one account in one window."""

    spent_nusd: int
    under_way: tuple[OpenCall, ...]
    raised_nusd: int = 0
    "What its owner has added to its limit in this window."


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a row has become."""

    rid: str
    state: str
    cost_nusd: int
    accounts: tuple[str, ...]


def record(session: Session, row: LedgerRow) -> None:
    """Write down a call that is about to leave, in state `sent`."""
    session.add(row)


def withdraw(session: Session, rid: str) -> None:
    """Delete the row of a call that was not allowed to leave after all."""
    session.execute(delete(LedgerRow).where(LedgerRow.rid == rid, LedgerRow.state == LedgerState.SENT))


def settle(session: Session, rid: str, *, cost_nusd: int, used: Used, at: datetime) -> bool:
    """Resolve a call at its true cost; say if this was the call that did it."""
    return _resolve(session, rid, LedgerState.SETTLED, cost_nusd=cost_nusd, used=used, at=at)


def charge(session: Session, rid: str, *, used: Used, at: datetime) -> bool:
    """Resolve a call whose true cost cannot be known at its worst case; say if this did it."""
    return _resolve(session, rid, LedgerState.CHARGED, cost_nusd=None, used=used, at=at)


def overdue(session: Session, now: datetime) -> list[str]:
    """Return the calls whose lease has ended with their outcome open."""
    return list(
        session.scalars(select(LedgerRow.rid).where(LedgerRow.state == LedgerState.SENT, LedgerRow.lease_until < now))
    )


def charge_overdue(session: Session, now: datetime) -> tuple[Resolved, ...]:
    """Charge every call whose lease has ended at its worst case, and return those charged."""
    rows = session.execute(
        update(LedgerRow)
        .where(LedgerRow.state == LedgerState.SENT, LedgerRow.lease_until < now)
        .values(state=LedgerState.CHARGED, cost_nusd=LedgerRow.reserved_nusd, settled_at=now)
        .returning(LedgerRow.rid, LedgerRow.state, LedgerRow.cost_nusd, LedgerRow.accounts)
        .execution_options(synchronize_session=False)
    )
    return tuple(Resolved(rid, state, cost, tuple(accounts)) for rid, state, cost, accounts in rows)


def resolved(session: Session, rids: Collection[str]) -> dict[str, Resolved]:
    """Return the rows among these ids as they are now; an id without a row is left out."""
    rows = session.execute(
        select(LedgerRow.rid, LedgerRow.state, LedgerRow.cost_nusd, LedgerRow.accounts).where(LedgerRow.rid.in_(rids))
    )
    return {rid: Resolved(rid, state, cost, tuple(accounts)) for rid, state, cost, accounts in rows}


def spenders(session: Session, since: datetime) -> tuple[dict[str, str], ...]:
    """Return to whom calls were attributed that were made since a moment, each by scope and holder, once."""
    rows = session.execute(select(*HOLDERS.values()).where(LedgerRow.at >= since).distinct())
    return tuple(dict(zip(HOLDERS, row, strict=True)) for row in rows)


def last_agent(session: Session, scope: str, holder: str, since: datetime, until: datetime) -> str | None:
    """Return the agent that was the last to spend from an account in `[since, until)`, or None: nobody has."""
    mine = and_(HOLDERS[scope] == holder, LedgerRow.at >= since, LedgerRow.at < until)
    return session.scalar(select(LedgerRow.agent).where(mine).order_by(LedgerRow.at.desc()).limit(1))


def budget_state(session: Session, scope: str, holder: str, since: datetime, until: datetime) -> BudgetState:
    """Return what an account has spent and what its open calls hold, of calls made in `[since, until)`.

    One statement, so one snapshot: a call that is settled meanwhile is seen on one side or on the
    other, never on none. What the account is raised by is in `bot.store.money.reviews`.
    """
    mine = and_(HOLDERS[scope] == holder, LedgerRow.at >= since, LedgerRow.at < until)
    nobody = cast(null(), Text)
    spent = select(nobody.label("rid"), func.coalesce(func.sum(LedgerRow.cost_nusd), literal(0)), nobody).where(
        mine, or_(LedgerRow.state == LedgerState.SETTLED, LedgerRow.state == LedgerState.CHARGED)
    )
    person = case((LedgerRow.purpose == Purpose.TURN, LedgerRow.user), else_="")
    held = select(LedgerRow.rid, LedgerRow.reserved_nusd, person).where(mine, LedgerRow.state == LedgerState.SENT)
    rows = [(rid, int(amount), whose) for rid, amount, whose in session.execute(spent.union_all(held))]
    return BudgetState(
        sum(amount for rid, amount, _ in rows if rid is None),
        tuple(OpenCall(*row) for row in rows if row[0] is not None),
    )


def backdate(session: Session, ticket_id: int, span: timedelta) -> None:
    """Let time pass for the calls of a ticket, as a demonstration needs it: they were made so much earlier."""
    for row in session.scalars(select(LedgerRow).where(LedgerRow.ticket_id == ticket_id)):
        row.at -= span


def _resolve(
    session: Session,
    rid: str,
    state: str,
    *,
    cost_nusd: int | None,
    used: Used,
    at: datetime,
) -> bool:
    cost: ColumnElement[int] | InstrumentedAttribute[int] = (
        LedgerRow.reserved_nusd if cost_nusd is None else literal(cost_nusd)
    )
    # RETURNING decides who was first: psycopg may report a row count of -1.
    won = session.execute(
        update(LedgerRow)
        .where(LedgerRow.rid == rid, LedgerRow.state == LedgerState.SENT)
        .values(
            state=state,
            cost_nusd=cost,
            tool=used.tool,
            usage=used.usage,
            settled_at=at,
            input_tokens=used.tokens.fresh,
            cache_read_tokens=used.tokens.cache_read,
            cache_write_5m_tokens=used.tokens.cache_write_5m,
            cache_write_1h_tokens=used.tokens.cache_write_1h,
            output_tokens=used.tokens.output,
        )
        .returning(LedgerRow.rid)
        .execution_options(synchronize_session=False)
    )
    return won.scalar_one_or_none() is not None
