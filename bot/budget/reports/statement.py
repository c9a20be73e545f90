"""A statement: what was spent in a window, against which caps, where that leads and how it compares.

The figures behind `/agent-cost` and `deskhand cost`. All amounts are nano-US-dollars. Invariant: a figure that is
not known is None, never guessed, and nothing is summed that its reader may not see: of everything that is read,
the filter says whose it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.budget.caps import Budgets, Cap
from bot.budget.reports import forecast
from bot.budget.reports.forecast import UsualWindow
from bot.dimensions import SCOPES, WINDOWS, BudgetScope, Dimension, Window
from bot.principals import EVALUATIONS
from bot.store.db import Session
from bot.store.money import spending
from bot.store.money.spending import BudgetHolder, CostLine, Decided, LedgerFilter, Summary
from bot.store.schema import Purpose

SPENDERS = 3
FULLEST = 5
OTHERS = "everybody else"
"The key of a line that sums up people who are not told apart."


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and as far as its reader may see."""

    window: Window
    by: Dimension
    at: datetime
    "A moment in the window that is asked about; now, or the last one of a window that is over."
    seen: tuple[BudgetHolder, ...] | None
    "Whose calls count: those of any of these; None: everybody's."
    budgets: tuple[BudgetHolder, ...] = ()
    "Whose budgets are shown where there is one. Where everybody's calls count, the fullest ones are shown as well."
    channel: str | None = None
    user: str | None = None
    agent: str | None = None
    "Of those, only the calls of one channel, user or agent."
    alone: str | None = None
    "The one person whose spending is told apart from everybody else's; None: each person's is."


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """How one budget stands in a window of its own."""

    cap: Cap
    window: Window
    spent_nusd: int
    raised_nusd: int
    "What its owner has added for this window."
    waiting: bool
    "Its owner is asked whether to raise it."
    denied: bool
    forecast_nusd: int | None
    "What it will have spent when the window ends; None: too early to say, or over."
    full_at: datetime | None
    "When its limit will be reached, if it will."

    @property
    def limit_nusd(self) -> int:
        """Return the limit in force."""
        return self.cap.limit_nusd + self.raised_nusd

    @property
    def share(self) -> float:
        """Return how much of the limit is used, 1 for all of it."""
        return self.spent_nusd / self.limit_nusd if self.limit_nusd else 1.0


@dataclass(frozen=True, slots=True)
class Statement:
    """Every figure of the answer."""

    question: Question
    since: datetime
    until: datetime
    summary: Summary
    lines: tuple[CostLine, ...]
    "Of people's requests by what was asked for, the dearest first; what evaluations cost is the last of them."
    spenders: tuple[tuple[str, int], ...]
    "The users that spent most, and how much."
    accounts: tuple[BudgetUse, ...]
    "Of the reader first, then the fullest."
    usual: UsualWindow | None
    "None: no such window before this one is in the ledger as a whole."
    forecast_nusd: int | None
    zone: ZoneInfo
    "In which the window begins and ends."

    @property
    def over(self) -> bool:
        """Say if the window has ended."""
        return self.question.at >= self.until

    @property
    def deviation(self) -> float | None:
        """Return how much more (or less) was spent than usual by this time: 0.35 for 35 % more; None when unknown."""
        if self.usual is None or not self.usual.so_far_nusd:
            return None
        return self.summary.cost_nusd / self.usual.so_far_nusd - 1


def draw_up(session: Session, budgets: Budgets, question: Question, *, now: datetime) -> Statement:
    """Sum up what is asked for.

    Args:
        session: a transaction of its own, in which nothing was read yet.
        budgets: as they are in force.
        question: what is asked, and as far as its reader may see.
        now: this moment.
    """
    spending.at_one_moment(session)
    since, until = budgets.bounds(question.window, question.at)
    question = replace(question, at=min(now, until))
    where = LedgerFilter(since, until, question.channel, question.user, question.agent, any_of=question.seen)
    people, evaluations = replace(where, purpose=Purpose.TURN), _evaluations(session, where)
    lines = spending.spend_by(session, question.by, people)
    summary = spending.summary(session, where, (*lines, *evaluations))
    usual = forecast.usual(session, budgets, question.window, where, question.at)
    spenders = _spenders(session, question, people, lines)
    if question.alone is not None and question.by == "user":
        lines = _of_one(lines, question.alone)
    end = forecast.whole(session, where, question.at, summary.cost_nusd)
    lines = (*lines, *evaluations)
    statement = Statement(question, since, until, summary, lines, spenders, (), usual, end, budgets.zone)
    return replace(statement, accounts=tuple(_accounts(session, budgets, statement)))


