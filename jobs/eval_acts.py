"""What an owner does by `/agent-eval`: begins an evaluation, promotes what is served, or answers for it.

Who may do so is decided before (`jobs.eval_answers`). Each is in the database before it is said, and on record with
the Slack user.
"""

from bot.agent.card import Agent
from bot.agent.redaction import redact
from bot.errors import ConfigError, Transient
from bot.evals import cases, endpoint, runs
from bot.evals.cases import Suite
from bot.evals.runs import PlannedRun
from bot.queue import BEGIN_EVALUATION
from bot.releases import waiving
from bot.releases.waiving import WaiverRefusal
from bot.slack import mrkdwn
from bot.slack.mrkdwn import Body
from bot.slack.reports import evaluations
from bot.slack.requesters import replies
from bot.store.releases import baselines, releases, run_plays
from bot.store.releases.baselines import NotPromoted
from bot.store.releases.eval_runs import RunPlan
from bot.store.releases.run_plays import RunUnderWay
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import PlayedBy
from jobs.process import WorkerContext

WIDTH = 4
"Plays of an evaluation that are in the queue of the installation at a time, so that turns do not wait behind it."
LOOK = "`/agent-eval` shows how far it is"


def run(ctx: WorkerContext, agent: Agent, user: str) -> Body:
    """Begin an evaluation of what is served, unless one is under way; return what the owner reads."""
    name, pair = agent.card.name, _served(ctx, agent)
    try:
        suite = cases.load(agent)
        is_standin = endpoint.is_standin(ctx.settings.anthropic_base_url)
    except ConfigError as error:
        return replies.only_you(f"Nothing was begun, as the cases are broken: {mrkdwn.line(str(error), 600)}")
    except Transient:
        return replies.only_you("Nothing was begun, as the model's endpoint does not answer. Try again later.")
    if suite.fingerprint != pair.suite:
        return replies.only_you("Nothing was begun, as the cases are being changed. Ask again in a minute.")
    begun = _begin(ctx, agent, suite, user, is_standin=is_standin)
    if isinstance(begun, RunUnderWay):
        return replies.only_you(f"{evaluations.under_way(begun)} {LOOK}.")
    ctx.queue.put(BEGIN_EVALUATION, begun)
    standin = evaluations.STANDIN if is_standin else ""
    return replies.only_you(
        f"Run {begun} of {mrkdwn.line(pair.release, 120)} has begun: the workers play {len(suite.cases)} cases, "
        f"as often as the gate asks for. {LOOK}, and `/agent-eval diff {mrkdwn.line(name, 80)}` what changed.{standin}"
    )


def promote(ctx: WorkerContext, agent: Agent, user: str) -> Body:
    """Make what is served the baseline, if it has passed; return what the owner reads."""
    pair = _served(ctx, agent)
    with ctx.database.write() as session:
        done = baselines.promote(session, agent.card.name, pair, by=user)
    release = mrkdwn.line(pair.release, 120)
    if isinstance(done, NotPromoted):
        return replies.only_you(f"{release} was not promoted: {done}.")
    return replies.only_you(f"{release} is the baseline now: later releases are held against its plays.")


def waive(ctx: WorkerContext, agent: Agent, user: str, *, days: int, reason: str) -> Body:
    """Let what is served answer for some days though it did not pass; return what the owner reads."""
    pair = _served(ctx, agent)
    with ctx.database.write() as session:
        signed = waiving.waive(session, agent, pair, by=user, reason=redact(reason), days=days)
    if isinstance(signed, WaiverRefusal):
        return replies.only_you(f"{signed.sentence} Nothing was signed.")
    ends, release = mrkdwn.date(signed.ends_at), mrkdwn.line(pair.release, 120)
    return replies.only_you(f"You answer for {release} until {ends}. It serves until then.")


def _served(ctx: WorkerContext, agent: Agent) -> ReleasePair:
    runtime = ctx.runtime(agent.card.name)
    return ReleasePair(str(runtime.release), runtime.suite)


def _begin(ctx: WorkerContext, agent: Agent, suite: Suite, user: str, *, is_standin: bool) -> int | RunUnderWay:
    """Open a run of the whole suite and return its id; or the one of the same pair that is under way.

    Of two owners who ask at once, one opens the run and the other reads of it.
    """
    release = ctx.runtime(agent.card.name).release
    plan = RunPlan(played_by=PlayedBy.WORKERS, width=WIDTH, model_is_standin=is_standin)
    with ctx.database.write() as session:
        releases.lock(session, str(release))
        for one in run_plays.of_agent(session, agent.card.name):
            if (one.release, one.suite, one.in_part) == (str(release), suite.fingerprint, False):
                return one
        return runs.start(session, PlannedRun(agent, release, suite, suite.cases, plan, user))
