"""Plays the pinned probe cases of each release that serves twice a day, and alerts owners of what they show.

A vendor may change a model without a word. A run of the probes is like an evaluation, played by the workers beside the
turns of people, but it gives no verdict: its plays are held against those of the release's own evaluation
(`bot.evals.probing`). A release that has just been evaluated needs no probe yet, so the first run is half a day later.

A suspended agent is probed, too: its owners want to know when its model is as it was.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.agent.card import Agent
from bot.errors import ConfigError, Transient
from bot.evals import cases, endpoint, runs
from bot.evals.plays import Play
from bot.evals.runs import PlannedRun
from bot.principals import AgentStatus
from bot.queue import BEGIN_EVALUATION
from bot.store.db import Database, Session
from bot.store.figures import finished_turns, owner_alerts
from bot.store.releases import probes, releases, verdicts
from bot.store.releases.eval_runs import RunPlan
from bot.store.releases.probes import LastProbe, ProbeTimes
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import AlertKind, PlayedBy, ProbeState, RunKind, now
from jobs import watch
from jobs.process import WorkerContext

log = structlog.get_logger()

EVERY = timedelta(hours=12)
"Between the beginnings of two runs of the probes."
AGAIN = timedelta(hours=1)
"A run that was not played to its end is begun again this long after its beginning."
SILENT_AFTER = timedelta(hours=24)
"Owners are alerted when no run has ended for this long."
WIDTH = 2
"Probes that are in the queue at a time: turns of people go before."


def look(ctx: WorkerContext) -> None:
    """Begin the runs that are due, and alert owners of what the last ones say, or of their absence."""
    for agent in ctx.agents.values():
        name = agent.card.name
        pair = ctx.pairs[name]
        with ctx.database.read() as session:
            since = _served_since(session, agent, pair)
            times = probes.times(session, pair)
        if since is not None and is_due(times, since):
            _begin(ctx, agent, pair)
        with ctx.database.read() as session:
            times, last = probes.times(session, pair), probes.last(session, pair)
        watch.settle(ctx, name, AlertKind.NO_PROBE, {} if since is None else _silence(times, since, pair))
        watch.settle(ctx, name, AlertKind.PROBES_WORSE, _worse(ctx, name, pair, last))
        if last is not None:
            _close_models(ctx, name, last)


def note_models(database: Database, agent: str, release: str, played: Play) -> None:
    """Alert owners at once of another model that has answered in a probe."""
    if all(asked == answered for asked, answered in played.models):
        return
    with database.read() as session:
        first = finished_turns.first_model(session, release)
    others = {answered: asked for asked, answered in played.models if watch.is_other(asked, answered, first=first)}
    if not others:
        return
    with database.write() as session:
        for answered, asked in others.items():
            detail = {"asked": asked, "case": played.case.id}
            if owner_alerts.open_(session, agent, AlertKind.MODEL_CHANGED, answered, detail):
                watch.say_opened(session, agent, AlertKind.MODEL_CHANGED, answered)


def is_due(times: ProbeTimes, since: datetime) -> bool:
    """Return whether a run of the probes is to begin now.

    Args:
        times: when the probes were played.
        since: when the release was evaluated, which says more than its probes would (UTC).
    """
    at = now()
    if times.under_way is not None or at - max(since, times.last or since) < EVERY:
        return False
    return times.last_since is None or at - times.last_since >= AGAIN


def _served_since(session: Session, agent: Agent, pair: ReleasePair) -> datetime | None:
    """Return when the release of an agent that has probes was evaluated; None: it has none, or does not serve."""
    if not agent.card.evals.probes or agent.card.status is not AgentStatus.ACTIVE:
        return None
    said = verdicts.standing(session, *pair)
    return said.at if said.serves else None


def _begin(ctx: WorkerContext, agent: Agent, pair: ReleasePair) -> None:
    """Begin a run of the probes, unless another clock has begun it or it cannot be begun now."""
    release = ctx.runtime(agent.card.name).release
    try:
        suite = cases.load(agent)
        is_standin = endpoint.is_standin(ctx.settings.anthropic_base_url, ctx.settings.network)
    except (ConfigError, Transient) as error:
        log.warning("probe.refused", agent=agent.card.name, error=str(error))
        return
    if (str(release), suite.fingerprint) != tuple(pair):
        return  # its files are being changed
    plan = RunPlan(
        fixed_repeats=1, kind=RunKind.PROBE, played_by=PlayedBy.WORKERS, width=WIDTH, model_is_standin=is_standin
    )
    with ctx.database.write() as session:
        releases.lock(session, pair.release)
        since = _served_since(session, agent, pair)
        if since is None or not is_due(probes.times(session, pair), since):
            return
        run_id = runs.start(session, PlannedRun(agent, release, suite, suite.probes, plan, "clock"))
    ctx.queue.put(BEGIN_EVALUATION, run_id)
    log.info("probe.begun", agent=agent.card.name, release=pair.release, run=run_id)


def _silence(times: ProbeTimes, since: datetime, pair: ReleasePair) -> dict[str, Mapping[str, Any]]:
    """Return the release of which no run of the probes has ended for a day.

    An installation that was off for days begins a run when it is back, and that gets its time.
    """
    last = max(since, times.ended or since)
    late = now() - last > SILENT_AFTER
    tried = times.first_since is None or now() - times.first_since > AGAIN
    return {pair.release: {"last": last.isoformat()}} if late and tried else {}


def _worse(ctx: WorkerContext, agent: str, pair: ReleasePair, last: LastProbe | None) -> dict[str, Mapping[str, Any]]:
    """Return the release that is worse; what is unclear stays as it was."""
    with ctx.database.read() as session:
        found = owner_alerts.open_ones(session, agent, AlertKind.PROBES_WORSE)
    for one in found:
        if one.subject != pair.release:
            with ctx.database.write() as session:
                owner_alerts.note(session, agent, one.kind, one.subject, {**one.detail, "replaced": pair.release})
    if last is None or last.result.state is ProbeState.AS_BEFORE:
        return {}
    if last.result.state is ProbeState.UNCLEAR:
        return {one.subject: one.detail for one in found if one.subject == pair.release}
    return {pair.release: {"run": last.run_id, "said": last.words}}


def _close_models(ctx: WorkerContext, agent: str, last: LastProbe) -> None:
    """Close the alerts of other models that a whole run of the probes, and what came after, did not see."""
    with ctx.database.read() as session:
        gone = owner_alerts.unseen_since(session, AlertKind.MODEL_CHANGED, last.started_at)
    left = {one.subject for one in gone if one.agent == agent}
    if not left:
        return
    with ctx.database.read() as session:
        found = owner_alerts.open_ones(session, agent, AlertKind.MODEL_CHANGED)
    watch.settle(
        ctx, agent, AlertKind.MODEL_CHANGED, {one.subject: one.detail for one in found if one.subject not in left}
    )
