"""Everything that the dashboard shows of a cohort, put together by one function.

Times are UTC, days are UTC days, durations are milliseconds or seconds as the field says, money is nano-US-dollars. A
figure that has nothing to be worked out from is None, never 0. Reads only; the caller may have made the transaction
read at one moment (`bot.store.money.spending.at_one_moment`), so that the figures agree with each other.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from bot.store.figures import folding, quantiles
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
from bot.store.figures.handoff_counts import TIMES
from bot.store.handoffs.handoff_metrics import Spread
from bot.store.schema import Feedback, Release, StepStatus, Ticket, Turn, TurnOutcome, now
from bot.store.sql_dialects import UtcDate

__all__ = ["DashboardCohort", "DashboardFigures", "last_days", "read"]


def read(session: Session, cohort: DashboardCohort) -> DashboardFigures:
    """Return everything that the dashboard shows of a cohort."""
    _run_at_once(session)
    span = Span(cohort.since, cohort.until)
    found = folding.activity(session, span, cohort.named)
    handed: Counts = {}
    for counts in folding.handoffs(session, span, cohort.named, at=now()).values():
        _add(handed, counts)
    by_day: dict[str, Counts] = {day.isoformat(): {} for day in cohort.days}
    by_agent: dict[str, Counts] = {}
    for (day, agent), counts in found.items():
        _add(by_day[day], counts)
        _add(by_agent.setdefault(agent, {}), counts)
    everything: Counts = {}
    for counts in by_agent.values():
        _add(everything, counts)
    thumbs = _thumbs(session, cohort)
    days = tuple(DayVolume(day, _volume(by_day[str(day)], thumbs.get(str(day), {}))) for day in cohort.days)
    all_handoffs, *by_reason = _handoffs(handed)
    return DashboardFigures(
        cohort,
        days,
        _volume(everything, sum(map(Counter, thumbs.values()), Counter())),
        _tools(everything),
        _outputs(by_agent),
        all_handoffs,
        tuple(by_reason),
        _releases(session, cohort),
    )


def _run_at_once(session: Session) -> None:
    """Let PostgreSQL run these statements without compiling them first, which takes longer."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL jit = off"))


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
    # Looks up the agent of each thumb; a join might read every ticket of the agents.
    of_turn = select(Ticket.agent).join(Turn, Turn.ticket_id == Ticket.id).where(Turn.id == Feedback.turn_id)
    agent = of_turn.correlate(Feedback).scalar_subquery()
    each = select(UtcDate(Feedback.at).label("day"), Feedback.good, agent.label("agent"))
    thumbs = each.where(Feedback.at >= cohort.since, Feedback.at < cohort.until).subquery().c
    query = select(thumbs.day, func.sum(case((thumbs.good, 1), else_=0)), func.count())
    if cohort.named is not None:
        query = query.where(thumbs.agent.in_(cohort.named))
    rows = session.execute(query.group_by(thumbs.day))
    return {on: {"thumbs_up": int(up), "thumbs_down": every - int(up)} for on, up, every in rows}


def _handoffs(counts: Counts) -> tuple[HandoffTimes, ...]:
    """Return the handoffs of every reason, and then of each, the most frequent first."""
    reasons = counts.get(Counted.HANDOFF, Counter[str]())
    times: dict[str | None, list[Counter[int]]] = {one: [Counter() for _ in TIMES] for one in (None, *reasons)}
    for number, what in enumerate(TIMES):
        for key, handoffs in counts.get(what, {}).items():
            milliseconds, _, reason = key.partition(" ")
            for one in (None, reason):
                times[one][number][int(milliseconds)] += handoffs
    order = sorted(reasons, key=lambda one: (-reasons[one], one))
    every = HandoffTimes(None, sum(reasons.values()), *map(_spread, times[None]))
    return every, *(HandoffTimes(one, reasons[one], *map(_spread, times[one])) for one in order)


def _spread(durations: Counter[int]) -> Spread:
    median, p90 = (quantiles.nearest_rank(durations, percent) for percent in (50, 90))
    if median is None or p90 is None:
        return Spread()
    return Spread(sum(durations.values()), median / 1000, p90 / 1000)


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
