"""Everything that the dashboard shows of a cohort, put together by one function.

Times are UTC, days are UTC days, durations are milliseconds or seconds as the field says, money is nano-US-dollars. A
figure that has nothing to be worked out from is None, never 0. Reads only; the caller may have made the transaction
read at one moment (`bot.store.money.spending.at_one_moment`), so that the figures agree with each other.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.store.figures import day_counts, quantiles
from bot.store.figures.dashboard import (
    DashboardCohort,
    DashboardFigures,
    DayVolume,
    HandoffTimes,
    OutputCount,
    ServedRelease,
    ToolCalls,
    Volume,
    last_days,
)
from bot.store.figures.day_counts import Counted, Counts, Span
from bot.store.handoffs import handoff_metrics
from bot.store.handoffs.handoff_metrics import Figures, Spread
from bot.store.schema import Feedback, Release, StepStatus, Ticket, Turn, TurnOutcome, now
from bot.store.sql_dialects import UtcDate

__all__ = ["DashboardCohort", "DashboardFigures", "last_days", "read"]


def read(session: Session, cohort: DashboardCohort) -> DashboardFigures:
    """Return everything that the dashboard shows of a cohort."""
    found = day_counts.counted(session, [Span(cohort.since, cohort.until)], cohort.agent)
    by_day: dict[str, Counts] = {day.isoformat(): {} for day in cohort.days}
    by_agent: dict[str, Counts] = {}
    for (day, agent), counts in found.items():
        if cohort.named is not None and agent not in cohort.named:
            continue
        _add(by_day[day], counts)
        _add(by_agent.setdefault(agent, {}), counts)
    everything: Counts = {}
    for counts in by_agent.values():
        _add(everything, counts)
    thumbs = _thumbs(session, cohort)
    days = tuple(DayVolume(day, _volume(by_day[str(day)], thumbs.get(str(day), {}))) for day in cohort.days)
    all_handoffs, by_reason = _handoffs(session, cohort)
    return DashboardFigures(
        cohort,
        days,
        _volume(everything, sum(map(Counter, thumbs.values()), Counter())),
        _tools(everything),
        _outputs(by_agent),
        all_handoffs,
        by_reason,
        _releases(session, cohort),
    )


def _add(to: Counts, counts: Counts) -> None:
    for what, keys in counts.items():
        to.setdefault(what, Counter()).update(keys)


def _volume(counts: Counts, thumbs: Mapping[str, int]) -> Volume:
    outcomes, spending = (counts.get(what, Counter[str]()) for what in (Counted.OUTCOME, Counted.SPENDING))
    latencies = {int(key): count for key, count in counts.get(Counted.LATENCY, {}).items()}
    return Volume(
        requests=sum(outcomes.values()),
        replies=outcomes[TurnOutcome.REPLY],
        handoffs=outcomes[TurnOutcome.HANDOFF],
        refused=outcomes[TurnOutcome.REFUSED],
        withdrawn=outcomes[TurnOutcome.WITHDRAWN],
        linked=outcomes[TurnOutcome.LINKED],
        tickets_opened=counts.get(Counted.TICKET, Counter[str]())[""],
        latency_p50_ms=quantiles.nearest_rank(latencies, 50),
        latency_p95_ms=quantiles.nearest_rank(latencies, 95),
        **spending,
        **thumbs,
    )


def _tools(counts: Counts) -> tuple[ToolCalls, ...]:
    by_tool: dict[str, dict[str, int]] = {}
    for key, calls in counts.get(Counted.TOOL, {}).items():
        status, _, tool = key.partition(" ")
        by_tool.setdefault(tool, {})[StepStatus(status)] = calls
    found = (ToolCalls(tool, **statuses) for tool, statuses in by_tool.items())
    return tuple(sorted(found, key=lambda one: (-one.calls, one.tool)))


def _outputs(by_agent: Mapping[str, Counts]) -> tuple[OutputCount, ...]:
    found = []
    for agent, counts in by_agent.items():
        for key, turns in counts.get(Counted.OUTPUT, {}).items():
            outcome, _, category = key.partition(" ")
            found.append(OutputCount(agent, TurnOutcome(outcome), category or None, turns))
    return tuple(sorted(found, key=lambda one: (-one.turns, one.agent, one.outcome, one.category or "")))


def _thumbs(session: Session, cohort: DashboardCohort) -> dict[str, dict[str, int]]:
    """Return the thumbs by day, by the names of the fields that they are shown in."""
    day, good = UtcDate(Feedback.at), func.sum(case((Feedback.good, 1), else_=0))
    query = select(day, good, func.count()).where(Feedback.at >= cohort.since, Feedback.at < cohort.until)
    if cohort.named is not None:
        query = query.join(Turn, Turn.id == Feedback.turn_id).join(Ticket, Ticket.id == Turn.ticket_id)
        query = query.where(Ticket.agent.in_(cohort.named))
    rows = session.execute(query.group_by(day))
    return {on: {"thumbs_up": int(up), "thumbs_down": every - int(up)} for on, up, every in rows}


def _handoffs(session: Session, cohort: DashboardCohort) -> tuple[HandoffTimes, tuple[HandoffTimes, ...]]:
    opened = handoff_metrics.Cohort(cohort.since, cohort.until, now(), cohort.agent, among=cohort.among)
    every, by_reason = handoff_metrics.totals(session, opened), handoff_metrics.by_reason(session, opened)
    return _times(every), tuple(map(_times, by_reason))


def _times(figures: Figures) -> HandoffTimes:
    times = (figures.to_claim, figures.to_first_response, figures.to_resolve)
    return HandoffTimes(figures.reason, figures.handoffs, *map(_rounded, times))


def _rounded(spread: Spread) -> Spread:
    def seconds(exact: float | None) -> float | None:
        return None if exact is None else quantiles.rounded(round(exact * 1000)) / 1000

    return Spread(spread.count, seconds(spread.median), seconds(spread.p90))


def _releases(session: Session, cohort: DashboardCohort) -> tuple[ServedRelease, ...]:
    query = select(Release.agent, Release.fingerprint, Release.verdict, Release.verdict_at)
    if cohort.named is not None:
        query = query.where(Release.agent.in_(cohort.named))
    at = now()
    rows = session.execute(query.order_by(Release.agent, Release.created_at, Release.fingerprint))
    found = []
    for agent, of_agent in groupby(rows, key=lambda row: str(row.agent)):
        every = list(of_agent)
        served = next((row for row in every if row.fingerprint == cohort.serving.get(agent)), every[-1])
        age = None if served.verdict_at is None else (at - served.verdict_at).total_seconds()
        found.append(ServedRelease(agent, served.fingerprint, served.verdict, served.verdict_at, age))
    return tuple(found)
