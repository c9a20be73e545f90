"""Everything that the dashboard shows of a cohort, put together by one function.

Times are UTC, days are UTC days, durations are milliseconds or seconds as the field says, money is nano-US-dollars. A
figure that has nothing to be worked out from is None, never 0. Reads only; the caller may have made the transaction
read at one moment (`bot.store.money.spending.at_one_moment`), so that the figures agree with each other.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.store.figures import day_counts, folding, quantiles
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
from bot.store.figures.day_counts import Counted, Span
from bot.store.figures.handoff_counts import TIMES
from bot.store.handoffs.handoff_metrics import Spread
from bot.store.releases import verdicts
from bot.store.releases.verdicts import ReleaseStanding
from bot.store.schema import Release, StepStatus, TurnOutcome, now

__all__ = ["DashboardCohort", "DashboardFigures", "last_days", "read"]

OF_VOLUME = frozenset({Counted.OUTCOME, Counted.LATENCY, Counted.TICKET, Counted.SPENDING, Counted.THUMB})
"What a `Volume` is made of, which is shown of each day."

Counts = defaultdict[Counted, Counter[str]]


def read(session: Session, cohort: DashboardCohort) -> DashboardFigures:
    """Return everything that the dashboard shows of a cohort."""
    _run_at_once(session)
    by_day: defaultdict[str, Counts] = defaultdict(lambda: defaultdict(Counter))
    outputs: defaultdict[str, Counter[str]] = defaultdict(Counter)
    whole: Counts = defaultdict(Counter)
    for day, agent, counts in folding.read(session, Span(cohort.since, cohort.until), cohort.named, at=now()):
        for what, keys in counts.items():
            if what is Counted.OUTPUT:
                day_counts.add(outputs[agent], keys)
            else:
                day_counts.add((by_day[day] if what in OF_VOLUME else whole)[what], keys)
    for of_day in by_day.values():
        for what, keys in of_day.items():
            day_counts.add(whole[what], keys)
    all_handoffs, *by_reason = _handoffs(whole)
    return DashboardFigures(
        cohort,
        tuple(DayVolume(day, _volume(by_day[day.isoformat()])) for day in cohort.days),
        _volume(whole),
        _tools(whole),
        _outputs(outputs),
        all_handoffs,
        tuple(by_reason),
        _releases(session, cohort),
    )


def _run_at_once(session: Session) -> None:
    """Let PostgreSQL run these statements without compiling them first, which takes longer."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL jit = off"))


def _volume(counts: Counts) -> Volume:
    outcomes = counts[Counted.OUTCOME]
    latencies = {int(key): count for key, count in counts[Counted.LATENCY].items()}
    return Volume(
        requests=sum(outcomes.values()),
        replies=outcomes[TurnOutcome.REPLY],
        handoffs=outcomes[TurnOutcome.HANDOFF],
        refused=outcomes[TurnOutcome.REFUSED],
        withdrawn=outcomes[TurnOutcome.WITHDRAWN],
        linked=outcomes[TurnOutcome.LINKED],
        tickets_opened=counts[Counted.TICKET][""],
        latency_p50_ms=quantiles.nearest_rank(latencies, 50),
        latency_p95_ms=quantiles.nearest_rank(latencies, 95),
        **counts[Counted.SPENDING],
        **counts[Counted.THUMB],
    )


def _tools(counts: Counts) -> tuple[ToolCalls, ...]:
    by_tool: dict[str, dict[str, int]] = {}
    for key, calls in counts[Counted.TOOL].items():
        status, _, tool = key.partition(" ")
        by_tool.setdefault(tool, {})[StepStatus(status)] = calls
    found = (ToolCalls(tool, **statuses) for tool, statuses in by_tool.items())
    return tuple(sorted(found, key=lambda one: (-one.calls, one.tool)))


def _outputs(by_agent: Mapping[str, Counter[str]]) -> tuple[OutputCount, ...]:
    found = []
    for agent, outputs in by_agent.items():
        for key, turns in outputs.items():
            outcome, _, category = key.partition(" ")
            found.append(OutputCount(agent, TurnOutcome(outcome), category or None, turns))
    return tuple(sorted(found, key=lambda one: (-one.turns, one.agent, one.outcome, one.category or "")))


def _handoffs(counts: Counts) -> tuple[HandoffTimes, ...]:
    """Return the handoffs of every reason, and then of each, the most frequent first."""
    reasons = counts[Counted.HANDOFF]
    times: dict[str | None, list[Counter[int]]] = {one: [Counter() for _ in TIMES] for one in (None, *reasons)}
    for number, what in enumerate(TIMES):
        for key, handoffs in counts[what].items():
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
    query = select(Release.agent, Release.fingerprint)
    if cohort.named is not None:
        query = query.where(Release.agent.in_(cohort.named))
    at = now()
    rows = session.execute(query.order_by(Release.agent, Release.created_at, Release.fingerprint))
    found = []
    for agent, of_agent in groupby(rows, key=lambda row: str(row.agent)):
        every = list(of_agent)
        pair = cohort.serving.get(agent)
        if pair is not None and any(row.fingerprint == pair.release for row in every):
            found.append(_served(agent, pair.release, verdicts.standing(session, *pair), at))
        else:
            newest = str(every[-1].fingerprint)
            found.append(_served(agent, newest, verdicts.newest(session, newest), at))
    return tuple(found)


def _served(agent: str, release: str, said: ReleaseStanding, at: datetime) -> ServedRelease:
    age = None if said.at is None else (at - said.at).total_seconds()
    return ServedRelease(agent, release, said.verdict, said.at, age, said.run_id, said.waiver)
