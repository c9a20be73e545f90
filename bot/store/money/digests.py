"""What a digest is made of beside the sums of `bot.store.money.spending`, and to whom one was sent.

A message is kept under what it is, so an owner is sent the digest of a period once, and told of one thing that
deviates once a day: `digest:2026-W47:U0OLIVIA`, `alert:access:user:U0MAYA:2026-11-22:U0OLIVIA`.
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
"Agent, what it is told apart by, its name, local date."


@dataclass(frozen=True, slots=True)
class Decisions:
    """What became of budgets in some time."""

    notices: int
    "Soft caps passed."
    opened: int
    "Hard caps met: reviews opened. Those below were decided in that time, whenever they were opened."
    raised: int
    denied: int
    ended: int
    "Nobody decided before the window was over."
    raised_nusd: int


def first_call(session: Session) -> datetime | None:
    """Return when the first model call was made."""
    return session.scalar(select(func.min(LedgerRow.at)))


def was_called(session: Session, since: datetime, until: datetime) -> bool:
    """Say if a model was called in `[since, until)`."""
    within = (LedgerRow.at >= since, LedgerRow.at < until)
    return session.scalar(select(LedgerRow.rid).where(*within).limit(1)) is not None


def charged(session: Session, since: datetime, until: datetime) -> int:
    """Return how many calls of `[since, until)` were charged at their worst case."""
    within = (LedgerRow.at >= since, LedgerRow.at < until, LedgerRow.state == LedgerState.CHARGED)
    return session.scalar(select(func.count()).select_from(LedgerRow).where(*within)) or 0


def decisions(session: Session, since: datetime, until: datetime) -> Decisions:
    """Return what became of budgets in `[since, until)`."""
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
    """Return what owners were alerted of in `[since, until)`, in order, each once, however many were told."""
    rows = session.scalars(
        select(Message.key)
        .where(Message.kind == MessageKind.ALERT, Message.created_at >= since, Message.created_at < until)
        .order_by(Message.id)
    )
    return tuple(dict.fromkeys(_read(key) for key in rows))


def alert_key(of: Key, owner: str) -> str:
    """Return what an alert is kept under."""
    return ":".join(("alert", *of, owner))


def digest_key(period: str, owner: str) -> str:
    """Return what a digest is kept under."""
    return f"digest:{period}:{owner}"


def say(session: Session, kind: MessageKind, key: str, owner: str, body: dict[str, Any]) -> bool:
    """Store something for an owner's direct messages; say if it had not been said."""
    return messages.add(session, key=key, kind=kind, lane=f"{kind}:{owner}", channel=owner, body=body) is not None


def known(session: Session, keys: Iterable[str]) -> frozenset[str]:
    """Return those that there is a message of."""
    return frozenset(session.scalars(select(Message.key).where(Message.key.in_(list(keys)))))


def here(session: Session, people: Iterable[str]) -> tuple[str, ...]:
    """Return those who have not left, each once, in order."""
    return tuple(one for one in dict.fromkeys(people) if not members.has_left(session, one))


def _read(key: str) -> Key:
    _, agent, per, *name, day, _owner = key.split(":")
    return agent, per, ":".join(name), day


def _count(term: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((term, 1), else_=0)), 0)
