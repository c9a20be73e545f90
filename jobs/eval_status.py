"""What an owner or responder reads of how an agent does: its last evaluation, and its last week."""

from dataclasses import replace

from bot import agent_cards
from bot.agent import card, standing
from bot.agent.card import Agent
from bot.evals import overview
from bot.slack.reports import sample_report, thumb_report
from bot.slack.reports.evaluations import EvalReport
from bot.slack.reports.handoff_report import Week
from bot.store.db import Session
from bot.store.figures import drift_checks, success
from bot.store.handoffs import handoff_metrics
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import now
from bot.store.tickets import feedback, surges
from jobs import alerts
from jobs.process import WorkerContext


def report(ctx: WorkerContext, agent: Agent) -> EvalReport:
    """Return how the agent does, read from the database."""
    name, runtime = agent.card.name, ctx.runtime(agent.card.name)
    pair = ReleasePair(str(runtime.release), runtime.suite)
    with ctx.database.read() as session:
        seen = overview.read(session, name, pair)
        week = _week(session, agent)
        cohort = handoff_metrics.last_days(7, at=now(), agent=name)
        criterion = success.total(session, replace(cohort, rates=agent_cards.rates({name: agent})))
        thumbs = feedback.thumbs(session, cohort.since, cohort.until, agent=cohort.agent)
        under_way = surges.counts(session, name)
        drift = drift_checks.latest(session, name, pair.release)
        now_is = standing.read(session, agent)
    failing = {ticket: alerts.about(ctx, ticket) for ticket in sample_report.failing_tickets(seen.sampled)}
    said, run = seen.said, seen.run
    return EvalReport(
        agent=name,
        release=pair.release,
        verdict=said.verdict,
        verdict_age_seconds=None if said.at is None else (now() - said.at).total_seconds(),
        waiver=None if said.waiver is None else said.waiver.words,
        serving=said.serves and now_is.works,
        standing=now_is,
        run_id=run.id if run else None,
        finished_at=run.finished_at if run else None,
        slices=tuple((s.slice, s.hard, s.passed, s.played, s.bounds) for s in seen.slices),
        failures=tuple((f.case_id, str(f.failures[0]) if f.failures else "failed") for f in seen.failed),
        success=criterion,
        handoffs=week,
        cost_nusd=run.cost_nusd if run else 0,
        suite=pair.suite,
        baseline=seen.baseline,
        in_a_row=tuple(one.words for one in seen.in_a_row),
        probe=seen.probe,
        under_way=seen.under_way,
        model_is_standin=run is not None and run.model_is_standin,
        thumbs=thumbs,
        surges=under_way,
        links=thumb_report.links(ctx.slack, thumbs),
        drift=drift,
        sampled=seen.sampled,
        tickets=failing,
    )


def _week(session: Session, agent: Agent) -> Week:
    """Return the metrics of the last seven days and, for what lasted seven days, of the week before."""
    name = agent.card.name
    cohort = handoff_metrics.last_days(7, at=now(), agent=name, in_scope=card.in_scope({name: agent}))
    before = replace(cohort, since=cohort.since - handoff_metrics.WEEK, until=cohort.since)
    return Week(
        handoff_metrics.totals(session, cohort),
        handoff_metrics.by_reason(session, cohort),
        handoff_metrics.totals(session, before),
    )
