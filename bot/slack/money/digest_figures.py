"""The figures of a week or a month, beside those of the one before. Pure.

Invariant: an unknown figure is left out (`-` in a table, null in JSON), never guessed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from bot.budget.reports.periods import Period
from bot.cost_dimensions import BudgetScope
from bot.slack import mrkdwn
from bot.slack.money import cost_words
from bot.slack.reports import success_report
from bot.store.figures.success import Success
from bot.store.handoffs.handoff_metrics import Figures
from bot.store.money.digests import Decisions, Key
from bot.store.money.spending import CostLine, Summary
from bot.store.tickets.feedback import Thumbs

HANDED = "Handed to people"


@dataclass(frozen=True, slots=True)
class Side:
    """The figures of one period."""

    spent: Summary
    handoffs: Figures
    charged: int
    "The number of calls without a known end, charged at their worst case."
    success: Success = field(default_factory=Success)
    "The success criterion over the requests of the period."


@dataclass(frozen=True, slots=True)
class CapUse:
    """How near one budget came to its cap in one of its windows."""

    scope: BudgetScope
    holder: str
    window: str
    "`2026-11-22`, `2026-W47`, `2026-11`"
    spent_nusd: int
    limit_nusd: int
    "The limit in force, with raises."


@dataclass(frozen=True, slots=True)
class Digest:
    """The content of a digest."""

    period: Period
    zone: str
    over: bool
    now: Side
    before: Side | None
    "The figures of the period before; None when no model was called in it."
    points: tuple[tuple[str, int], ...]
    "Each day or week, with the nano-USD that people's requests cost."
    users: tuple[CostLine, ...]
    "All people, without evaluations."
    tools: tuple[CostLine, ...]
    "All tools, without evaluations."
    caps: tuple[CapUse, ...]
    "The budgets nearest to their caps, each channel, user, team and agent once."
    decisions: Decisions
    alerts: tuple[Key, ...]
    thumbs: Thumbs = field(default_factory=Thumbs)
    links: Mapping[int, str] = field(default_factory=dict)
    "Addresses of the answers that did not help, by ticket id."


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table, as numbers and in words."""

    name: str
    now: float | None
    before: float | None
    is_share: bool
    said_now: str | None
    said_before: str | None

    @property
    def change(self) -> str:
        """Return the change in per cent, or in points for a share."""
        if self.now is None or self.before is None:
            return "-"
        if self.is_share:
            return f"{int(100 * self.now) - int(100 * self.before):+} points"
        if not self.before:
            return "-"
        return f"{round(100 * (self.now - self.before) / self.before):+} %"


def as_json(digest: Digest) -> dict[str, Any]:
    """Return a digest as JSON values: nano-USD, shares from 0 to 1, null for unknown."""
    return {
        "period": digest.period.name,
        "since": digest.period.since.isoformat(),
        "until": digest.period.until.isoformat(),
        "over": digest.over,
        "now": _plain(digest.now),
        "before": None if digest.before is None else _plain(digest.before),
        "by_time": [{"name": name, "cost_nusd": nusd} for name, nusd in digest.points],
        "users": [asdict(one) for one in digest.users],
        "tools": [asdict(one) for one in digest.tools],
        "caps": [asdict(one) for one in digest.caps],
        "budgets": asdict(digest.decisions),
        "helpful": {"helpful": digest.thumbs.helpful, "judged": digest.thumbs.judged},
        "alerts": [dict(zip(("agent", "per", "name", "day"), key, strict=True)) for key in digest.alerts],
    }


def figures(digest: Digest) -> Iterator[Figure]:
    """Yield the rows of a digest's table, unknown figures included."""
    now, before = digest.now, digest.before

    def figure(name: str, of: Callable[[Side], float | None], *, share: bool = False) -> Figure:
        words = [None if side is None else _in_words(side).get(name) for side in (now, before)]
        return Figure(name, of(now), None if before is None else of(before), share, *words)

    yield figure(success_report.NAME, lambda side: side.success.share, share=True)
    yield figure(cost_words.SPENT, lambda side: side.spent.cost_nusd)
    yield figure(cost_words.CALLS, lambda side: side.spent.calls)
    yield figure(cost_words.TICKETS, lambda side: side.spent.tickets)
    for mean in (cost_words.PER_TICKET, cost_words.PER_RESOLVED, cost_words.PER_HANDOFF):
        yield figure(mean, partial(_mean, mean, unpriced=bool(now.spent.people.unpriced)))
    yield figure(cost_words.PEOPLE, lambda side: side.spent.people.seconds or None)
    yield figure(HANDED, lambda side: side.handoffs.rate, share=True)
    yield figure(cost_words.TOKENS, lambda side: side.spent.tokens_per_interaction)
    yield figure(cost_words.CACHE, lambda side: side.spent.cache_hit_share, share=True)


def _mean(name: str, side: Side, *, unpriced: bool) -> int | None:
    """Return a mean cost, or None if it holds the time of people and the one that it stands beside does not."""
    if bool(side.spent.people.unpriced) is not unpriced:
        return None
    return cost_words.shown(side.spent)[name].per_ticket


def header(digest: Digest) -> tuple[str, str, str, str]:
    """Return the headings of the table's columns."""
    kind = digest.period.kind
    return "Figure", f"This {kind}", f"{kind.capitalize()} before", "Change"


def rows(digest: Digest) -> Iterator[tuple[str, str, str, str]]:
    """Yield the rows in words: a figure's name, its values now and before, and the change."""
    for one in figures(digest):
        if one.now is not None:
            yield one.name, one.said_now or "-", one.said_before or "-", one.change


def _plain(side: Side) -> dict[str, Any]:
    return {
        "success": success_report.as_json(side.success),
        "cost_nusd": side.spent.cost_nusd,
        "tickets_nusd": side.spent.tickets_nusd,
        "evaluations_nusd": side.spent.evaluations_nusd,
        "calls": side.spent.calls,
        "tickets": side.spent.tickets,
        "per_ticket_nusd": side.spent.per_ticket,
        "per_resolved_nusd": side.spent.per_resolved,
        "per_handoff_nusd": side.spent.per_handoff,
        "with_people": cost_words.as_json(side.spent),
        "handoffs": side.handoffs.handoffs,
        "outcomes": side.handoffs.outcomes,
        "handoff_share": side.handoffs.rate,
        "tokens_per_turn": side.spent.tokens_per_interaction,
        "cache_hit_share": side.spent.cache_hit_share,
        "charged": side.charged,
        "charged_nusd": side.spent.charged_nusd,
    }


def _in_words(side: Side) -> dict[str, str | None]:
    """Return the figures of a period in words, each mean and share with the numbers that it is made of."""
    handoffs = side.handoffs
    rate = mrkdwn.percent(handoffs.handoffs, handoffs.outcomes) if handoffs.outcomes else None
    settled = side.success.settled
    return cost_words.figures(side.spent) | {
        success_report.NAME: f"{mrkdwn.percent(settled.solved, settled.all)} ({settled.solved:,} of {settled.all:,})"
        if settled.all
        else None,
        cost_words.SPENT: cost_words.total(side.spent),
        cost_words.CALLS: f"{side.spent.calls:,}",
        HANDED: None if rate is None else f"{rate} ({handoffs.handoffs:,} of {handoffs.outcomes:,})",
    }
