"""Everything that the dashboard shows of a cohort, put together by one function.

Times are UTC, days are UTC days, durations are milliseconds or seconds as the field says, money is nano-US-dollars. A
figure that has nothing to be worked out from is None, never 0. Reads only; the caller may have made the transaction
read at one moment (`bot.store.money.spending.at_one_moment`), so that the figures agree with each other.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.store.figures import folding
from bot.store.figures.counts import Counted, Counts, Timed
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
from bot.store.figures.day_counts import Span
from bot.store.figures.handoff_counts import TIMES
from bot.store.figures.histograms import Histogram
from bot.store.releases import verdicts
from bot.store.releases.verdicts import ReleaseStanding
from bot.store.schema import Release, StepStatus, TurnOutcome, now

__all__ = ["DashboardCohort", "DashboardFigures", "last_days", "read"]

OF_VOLUME = frozenset({Counted.OUTCOME, Timed.LATENCY, Counted.TICKET, Counted.SPENDING, Counted.THUMB})
"What a `Volume` is made of, which is shown of each day."
OF_AGENTS = frozenset({Counted.OUTPUT})
"What is shown of each agent."


def read(session: Session, cohort: DashboardCohort) -> DashboardFigures:
    """Return everything that the dashboard shows of a cohort."""
    _run_at_once(session)
    whole = Counts()
    by_day: defaultdict[str, Counts] = defaultdict(Counts)
    by_agent: defaultdict[str, Counts] = defaultdict(Counts)
    counted = folding.read(session, Span(cohort.since, cohort.until), cohort.named, at=now())
    whole.add(counted.handoffs)
    for day, agent, counts in counted.parts:
        by_day[day].add(counts, only=OF_VOLUME)
        by_agent[agent].add(counts, only=OF_AGENTS)
        whole.add(counts, but=OF_VOLUME)
    for of_day in by_day.values():
        whole.add(of_day.stored)
    all_handoffs, *by_reason = _handoffs(whole)
    return DashboardFigures(
        cohort,
        tuple(DayVolume(day, _volume(by_day[day.isoformat()])) for day in cohort.days),
        _volume(whole),
        _tools(whole),
        _outputs(by_agent),
        all_handoffs,
        tuple(by_reason),
        _releases(session, cohort),
    )


def _run_at_once(session: Session) -> None:
    """Let PostgreSQL run these statements without compiling them first, which takes longer."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL jit = off"))


def _volume(counts: Counts) -> Volume:
    outcomes = counts.of(Counted.OUTCOME)
    latencies = counts.times.get(Timed.LATENCY, {}).get("", Histogram())
    p50, p95 = latencies.quantiles(50, 95)
    return Volume(
        requests=sum(outcomes.values()),
        replies=outcomes[TurnOutcome.REPLY],
        handoffs=outcomes[TurnOutcome.HANDOFF],
        refused=outcomes[TurnOutcome.REFUSED],
        withdrawn=outcomes[TurnOutcome.WITHDRAWN],
        linked=outcomes[TurnOutcome.LINKED],
        tickets_opened=counts.of(Counted.TICKET)[""],
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        **counts.of(Counted.SPENDING),
        **counts.of(Counted.THUMB),
    )


def _tools(counts: Counts) -> tuple[ToolCalls, ...]:
    by_tool: dict[str, dict[str, int]] = {}
    for key, calls in counts.of(Counted.TOOL).items():
        status, _, tool = key.partition(" ")
        by_tool.setdefault(tool, {})[StepStatus(status)] = calls
    found = (ToolCalls(tool, **statuses) for tool, statuses in by_tool.items())
    return tuple(sorted(found, key=lambda one: (-one.calls, one.tool)))


def _outputs(by_agent: Mapping[str, Counts]) -> tuple[OutputCount, ...]:
    found = []
    for agent, counts in by_agent.items():
        for key, turns in counts.of(Counted.OUTPUT).items():
            outcome, _, category = key.partition(" ")
            found.append(OutputCount(agent, TurnOutcome(outcome), category or None, turns))
    return tuple(sorted(found, key=lambda one: (-one.turns, one.agent, one.outcome, one.category or "")))


def _handoffs(counts: Counts) -> tuple[HandoffTimes, ...]:
    """Return the handoffs of every reason, and then of each, the most frequent first."""
    reasons = counts.of(Counted.HANDOFF)
    by_reason = [counts.times.get(what, {}) for what in TIMES]
    of_all = [Histogram() for _ in TIMES]
    for whole, times in zip(of_all, by_reason, strict=True):
        for one in times.values():
            whole.add(one.first, one.counts)
    order = sorted(reasons, key=lambda one: (-reasons[one], one))
    every = HandoffTimes(None, sum(reasons.values()), *(one.spread() for one in of_all))
    return every, *(
        HandoffTimes(one, reasons[one], *(times.get(one, Histogram()).spread() for times in by_reason)) for one in order
    )


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
