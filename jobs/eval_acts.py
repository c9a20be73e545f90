"""What an owner does by `/agent-eval`: begins an evaluation, promotes what is served, or answers for it.

Who may do so is decided before (`jobs.eval_answers`), and except for a run they were asked whether they are sure
(`jobs.eval_questions`). Each is in the database before it is said, and on record with the Slack user.

Invariant: what is promoted, waived or revoked is exactly what its owner saw when they were asked.
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
from jobs import eval_progress
from jobs.process import WorkerContext

WIDTH = 4
"Plays of an evaluation that are in the queue of the installation at a time, so that turns do not wait behind it."
LOOK = "`/agent-eval` shows how far it is"


def run(ctx: WorkerContext, agent: Agent, user: str) -> Body:
    """Begin an evaluation of what is served, unless one is under way; return what the owner reads."""
    pair = served(ctx, agent)
    try:
        suite = cases.load(agent)
        is_standin = endpoint.is_standin(ctx.settings.anthropic_base_url, ctx.settings.network)
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
        f"as often as the gate asks for. A direct message shows you how far it is.{standin}"
    )


def promote(ctx: WorkerContext, agent: Agent, user: str, pair: ReleasePair) -> Body:
    """Make the release that the owner has seen the baseline; return what they read."""
    if (moved := _moved_on(ctx, agent, pair)) is not None:
        return moved
    with ctx.database.write() as session:
        done = baselines.promote(session, agent.card.name, pair, by=user)
    if isinstance(done, NotPromoted):
        return not_promoted(pair, done)
    release = mrkdwn.line(pair.release, 120)
    return replies.only_you(f"{release} is the baseline now: later releases are held against its plays.")


def not_promoted(pair: ReleasePair, why: NotPromoted) -> Body:
    """Return the answer that a release does not become the baseline."""
    return replies.only_you(f"{mrkdwn.line(pair.release, 120)} was not promoted: {why}.")


def waive(ctx: WorkerContext, agent: Agent, user: str, pair: ReleasePair, *, days: int, reason: str) -> Body:
    """Let the release that the owner has seen serve for some days though it did not pass; return what they read."""
    if (moved := _moved_on(ctx, agent, pair)) is not None:
        return moved
    with ctx.database.write() as session:
        signed = waiving.waive(session, agent, pair, by=user, reason=redact(reason), days=days)
    if isinstance(signed, WaiverRefusal):
        return not_signed(signed)
    ends, release = mrkdwn.date(signed.ends_at), mrkdwn.line(pair.release, 120)
    return replies.only_you(f"You answer for {release} until {ends}. It serves until then.")


def not_signed(why: WaiverRefusal) -> Body:
    """Return the answer that no waiver was signed."""
    return replies.only_you(f"{why.sentence} Nothing was signed.")


def revoke(ctx: WorkerContext, agent: Agent, user: str, pair: ReleasePair) -> Body:
    """End the waivers by which the release that the owner has seen serves; return what they read."""
    if (moved := _moved_on(ctx, agent, pair)) is not None:
        return moved
    with ctx.database.write() as session:
        ended = waiving.revoke(session, agent, pair, by=user)
    if isinstance(ended, WaiverRefusal):
        return not_revoked(ended)
    release = mrkdwn.line(pair.release, 120)
    return replies.only_you(
        f"The waiver of {release} has ended. From the next request on, every request goes to a person."
    )


def not_revoked(why: WaiverRefusal) -> Body:
    """Return the answer that no waiver was revoked."""
    return replies.only_you(f"{why.sentence} Nothing was revoked.")


def served(ctx: WorkerContext, agent: Agent) -> ReleasePair:
    """Return the release that is served now, and the suite in its folder."""
    runtime = ctx.runtime(agent.card.name)
    return ReleasePair(str(runtime.release), runtime.suite)


def _moved_on(ctx: WorkerContext, agent: Agent, seen: ReleasePair) -> Body | None:
    """Return the answer that what the owner has seen is not served any more, or None."""
    now_is = served(ctx, agent)
    if now_is == seen:
        return None
    what = f"{mrkdwn.line(now_is.release, 120)} is served" if now_is.release != seen.release else "the cases are others"
    return replies.only_you(f"Nothing was done: {what} by now. Ask again if you mean that.")


def _begin(ctx: WorkerContext, agent: Agent, suite: Suite, user: str, *, is_standin: bool) -> int | RunUnderWay:
    """Open a run of the whole suite and return its id; or the one of the same pair that is under way.

    Of two owners who ask at once, one opens the run and the other reads of it.
    """
    release = ctx.runtime(agent.card.name).release
    plan = RunPlan(played_by=PlayedBy.WORKERS, width=WIDTH, model_is_standin=is_standin, shown_to=user)
    with ctx.database.write() as session:
        releases.lock(session, str(release))
        for one in run_plays.of_agent(session, agent.card.name):
            if (one.release, one.suite, one.in_part) == (str(release), suite.fingerprint, False):
                return one
        run_id = runs.start(session, PlannedRun(agent, release, suite, suite.cases, plan, user))
        if (run := run_plays.get(session, run_id)) is not None:
            eval_progress.begin(session, run, agent.card.name)
        return run_id
