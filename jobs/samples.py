"""Keeps the turns of production that are looked at again, and scores each once, a few at a time.

`bot.sampling.draw` says which are kept. A clock reads ended turns in the order of their ends: of two clocks, the one
that moves the watermark keeps them, in the same transaction. What a score finds and the alert about it are stored
together, by the one clock whose score counts. `jobs.owner_alerts` tells it.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.agent import card
from bot.agent.release import release_of
from bot.drift import loops
from bot.drift.loops import Repetition
from bot.errors import DeskhandError
from bot.principals import Effect
from bot.sampling import draw, flags, invariants, quality
from bot.sampling.invariants import HARD, Invariant
from bot.sampling.quality import SampledQuality
from bot.store.db import Session
from bot.store.figures import finished_turns, owner_alerts, turn_evidence, turn_signs, watermarks
from bot.store.figures.first_turns import SETTLED
from bot.store.figures.turn_signs import TurnSigns
from bot.store.releases import samples
from bot.store.releases.samples import KeptSample, NewSample, WeekKey
from bot.store.schema import AlertKind, SampledFor, now
from bot.tools.registry import REGISTRY
from jobs import sample_judge, watch
from jobs.process import WorkerContext

log = structlog.get_logger()

BATCH = 200
"The most turns that are read in one go."
AT_ONCE = 50
"The most samples that are scored in one go: what is stored of their turns is in memory at the same time."
TIME_TO_ARRIVE = timedelta(seconds=20)
"A turn is scored this long after its end at the earliest: a claim that it may have overlooked is stored by then."
Found = tuple[tuple[Invariant, str], ...]
"Each invariant that does not hold of a turn, with what was seen."
_WRITES = frozenset(name for name, tool in REGISTRY.items() if tool.effect is Effect.WRITE)


def look(ctx: WorkerContext) -> None:
    """Keep what is to be kept of the turns that have ended since the last look, and score what is not scored."""
    _keep_ended(ctx)
    _keep_disliked(ctx)
    _score(ctx)


def compare(ctx: WorkerContext) -> None:
    """Open or close the alert that the turns of a release go worse than the plays of the baseline."""
    for name, agent in ctx.agents.items():
        release = str(release_of(ctx.settings, agent))
        with ctx.database.look() as session:
            found = quality.read(session, name, release)
            known = {one.subject for one in owner_alerts.open_ones(session, name, AlertKind.SAMPLED_QUALITY)}
        stays = found.below_baseline or (release in known and not found.reaches_baseline)
        if stays is not (known == {release}) or len(known) > 1:
            watch.settle(ctx, name, AlertKind.SAMPLED_QUALITY, _worse(found) if stays else {})


def _worse(found: SampledQuality) -> dict[str, Mapping[str, Any]]:
    good, baseline = found.good, found.baseline
    if good is None or baseline is None:
        return {}
    shares = {"rate": good.rate, "low": good.low, "high": good.high, "scored": found.all.scored}
    of_baseline = {"baseline_rate": baseline.rate, "baseline_low": baseline.low}
    return {found.release: {**shares, **of_baseline, "baseline": baseline.release}}


def _keep_ended(ctx: WorkerContext) -> None:
    with ctx.database.look() as session:
        before = watermarks.get(session, watermarks.SAMPLES)
        ended = [] if before is None else finished_turns.after(session, before, limit=BATCH)
        found = _of_agents(ctx, turn_signs.of(session, [turn.turn_id for turn in ended]))
    if before is None:
        at = now() - SETTLED
        with ctx.database.write() as session:  # what is past is not looked at
            if watermarks.move(session, watermarks.SAMPLES_BEGIN, before=None, to=(at, 0)):
                watermarks.move(session, watermarks.SAMPLES, before=None, to=(at, 0))
        return
    if not ended:
        return
    repeated = {turn.turn_id: loops.find(turn, _WRITES) for turn in ended}
    with ctx.database.write() as session:
        if not watermarks.move(session, watermarks.SAMPLES, before=before, to=ended[-1].mark):
            return
        for key, count in Counter(key for key, _ in found).items():
            samples.count_turns(session, key, count)
        samples.keep(session, _chosen(session, found, repeated))


def _chosen(
    session: Session, found: Sequence[tuple[WeekKey, TurnSigns]], repeated: Mapping[int, Repetition | None]
) -> Sequence[NewSample]:
    """Return which turns are kept, each as if the week ended with it; the numbers of a week are read once."""
    kept = samples.kept_of(session, [one.turn_id for _, one in found])
    numbers: dict[WeekKey, list[float]] = {}
    chosen: list[NewSample] = []
    for key, one in found:
        if one.turn_id in kept:  # by a thumb down: it is counted once
            continue
        why, own = flags.kept_for(one, repeated.get(one.turn_id)), draw.number(one.turn_id)
        if why is None:
            if key not in numbers:
                numbers[key] = list(samples.numbers(session, key, at_most=draw.AT_LEAST))
            if not draw.may_be_drawn(own, smaller=bisect_left(numbers[key], own)):
                continue
            insort(numbers[key], own)
        chosen.append(_new(key, one, why or SampledFor.DRAWN))
    return chosen


def _of_agents(ctx: WorkerContext, found: Sequence[TurnSigns]) -> list[tuple[WeekKey, TurnSigns]]:
    """Return the turns that count, each with its week, under the agent that answers for it now."""
    answering = [(card.answering(ctx.agents, one.agent), one) for one in found if flags.is_turn(one)]
    return [
        (WeekKey(agent.card.name, one.release, draw.week_of(one.finished_at)), one)
        for agent, one in answering
        if agent is not None
    ]


def _new(key: WeekKey, one: TurnSigns, why: SampledFor) -> NewSample:
    return NewSample(key, one.turn_id, one.ticket_id, one.finished_at, why, draw.number(one.turn_id))


def _keep_disliked(ctx: WorkerContext) -> None:
    """Keep the turns for certain whose answer got a thumb down after they were read."""
    with ctx.database.look() as session:
        begin, mark = watermarks.get(session, watermarks.SAMPLES_BEGIN), watermarks.get(session, watermarks.SAMPLES)
        if begin is None or mark is None:
            return
        ids = turn_signs.disliked_later(session, since=begin[0], until=mark[0], limit=BATCH)
        found = _of_agents(ctx, turn_signs.of(session, ids)) if ids else []
    if not found:
        return
    with ctx.database.write() as session:
        for key, one in found:
            if samples.keep_for_certain(session, one.turn_id, SampledFor.THUMB_DOWN):
                _draw_again(ctx, session, key, (begin[0], mark[0]))
            else:
                samples.keep(session, [_new(key, one, SampledFor.THUMB_DOWN)])


def _draw_again(ctx: WorkerContext, session: Session, key: WeekKey, span: tuple[datetime, datetime]) -> None:
    """Draw the next turn of a week with few turns, because one that was drawn is now kept for certain."""
    numbers = samples.numbers(session, key, at_most=draw.AT_LEAST)
    last = numbers[-1] if len(numbers) == draw.AT_LEAST else 1.0
    if last < draw.SHARE:
        return  # the week has enough below the share, and drawing depends on no other turn
    monday = datetime.fromisoformat(key.week).replace(tzinfo=UTC)
    since, until = max(monday, span[0]), min(monday + timedelta(days=7), span[1])
    ids = turn_signs.ended_in(session, key.release, since, until)
    others = set(ids) - samples.kept_of(session, ids)
    found = [one for of, one in _of_agents(ctx, turn_signs.of(session, others)) if of == key]
    following = min(found, key=lambda one: draw.number(one.turn_id), default=None)
    if following is not None and draw.number(following.turn_id) < last:
        samples.keep(session, [_new(key, following, SampledFor.DRAWN)])


def _score(ctx: WorkerContext) -> None:
    with ctx.database.look() as session:
        waiting = samples.unscored(session, ended_before=now() - TIME_TO_ARRIVE, limit=AT_ONCE)
    if waiting:
        _score_each(ctx, waiting)
    watch.close_unseen(ctx, AlertKind.SAMPLE_FAILED)


def _score_each(ctx: WorkerContext, waiting: Sequence[KeptSample]) -> None:
    """Score samples together; if that fails, each by itself, so that one which cannot be scored stops no other."""
    try:
        _score_together(ctx, waiting)
    except DeskhandError:  # the database's, which is no better for another
        raise
    except Exception as bug:
        if len(waiting) == 1:
            log.exception("sample.not_scored", turn=waiting[0].turn_id, error=type(bug).__name__)
        for sample in waiting if len(waiting) > 1 else ():
            _score_each(ctx, [sample])


def _score_together(ctx: WorkerContext, waiting: Sequence[KeptSample]) -> None:
    with ctx.database.look() as session:
        read = turn_evidence.of(session, [sample.turn_id for sample in waiting])
    judged = {name for name, agent in ctx.agents.items() if sample_judge.is_on(ctx, agent)}
    alike: dict[tuple[Found, bool, int | None], list[KeptSample]] = defaultdict(list)
    for sample in waiting:
        seen, agent = read.get(sample.turn_id), ctx.agents.get(sample.agent)
        if seen is None:
            log.error("sample.not_read", turn=sample.turn_id)
            continue
        found = invariants.violations(seen, () if agent is None else agent.card.links)
        to_judge = bool(not found and seen.answers and sample.agent in judged)
        alone = sample.id if any(one in HARD for one, _ in found) else None
        alike[found, to_judge, alone].append(sample)
    for (found, to_judge, _), of in alike.items():
        _store(ctx, of, found, to_judge=to_judge)


def _store(ctx: WorkerContext, of: Sequence[KeptSample], found: Found, *, to_judge: bool) -> None:
    """Store the score of samples in which the same was found; one of which owners are alerted comes by itself."""
    with ctx.database.write() as session:
        failures = [(str(one), said) for one, said in found]
        ours = samples.score(session, [sample.id for sample in of], failures, to_judge=to_judge)
        scored = [sample for sample in of if sample.id in ours]  # another clock has scored the others
        for sample in scored:
            for invariant, said in found:
                if invariant in HARD:
                    _alert(session, sample, invariant, said)
    if found:
        failed = [str(one) for one, _ in found]
        for sample in scored:
            log.warning(
                "sample.failed", turn=sample.turn_id, ticket=sample.ticket_id, agent=sample.agent, failed=failed
            )


def _alert(session: Session, sample: KeptSample, invariant: Invariant, said: str) -> None:
    detail = {"said": said, "ticket": sample.ticket_id}
    if owner_alerts.open_(session, sample.agent, AlertKind.SAMPLE_FAILED, str(invariant), detail):
        watch.say_opened(session, sample.agent, AlertKind.SAMPLE_FAILED, str(invariant))
