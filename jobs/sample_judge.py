"""Asks the judge about the answers of sampled turns in which every invariant held, where the card names a judge.

It has a round of its own, so that a judge who is slow or down delays no score. Each sample is taken before the judge is
asked, so that two clocks pay for it once. What the judge says decides nothing by itself.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from html import unescape

import structlog

from bot.agent.card import Agent
from bot.agent.redaction import redact
from bot.agent.release import release_of
from bot.errors import Transient
from bot.evals.judge import judge as judges
from bot.evals.judge.judge import Judge
from bot.evals.judge.question import JudgedAnswer
from bot.store.figures import turn_evidence
from bot.store.figures.turn_evidence import TurnEvidence
from bot.store.releases import sample_judgements
from bot.store.releases.samples import KeptSample
from jobs.process import WorkerContext

log = structlog.get_logger()

AT_ONCE = 5
"The most answers that the judge is asked about in one go."
AGAIN = timedelta(minutes=30)
"The judge is asked again after this time when it gave no judgement."
TRIES = 4
"How often a clock sets out to ask the judge about one answer."


def is_on(ctx: WorkerContext, agent: Agent) -> bool:
    """Return whether the judge of an agent can be asked."""
    return judges.off_because(ctx.settings, agent, ctx.meter.prices) is None


def look(ctx: WorkerContext) -> None:
    """Ask about a few answers that wait for it."""
    with ctx.database.look() as session:
        waiting = sample_judgements.unjudged(session, limit=AT_ONCE)
    asked: dict[str, Judge | None] = {}
    for sample in waiting:
        if sample.agent not in asked:
            asked[sample.agent] = _judge_of(ctx, sample.agent)
        _judge(ctx, sample, asked[sample.agent])


def judged_answer(seen: TurnEvidence, heard: Sequence[str]) -> JudgedAnswer:
    """Return what the judge is shown of a turn: its answer, and what the agent could know when it gave it."""
    return JudgedAnswer(
        said=tuple(heard),
        facts=tuple(f"{one.tool} ({one.status}): {json.dumps(one.gave, default=str)}" for one in seen.calls),
        answer=unescape(seen.answers[-1].text),
    )


def _judge_of(ctx: WorkerContext, name: str) -> Judge | None:
    agent = ctx.agents.get(name)
    if agent is None:
        return None
    return judges.open_judge(ctx.settings, agent, ctx.meter, release=str(release_of(ctx.settings, agent)))


def _judge(ctx: WorkerContext, sample: KeptSample, judge: Judge | None) -> None:
    with ctx.database.write() as session:
        asked = sample_judgements.take_to_judge(session, sample.id)
        if asked is None:
            return  # another clock asks
        seen = turn_evidence.read(session, sample.turn_id)
        if judge is None or seen is None or not any(one.text for one in seen.answers):
            # the judge is off by now, or the words were deleted
            sample_judgements.judge_later(session, sample.id, None)
            return
        shown = judged_answer(seen, turn_evidence.heard(session, seen.turn))
    try:
        found = judge.judge(shown)
    except Transient as error:
        log.warning("sample.unjudged", turn=sample.turn_id, asked=asked, error=str(error))
        with ctx.database.write() as session:
            sample_judgements.judge_later(session, sample.id, AGAIN if asked < TRIES else None)
        return
    said = {"tone": found.tone, "grounded": found.grounded, "because": redact(found.because)}
    about = {"model": judge.terms.model, "judge": judge.fingerprint, "cost_nusd": found.cost_nusd}
    with ctx.database.write() as session:
        sample_judgements.store_judgement(session, sample.id, good=found.good, said={**said, **about})
