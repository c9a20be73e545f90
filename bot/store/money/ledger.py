"""The cost of model calls: one row for each HTTP attempt, written before the request leaves, resolved once.

Invariant: a row leaves `sent` exactly once, for `settled` at its true cost or for `charged` at the worst case, by a
conditional UPDATE that returns the row; after that it never changes. What was spent under a budget key is always the
sum of its rows. All amounts are nano-US-dollars. The sums that reports show are in `bot.store.money.spending`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    inspect,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.store import db
from bot.store.schema import LedgerRow, LedgerState, Purpose
from bot.store.sql import prebuilt
from bot.telemetry import metrics

HOLDERS: Mapping[str, InstrumentedAttribute[str]] = {
    "channel": LedgerRow.channel,
    "user": LedgerRow.user,
    "team": LedgerRow.team,
    "agent": LedgerRow.agent,
}
_OVERDUE = select(LedgerRow.rid).where(
    LedgerRow.state == LedgerState.SENT, LedgerRow.lease_until < bindparam("at_latest")
)
_RECORD = insert(LedgerRow)
_COLUMNS = frozenset(inspect(LedgerRow).column_attrs.keys())
_RESOLVE = (
    update(LedgerRow)
    .where(LedgerRow.rid == bindparam("call"), LedgerRow.state == LedgerState.SENT)
    .values(cost_nusd=func.coalesce(bindparam("cost", type_=BigInteger()), LedgerRow.reserved_nusd))
    # RETURNING tells whether the row was changed: psycopg may report a row count of -1.
    .returning(LedgerRow.cost_nusd)
)


def _budget_state(holder: InstrumentedAttribute[str]) -> CompoundSelect[str, int, str]:
    """Return the statement of `budget_state` for the budgets of one kind of holder."""
    within = and_(LedgerRow.at >= bindparam("since"), LedgerRow.at < bindparam("until"))
    mine, nobody = and_(holder == bindparam("holder"), within), cast(null(), Text)
    spent = select(nobody.label("rid"), func.coalesce(func.sum(LedgerRow.cost_nusd), literal(0)), nobody).where(
        mine, or_(LedgerRow.state == LedgerState.SETTLED, LedgerRow.state == LedgerState.CHARGED)
    )
    person = case((LedgerRow.purpose == Purpose.TURN, LedgerRow.user), else_="")
    held = select(LedgerRow.rid, LedgerRow.reserved_nusd, person).where(mine, LedgerRow.state == LedgerState.SENT)
    return spent.union_all(held)


_BUDGET_STATE = {scope: _budget_state(holder) for scope, holder in HOLDERS.items()}


@dataclass(frozen=True, slots=True)
class CallTokens:
    """The tokens that a call used."""

    fresh: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class Used:
    """What a call used, stored with its cost."""

    tokens: CallTokens = CallTokens()
    tool: str | None = None
    "The first tool that the answer calls; None: no tool."
    usage: dict[str, Any] | None = None
    "The usage that the response reported; None: nothing was used."


class OpenCall(NamedTuple):
    """A call whose outcome is not known yet."""

    rid: str
    held_nusd: int
    "Its reservation."
    person: str = ""
    "Slack user id of the requester; empty for the call of an evaluation."


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What the ledger holds for one budget key."""

    spent_nusd: int
    under_way: tuple[OpenCall, ...]
    raised_nusd: int = 0
    "What the owner has added to the limit in this window."


@dataclass(frozen=True, slots=True)
class Resolved:
    """A row as it is now."""

    rid: str
    state: str
    cost_nusd: int
    accounts: tuple[str, ...]


def record(session: Session, row: LedgerRow) -> None:
    """Write down a call that is about to leave, in state `sent`; the session does not hold its row."""
    prebuilt.run(session, _RECORD, **{name: value for name, value in vars(row).items() if name in _COLUMNS})


def find(session: Session, rid: str) -> LedgerRow | None:
    """Return the row of a model call, or None."""
    return session.get(LedgerRow, rid)


def withdraw(session: Session, rid: str) -> None:
    """Delete the row of a call that was not allowed to leave after all."""
    session.execute(delete(LedgerRow).where(LedgerRow.rid == rid, LedgerRow.state == LedgerState.SENT))


def settle(session: Session, rid: str, *, cost_nusd: int, used: Used, at: datetime) -> bool:
    """Resolve a call at its true cost; return False if it was resolved before."""
    return _resolve(session, rid, LedgerState.SETTLED, cost_nusd=cost_nusd, used=used, at=at)


