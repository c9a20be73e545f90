"""What samples say, as values for the reports that show it."""

from datetime import UTC, datetime

from bot.sampling.estimate import WeightedShare
from bot.sampling.quality import BaselineShare, SampledQuality, SampledWeekShare
from bot.store.releases.samples import FailedSample, SampleCount

SAMPLED_AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
GOOD = WeightedShare(0.965, 0.934, 0.988, 80.0)
SAMPLED = SampledQuality(
    agent="access",
    release="access@1",
    since="2026-11-09",
    weeks=(SampledWeekShare("2026-11-23", 225, SampleCount(57, 57, 53), SampleCount(103, 101, 100), GOOD),),
    good=GOOD,
    judged=0,
    called_good=None,
    baseline=BaselineShare("access@0", 299, 300, 0.9967, 0.98, 0.9999),
    failures=(
        FailedSample(9, 7, SAMPLED_AT, (("no_secret_said", "An answer holds what looks like a secret."),)),
        *(FailedSample(one, one, SAMPLED_AT, (("no_loop", "It <called> twice."),)) for one in range(10, 16)),
    ),
    last_scored=SAMPLED_AT,
    model_is_standin=False,
)
"""A release of 225 turns in a week, of which 158 are scored and five failed."""
