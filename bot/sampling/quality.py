"""How good the turns of a release are by its samples of the last weeks, beside the baseline: read from rows.

A turn is good when every invariant held, and a play of the baseline when it passed. That asks more of the play, as its
case also says what must come of it; so a release whose turns break what must always hold more often than its baseline
failed a case is worse than the baseline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import intervals
from bot.sampling import draw, estimate
from bot.sampling.estimate import Stratum, WeightedShare
from bot.store.db import Session
from bot.store.releases import baselines, eval_runs, samples
from bot.store.releases.samples import CountedWeek, FailedSample, SampleCount
from bot.store.schema import now

WEEKS = 4
"Weeks that are looked at: the one under way, and those before it."
SHOWN = 10
"The most turns that are listed in which something did not hold."


@dataclass(frozen=True, slots=True)
class BaselineShare:
    """How the plays of the promoted release did; the bounds are those of an interval of 95 % that counts cases."""

    release: str
    passed: int
    played: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SampledWeekShare:
    """One week of a release."""

    week: str
    "Its Monday, as `2026-11-23`."
    turns: int
    certain: SampleCount
    drawn: SampleCount
    good: WeightedShare | None
    "The share of its turns that is good; None: nothing is scored yet."


@dataclass(frozen=True, slots=True)
class SampledQuality:
    """What the samples of a release say, of the last weeks."""

    agent: str
    release: str
    since: str
    "The first week that is looked at."
    weeks: tuple[SampledWeekShare, ...]
    "The weeks in which turns ended, the first one first."
    good: WeightedShare | None
    "The share of good turns; None: nothing is scored yet."
    judged: int
    "Answers that the judge has said something of."
    called_good: WeightedShare | None
    "The share of answers that the judge calls good, where every invariant held; None: it was not asked."
    baseline: BaselineShare | None
    failures: tuple[FailedSample, ...]
    "Turns of the agent in which something did not hold, the newest first, of whatever release."
    last_scored: datetime | None
    model_is_standin: bool
    "Whether a stand-in answered in the evaluation of this release, and so in these turns."

    @property
    def turns(self) -> int:
        """Return how many turns ended in these weeks."""
        return sum(one.turns for one in self.weeks)

    @property
    def certain(self) -> SampleCount:
        """Return the turns that are kept for certain."""
        return sum((one.certain for one in self.weeks), SampleCount())

    @property
    def drawn(self) -> SampleCount:
        """Return the turns that were drawn from the others."""
        return sum((one.drawn for one in self.weeks), SampleCount())

    @property
    def all(self) -> SampleCount:
        """Return all samples."""
        return self.certain + self.drawn

    @property
    def below_baseline(self) -> bool:
        """Return whether the whole interval lies below that of the baseline."""
        return self.good is not None and self.baseline is not None and self.good.high < self.baseline.low

    @property
    def reaches_baseline(self) -> bool:
        """Return whether the share itself is not below the interval of the baseline."""
        return self.good is None or self.baseline is None or self.good.rate >= self.baseline.low


def read(session: Session, agent: str, release: str, *, at: datetime | None = None) -> SampledQuality:
    """Return what the samples of a release say."""
    at = at or now()
    since = draw.week_of(at - timedelta(weeks=WEEKS - 1))
    counted = samples.weeks(session, agent, release, since=since, share=draw.SHARE, at_least=draw.AT_LEAST)
    weeks = tuple(_week(one) for one in counted)
    monday = datetime.fromisoformat(since).replace(tzinfo=at.tzinfo)
    return SampledQuality(
        agent=agent,
        release=release,
        since=since,
        weeks=weeks,
        good=_good(weeks),
        judged=sum(one.certain.judged + one.drawn.judged for one in weeks),
        called_good=_called_good(weeks),
        baseline=_baseline(session, agent),
        failures=tuple(samples.failed(session, agent, since=monday, limit=SHOWN)),
        last_scored=samples.last_scored(session, [agent]),
        model_is_standin=eval_runs.played_by_standin(session, release),
    )


def _week(one: CountedWeek) -> SampledWeekShare:
    """Return a week by the rule: those below the share are drawn, or the smallest ones if these are more."""
    drawn = one.below if one.below.kept >= draw.AT_LEAST else one.smallest
    week = SampledWeekShare(one.week, one.turns, one.certain, drawn, None)
    return SampledWeekShare(one.week, one.turns, one.certain, drawn, _good([week]))


def _good(weeks: Sequence[SampledWeekShare]) -> WeightedShare | None:
    certain = sum((one.certain for one in weeks), SampleCount())
    rest = [Stratum(one.turns - one.certain.kept, one.drawn.scored, one.drawn.passed) for one in weeks]
    return estimate.share(Stratum(certain.kept, certain.scored, certain.passed), rest)


def _called_good(weeks: Sequence[SampledWeekShare]) -> WeightedShare | None:
    """Return the share of answers called good; of a week it is known which part of its turns the judge is asked of."""
    certain = sum((one.certain for one in weeks), SampleCount())
    rest = [
        Stratum(
            (one.turns - one.certain.kept) * one.drawn.to_judge / max(1, one.drawn.scored),
            one.drawn.judged,
            one.drawn.called_good,
        )
        for one in weeks
    ]
    return estimate.share(Stratum(certain.to_judge, certain.judged, certain.called_good), rest)


def _baseline(session: Session, agent: str) -> BaselineShare | None:
    promoted = baselines.current(session, agent)
    if promoted is None:
        return None
    cases = baselines.plays_of(session, promoted.release)
    if not cases:
        return None
    weight = sum(passed / played for passed, played in cases)
    low, high = intervals.wilson(weight, len(cases))
    passed, played = sum(won for won, _ in cases), sum(number for _, number in cases)
    return BaselineShare(promoted.release, passed, played, weight / len(cases), low, high)
