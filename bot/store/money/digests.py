"""What digests show beside the sums of `bot.store.money.spending`, and who has been sent one.

The key of a message says what it is, so an owner is sent the digest of a period once and is alerted of one anomaly
once a day: `digest:2026-W47:U0OLIVIA`, `alert:access:user:U0MAYA:2026-11-22:U0OLIVIA`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from bot.store import members
from bot.store.outbox import messages
from bot.store.schema import BudgetNotice, BudgetReview, LedgerRow, LedgerState, Message, MessageKind, ReviewState

Key = tuple[str, str, str, str]
"Agent, kind of subject (ticket, user, tool, agent), its name, local date."


@dataclass(frozen=True, slots=True)
class Decisions:
    """The number of soft caps passed, and of reviews opened and decided, in a period."""

    notices: int
    "Soft caps passed."
    opened: int
    "Reviews that were opened. The next four count reviews decided in the period, whenever they were opened."
    raised: int
    denied: int
    ended: int
    "Reviews that nobody decided before their window was over."
    raised_nusd: int


def first_call(session: Session) -> datetime | None:
    """Return when the first model call was made, or None."""
    return session.scalar(select(func.min(LedgerRow.at)))


def was_called(session: Session, since: datetime, until: datetime) -> bool:
    """Return whether a model was called in `[since, until)`."""
    within = (LedgerRow.at >= since, LedgerRow.at < until)
    return session.scalar(select(LedgerRow.rid).where(*within).limit(1)) is not None


def charged(session: Session, since: datetime, until: datetime) -> int:
    """Return the number of calls in `[since, until)` that were charged at their worst case."""
    within = (LedgerRow.at >= since, LedgerRow.at < until, LedgerRow.state == LedgerState.CHARGED)
    return session.scalar(select(func.count()).select_from(LedgerRow).where(*within)) or 0


def decisions(session: Session, since: datetime, until: datetime) -> Decisions:
    """Count what happened to budgets in `[since, until)`."""
    passed = (BudgetNotice.at >= since, BudgetNotice.at < until)
    opened = (BudgetReview.opened_at >= since, BudgetReview.opened_at < until)
    decided = (BudgetReview.decided_at >= since, BudgetReview.decided_at < until)
    states = session.execute(
        select(
            *(
                _count(BudgetReview.state == state)
                for state in (ReviewState.RAISED, ReviewState.DENIED, ReviewState.ENDED)
            ),
            func.coalesce(func.sum(BudgetReview.raised_nusd), 0),
        ).where(*decided)
    ).one()
    return Decisions(
        session.scalar(select(func.count(BudgetNotice.id)).where(*passed)) or 0,
        session.scalar(select(func.count(BudgetReview.id)).where(*opened)) or 0,
        *(int(figure) for figure in states),
    )


def alerts(session: Session, since: datetime, until: datetime) -> tuple[Key, ...]:
    """Return the alerts of `[since, until)` in order, each once even if several owners were told."""
    rows = session.scalars(
        select(Message.key)
        .where(Message.kind == MessageKind.ALERT, Message.created_at >= since, Message.created_at < until)
        .order_by(Message.id)
    )
    return tuple(dict.fromkeys(_read(key) for key in rows))


def alert_key(of: Key, owner: str) -> str:
    """Return the message key of an alert."""
    return ":".join(("alert", *of, owner))


def digest_key(period: str, owner: str) -> str:
    """Return the message key of a digest."""
    return f"digest:{period}:{owner}"


def say(session: Session, kind: MessageKind, key: str, owner: str, body: dict[str, Any]) -> bool:
    """Store a direct message to an owner; return False if there is one with this key."""
    return messages.add(session, key=key, kind=kind, lane=f"{kind}:{owner}", channel=owner, body=body) is not None


def known(session: Session, keys: Iterable[str]) -> frozenset[str]:
    """Return which of these keys have a message."""
    return frozenset(session.scalars(select(Message.key).where(Message.key.in_(list(keys)))))


def still_members(session: Session, people: Iterable[str]) -> tuple[str, ...]:
    """Return the people who have not left the workspace, each once, in order."""
    return tuple(one for one in dict.fromkeys(people) if not members.has_left(session, one))


def _read(key: str) -> Key:
    _, agent, per, *name, day, _owner = key.split(":")
    return agent, per, ":".join(name), day


def _count(term: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((term, 1), else_=0)), 0)