def charge(session: Session, rid: str, *, used: Used, at: datetime) -> bool:
    """Resolve a call at its worst case, as its true cost is unknown; return False if it was resolved before."""
    return _resolve(session, rid, LedgerState.CHARGED, cost_nusd=None, used=used, at=at)


def overdue(session: Session, now: datetime) -> list[str]:
    """Return the ids of unresolved calls whose lease has expired."""
    return list(prebuilt.rows(session, _OVERDUE, at_latest=now).scalars())


def charge_overdue(session: Session, now: datetime) -> tuple[Resolved, ...]:
    """Charge every call whose lease has expired at its worst case, and return these calls."""
    rows = session.execute(
        update(LedgerRow)
        .where(LedgerRow.state == LedgerState.SENT, LedgerRow.lease_until < now)
        .values(state=LedgerState.CHARGED, cost_nusd=LedgerRow.reserved_nusd, settled_at=now)
        .returning(LedgerRow.rid, LedgerRow.state, LedgerRow.cost_nusd, LedgerRow.accounts)
        .execution_options(synchronize_session=False)
    )
    charged = tuple(Resolved(rid, state, cost, tuple(accounts)) for rid, state, cost, accounts in rows)
    db.after_commit(session, partial(metrics.charged, sum(row.cost_nusd for row in charged)))
    return charged


def resolved(session: Session, rids: Collection[str]) -> dict[str, Resolved]:
    """Return the rows of these ids as they are now; ids without a row are left out."""
    rows = session.execute(
        select(LedgerRow.rid, LedgerRow.state, LedgerRow.cost_nusd, LedgerRow.accounts).where(LedgerRow.rid.in_(rids))
    )
    return {rid: Resolved(rid, state, cost, tuple(accounts)) for rid, state, cost, accounts in rows}


def spenders(session: Session, since: datetime) -> tuple[dict[str, str], ...]:
    """Return the holders of calls made since a time: each combination of scopes and holders once."""
    rows = session.execute(select(*HOLDERS.values()).where(LedgerRow.at >= since).distinct())
    return tuple(dict(zip(HOLDERS, row, strict=True)) for row in rows)


def last_agent(session: Session, scope: str, holder: str, since: datetime, until: datetime) -> str | None:
    """Return the agent that last spent under a budget in `[since, until)`, or None."""
    mine = and_(HOLDERS[scope] == holder, LedgerRow.at >= since, LedgerRow.at < until)
    return session.scalar(select(LedgerRow.agent).where(mine).order_by(LedgerRow.at.desc()).limit(1))


def budget_state(session: Session, scope: str, holder: str, since: datetime, until: datetime) -> BudgetState:
    """Return what calls made in `[since, until)` have spent under a budget, and what unresolved ones reserve.

    It is one statement and so one snapshot: a call that is settled meanwhile counts on one of the two sides, never on
    neither. Raises of the limit are in `bot.store.money.reviews`.
    """
    found = prebuilt.rows(session, _BUDGET_STATE[scope], holder=holder, since=since, until=until)
    rows = [(rid, int(amount), user) for rid, amount, user in found]
    return BudgetState(
        sum(amount for rid, amount, _ in rows if rid is None),
        tuple(OpenCall(*row) for row in rows if row[0] is not None),
    )


def backdate(session: Session, ticket_id: int, span: timedelta) -> None:
    """Move the calls of a ticket back in time, for a demo."""
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
    charged = prebuilt.rows(
        session,
        _RESOLVE,
        call=rid,
        cost=cost_nusd,
        state=state,
        tool=used.tool,
        usage=used.usage,
        settled_at=at,
        input_tokens=used.tokens.fresh,
        cache_read_tokens=used.tokens.cache_read,
        cache_write_5m_tokens=used.tokens.cache_write_5m,
        cache_write_1h_tokens=used.tokens.cache_write_1h,
        output_tokens=used.tokens.output,
    ).scalar_one_or_none()
    if charged is not None:
        db.after_commit(session, partial(_count, charged, used.tokens))
    return charged is not None


def _count(cost_nusd: int, tokens: CallTokens) -> None:
    written = tokens.cache_write_5m + tokens.cache_write_1h
    metrics.charged(cost_nusd)
    metrics.tokens_used(fresh=tokens.fresh, cache_read=tokens.cache_read, cache_written=written, output=tokens.output)
