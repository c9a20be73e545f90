"""What the samples of a release say, in words and as JSON: the same on the terminal, in Slack and on the dashboard.

No share is written as 100 %: without a failure it is the least that the number of turns shows.
"""

import math
from typing import Any

from bot.sampling.estimate import WeightedShare
from bot.sampling.quality import BaselineShare, SampledQuality, SampledWeekShare
from bot.store.releases.samples import FailedSample, SampleCount

STANDIN = "A stand-in model answered: these figures say nothing about Claude."
NOT_JUDGED = "No sampled answer was judged for tone and groundedness."


def share(found: WeightedShare) -> str:
    """Return a share with its interval, rounded outwards: `91.0 to 98.7 %`, or `at least 88.6 %`."""
    return _bounds(found.rate, found.low, found.high)


def sentences(found: SampledQuality) -> tuple[str, ...]:
    """Return what the samples say, a sentence each, the most important one first."""
    if not found.turns:
        return ("No turn of this release has been sampled in these weeks.",)
    every = found.all
    looked = (
        f"{every.scored:,} of {found.turns:,} turns since {found.since} were scored: "
        f"{found.certain.scored:,} kept for certain, and {found.drawn.scored:,} drawn from the others."
    )
    if found.good is None:
        return (f"{_kept(every)} and none is scored yet.",)
    said = [f"Everything that must always hold did hold in {share(found.good)} of the turns (95 % interval).", looked]
    if every.kept > every.scored:
        said.append(f"{every.kept - every.scored:,} more are kept and not scored yet.")
    if found.baseline is not None:
        said.append(beside(found, found.baseline))
    said.append(judged(found))
    return (*said, *([STANDIN] if found.model_is_standin else []))


def beside(found: SampledQuality, baseline: BaselineShare) -> str:
    """Return how the baseline did, and whether the turns go worse."""
    verdict = " The turns go worse than that." if found.below_baseline else ""
    bounds = _bounds(baseline.rate, baseline.low, baseline.high)
    return f"Of the plays of the baseline, {baseline.release}, {bounds} pass.{verdict}"


def judged(found: SampledQuality) -> str:
    """Return what the judge said, or that it was not asked."""
    if found.called_good is None:
        return NOT_JUDGED
    return (
        f"The judge calls {share(found.called_good)} of the answers good in tone and groundedness, by {found.judged:,} "
        "of them; this is not corrected for its errors."
    )


def failure(one: FailedSample) -> str:
    """Return what did not hold in a turn."""
    return " ".join(f"{name}: {saw}" for name, saw in one.failures)


def as_json(found: SampledQuality) -> dict[str, Any]:
    """Return it as plain values; shares from 0 to 1, times as ISO 8601."""
    baseline = found.baseline
    return {
        "release": found.release,
        "since": found.since,
        "turns": found.turns,
        **_count(found.all),
        "certain": _count(found.certain),
        "drawn": _count(found.drawn),
        "good": _share(found.good),
        "judged": found.judged,
        "called_good": _share(found.called_good),
        "baseline": None
        if baseline is None
        else {
            "release": baseline.release,
            "passed": baseline.passed,
            "played": baseline.played,
            "rate": baseline.rate,
            "low": baseline.low,
            "high": baseline.high,
        },
        "below_baseline": found.below_baseline,
        "weeks": [_week(one) for one in found.weeks],
        "failures": [
            {"ticket": one.ticket_id, "turn": one.turn_id, "at": one.at.isoformat(), "failed": dict(one.failures)}
            for one in found.failures
        ],
        "last_scored": None if found.last_scored is None else found.last_scored.isoformat(),
        "model_is_standin": found.model_is_standin,
    }


def as_text(found: SampledQuality) -> str:
    """Return it for a terminal of 100 columns."""
    lines = ["Sampled turns", *(f"  {one}" for one in sentences(found))]
    lines += [f"  Ticket {one.ticket_id}, {one.at:%Y-%m-%d %H:%M} UTC: {failure(one)}" for one in found.failures]
    return "\n".join(lines)


def _bounds(rate: float, low: float, high: float) -> str:
    least = math.floor(1_000 * low) / 10
    return f"at least {least:.1f} %" if round(rate, 9) >= 1 else f"{least:.1f} to {math.ceil(1_000 * high) / 10:.1f} %"


def _kept(every: SampleCount) -> str:
    return "One turn is kept" if every.kept == 1 else f"{every.kept:,} turns are kept"


def _count(count: SampleCount) -> dict[str, int]:
    return {"kept": count.kept, "scored": count.scored, "passed": count.passed}


def _share(found: WeightedShare | None) -> dict[str, float] | None:
    return None if found is None else {"rate": found.rate, "low": found.low, "high": found.high}


def _week(one: SampledWeekShare) -> dict[str, Any]:
    return {"week": one.week, "turns": one.turns, **_count(one.certain + one.drawn), "good": _share(one.good)}
