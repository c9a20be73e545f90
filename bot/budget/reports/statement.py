"""A statement: what was spent in a window, against which caps, with a forecast and a comparison.

The figures behind `/agent-cost` and `deskhand cost`. All amounts are nano-US-dollars. Invariant: a figure that is
not known is None, never guessed, and nothing is summed that its reader may not see: every
query is filtered by what the reader may see.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.budget.caps import Budgets, Cap
from bot.budget.reports import forecast
from bot.budget.reports.forecast import UsualWindow
from bot.cost_dimensions import SCOPES, WINDOWS, BudgetScope, Dimension, Window
from bot.principals import EVALUATIONS
from bot.store.db import Session
from bot.store.money import people_time, reviews, spending
from bot.store.money.reviews import Decided
from bot.store.money.spending import BudgetHolder, CostLine, LedgerFilter, Summary
from bot.store.schema import Purpose

SPENDERS = 3
FULLEST = 5
OTHERS = "everybody else"
"The key of the line that sums up the people who are not shown one by one."


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what its reader may see."""

    window: Window
    by: Dimension
    at: datetime
    "A time in the window: now, or the end of a window that is over."
    seen: tuple[BudgetHolder, ...] | None
    "The calls of these holders count; None: everybody's."
    budgets: tuple[BudgetHolder, ...] = ()
    "Holders whose budgets are shown. If everybody's calls count, the fullest budgets are shown too."
    channel: str | None = None
    user: str | None = None
    agent: str | None = None
    "Only the calls of one channel, user or agent; None: of all."
    alone: str | None = None
    "The one person whose spending is shown apart from everybody else's; None: each person's is."


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The use of one budget in its own window."""

    cap: Cap
    window: Window
    spent_nusd: int
    raised_nusd: int
    "What the owner has added for this window."
    waiting: bool
    "The owner has not decided yet whether to raise it."
    denied: bool
    forecast_nusd: int | None
    "What will be spent when the window ends; None: too early to say, or the window is over."
    full_at: datetime | None
    "When the limit will be reached; None: it will not be."

    @property
    def limit_nusd(self) -> int:
        """Return the limit in force."""
        return self.cap.limit_nusd + self.raised_nusd

    @property
    def share(self) -> float:
        """Return the share of the limit that is used; 1 is all of it."""
        return self.spent_nusd / self.limit_nusd if self.limit_nusd else 1.0


@dataclass(frozen=True, slots=True)
class Statement:
    """Every figure of the answer."""

    question: Question
    since: datetime
    until: datetime
    summary: Summary
    lines: tuple[CostLine, ...]
    "One line for each value of the dimension, the largest amount first; the cost of evaluations comes last."
    spenders: tuple[tuple[str, int], ...]
    "The users that spent most, with the amounts."
    accounts: tuple[BudgetUse, ...]
    "The reader's budgets first, then the fullest ones."
    usual: UsualWindow | None
    "None: the ledger holds no earlier window of this kind as a whole."
    forecast_nusd: int | None
    zone: ZoneInfo
    "The time zone of the window."

    @property
    def over(self) -> bool:
        """Return whether the window has ended."""
        return self.question.at >= self.until

    @property
    def deviation(self) -> float | None:
        """Return how much more was spent than usual by this time: 0.35 is 35 % more; None: unknown."""
        if self.usual is None or not self.usual.so_far_nusd:
            return None
        return self.summary.cost_nusd / self.usual.so_far_nusd - 1


def draw_up(
    session: Session, budgets: Budgets, question: Question, *, now: datetime, rates: Mapping[str, int] | None = None
) -> Statement:
    """Answer a question.

    Args:
        session: a new transaction, in which nothing was read yet.
        budgets: the budgets in force.
        question: what is asked, and what its reader may see.
        now: the current time.
        rates: what an hour of people costs (nano-USD), by agent, where its card says it.
    """
    spending.at_one_moment(session)
    since, until = budgets.bounds(question.window, question.at)
    question = replace(question, at=min(now, until))
    where = LedgerFilter(since, until, question.channel, question.user, question.agent, any_of=question.seen)
    people, evaluations = replace(where, purpose=Purpose.TURN), _evaluations(session, where)
    lines = spending.spend_by(session, question.by, people)
    summary = spending.summary(session, where, (*lines, *evaluations))
    summary = people_time.added(session, summary, where, rates=rates or {}, at=question.at)
    usual = forecast.usual(session, budgets, question.window, where, question.at)
    spenders = _spenders(session, question, people, lines)
    if question.alone is not None and question.by == "user":
        lines = _of_one(lines, question.alone)
    end = forecast.whole(session, where, question.at, summary.cost_nusd)
    lines = (*lines, *evaluations)
    statement = Statement(question, since, until, summary, lines, spenders, (), usual, end, budgets.zone)
    return replace(statement, accounts=tuple(_accounts(session, budgets, statement)))


def _evaluations(session: Session, where: LedgerFilter) -> tuple[CostLine, ...]:
    """Return the one line of evaluations, which belong to no person, tool or outcome; empty: there were none."""
    return _summed(EVALUATIONS, spending.spend_by(session, "agent", replace(where, purpose=Purpose.EVAL)))


def _summed(key: str, lines: Iterable[CostLine]) -> tuple[CostLine, ...]:
    """Return one line with the sum of lines; empty if there are none."""
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
    """Return the line of one person and the sum of all others, so that no other person's spending is shown."""
    others = _summed(OTHERS, (line for line in lines if line.key != user))
    return (*(line for line in lines if line.key == user), *others)