def _evaluations(session: Session, where: LedgerFilter) -> tuple[CostLine, ...]:
    """Return the one line of evaluations: they are of no person, tool or outcome that a report is about."""
    return _summed(EVALUATIONS, spending.spend_by(session, "agent", replace(where, purpose=Purpose.EVAL)))


def _summed(key: str, lines: Iterable[CostLine]) -> tuple[CostLine, ...]:
    """Return the sum of lines as one, none of none."""
    known = tuple(lines)
    amounts = [field.name for field in fields(CostLine) if field.name != "key"]
    return (CostLine(key, **{name: sum(getattr(one, name) for one in known) for name in amounts}),) if known else ()


def _spenders(
    session: Session, question: Question, where: LedgerFilter, lines: tuple[CostLine, ...]
) -> tuple[tuple[str, int], ...]:
    if question.alone is not None:
        return ()
    if question.by == "user":
        return tuple((str(line.key), line.cost_nusd) for line in lines[:SPENDERS])
    return spending.top_spenders(session, "user", where, most=SPENDERS)


def _of_one(lines: tuple[CostLine, ...], user: str) -> tuple[CostLine, ...]:
    """Return the line of one person and the sum of all others, so that no colleague can be told from another."""
    others = _summed(OTHERS, (line for line in lines if line.key != user))
    return (*(line for line in lines if line.key == user), *others)


def _accounts(session: Session, budgets: Budgets, statement: Statement) -> Iterator[BudgetUse]:
    """Yield the budgets of the reader, then, for who sees everything, the fullest others."""
    question = statement.question
    at = question.at if not statement.over else statement.until - timedelta(microseconds=1)
    decided = spending.decided(session, at)
    mine = {cap.key: cap for cap in _caps(budgets, question.budgets, at)}
    others: dict[str, Cap] = {}
    if question.seen is None and question.channel is question.user is question.agent is None:
        dearest = _dearest(session, budgets, at, spare=len(decided))
        others = {cap.key: cap for cap in dearest if cap.key not in mine}
    told, rest = (
        [
            _account(session, budgets, statement, cap, decided, at)
            for cap in caps.values()
            # Of a window that is over, a budget of another length would be of some day in it.
            if not statement.over or (cap.window_start, cap.resets_at) == (statement.since, statement.until)
        ]
        for caps in (mine, others)
    )
    yield from told
    yield from sorted(rest, key=lambda account: -account.share)[:FULLEST]


def _dearest(session: Session, budgets: Budgets, at: datetime, *, spare: int) -> Iterator[Cap]:
    """Yield the caps of those that spent most in their windows, and of all that have one by name.

    Args:
        session: the open transaction.
        budgets: as they are in force.
        at: a moment in their windows.
        spare: how many may be less full than others that spent less, since their limit was raised.
    """
    scopes: tuple[BudgetScope, ...] = SCOPES
    for scope, limits in zip(scopes, (budgets.channel, budgets.user, budgets.team, budgets.agent), strict=True):
        yield from _caps(budgets, ((scope, holder) for holder in limits.named), at)
        if limits.default is not None:
            since, until = budgets.bounds(limits.default.window, at)
            holders = spending.top_spenders(
                session, scope, LedgerFilter(since, until), most=FULLEST + spare + len(limits.named)
            )
            yield from _caps(budgets, ((scope, holder) for holder, _ in holders), at)


def _caps(budgets: Budgets, holders: Iterable[BudgetHolder], at: datetime) -> Iterator[Cap]:
    for scope, holder in holders:
        caps = budgets.accounts(team=holder, channel=holder, user=holder, agent=holder, at=at)
        yield from (cap for cap in caps if cap.scope == scope)


def _account(
    session: Session,
    budgets: Budgets,
    statement: Statement,
    cap: Cap,
    decided: dict[tuple[str, str, datetime], Decided],
    at: datetime,
) -> BudgetUse:
    said = decided.get((cap.scope, cap.holder, cap.window_start), Decided(0, waiting=False, denied=False))
    where = LedgerFilter(cap.window_start, cap.resets_at, any_of=((cap.scope, cap.holder),))
    spent, limit = spending.spent(session, where), cap.limit_nusd + said.raised_nusd
    if where.any_of == statement.question.seen and (where.since, where.until) == (statement.since, statement.until):
        end = statement.forecast_nusd
    else:
        end = None if statement.over else forecast.as_now(session, where, at, spent)
    return BudgetUse(
        cap=cap,
        window=next(one for one in WINDOWS if budgets.bounds(one, at) == (cap.window_start, cap.resets_at)),
        spent_nusd=spent,
        raised_nusd=said.raised_nusd,
        waiting=said.waiting,
        denied=said.denied and not said.waiting,
        forecast_nusd=end,
        full_at=forecast.full_at(spent, limit, end, at, cap.resets_at),
    )