def _accounts(session: Session, budgets: Budgets, statement: Statement) -> Iterator[BudgetUse]:
    """Yield the reader's budgets and then, for a reader who sees everything, the fullest others."""
    question = statement.question
    at = question.at if not statement.over else statement.until - timedelta(microseconds=1)
    decided = reviews.decided(session, at)
    mine = {cap.key: cap for cap in _caps(budgets, question.budgets, at)}
    others: dict[str, Cap] = {}
    if question.seen is None and question.channel is question.user is question.agent is None:
        of_top_spenders = _caps_of_top_spenders(session, budgets, at, spare=len(decided))
        others = {cap.key: cap for cap in of_top_spenders if cap.key not in mine}
    shown, rest = (
        [
            _account(session, budgets, statement, cap, decided, at)
            for cap in caps.values()
            # For a window that is over, only budgets of the same window are comparable.
            if not statement.over or (cap.window_start, cap.resets_at) == (statement.since, statement.until)
        ]
        for caps in (mine, others)
    )
    yield from shown
    yield from sorted(rest, key=lambda account: -account.share)[:FULLEST]


def _caps_of_top_spenders(session: Session, budgets: Budgets, at: datetime, *, spare: int) -> Iterator[Cap]:
    """Yield the caps of the holders that spent most in their windows, and of all named holders.

    Args:
        session: the open transaction.
        budgets: the budgets in force.
        at: a time in their windows.
        spare: number of further holders, as budgets that were raised are less full than their spending suggests.
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
    decision = decided.get((cap.scope, cap.holder, cap.window_start), Decided(0, waiting=False, denied=False))
    where = LedgerFilter(cap.window_start, cap.resets_at, any_of=((cap.scope, cap.holder),))
    spent, limit = spending.spent(session, where), cap.limit_nusd + decision.raised_nusd
    if where.any_of == statement.question.seen and (where.since, where.until) == (statement.since, statement.until):
        end = statement.forecast_nusd
    else:
        end = None if statement.over else forecast.as_now(session, where, at, spent)
    return BudgetUse(
        cap=cap,
        window=next(one for one in WINDOWS if budgets.bounds(one, at) == (cap.window_start, cap.resets_at)),
        spent_nusd=spent,
        raised_nusd=decision.raised_nusd,
        waiting=decision.waiting,
        denied=decision.denied and not decision.waiting,
        forecast_nusd=end,
        full_at=forecast.full_at(spent, limit, end, at, cap.resets_at),
    )
