"""What samples say in words and as JSON: `bot.sampling.quality_words`."""

import json
from dataclasses import replace

from bot.sampling import quality_words
from bot.sampling.estimate import WeightedShare
from bot.store.releases.samples import SampleCount
from tests.support.sampled_quality import SAMPLED


def test_the_share_is_said_with_its_interval_beside_the_baseline() -> None:
    """How many were scored of how many and why, what waits, how the baseline did, and that nothing was judged."""
    assert quality_words.sentences(SAMPLED) == (
        "Everything that must always hold did hold in 93.4 to 98.8 % of the turns (95 % interval).",
        "158 of 225 turns since 2026-11-09 were scored: 57 kept for certain, and 101 drawn from the others.",
        "2 more are kept and not scored yet.",
        "Of the plays of the baseline, access@0, 98.0 to 100.0 % pass.",
        "No sampled answer was judged for tone and groundedness.",
    )
    worse = replace(SAMPLED, good=WeightedShare(0.9, 0.85, 0.95, 80.0))
    assert worse.below_baseline
    assert quality_words.sentences(worse)[3].endswith("pass. The turns go worse than that.")


def test_no_share_is_said_to_be_100_percent() -> None:
    """Without a failure it is what so many turns show at least."""
    assert quality_words.share(WeightedShare(1.0, 0.886, 1.0, 30.0)) == "at least 88.6 %"


def test_a_stand_in_and_a_judge_are_named() -> None:
    """The figures of a stand-in say so; those of the judge say that its errors are in them."""
    found = replace(SAMPLED, model_is_standin=True, judged=12, called_good=WeightedShare(0.9, 0.7, 0.97, 12.0))
    said = quality_words.sentences(found)
    assert said[-1] == quality_words.STANDIN
    assert said[-2] == (
        "The judge calls 70.0 to 97.0 % of the answers good in tone and groundedness, by 12 of them; this is not "
        "corrected for its errors."
    )


def test_what_is_not_there_yet_is_said() -> None:
    """No turn at all, and turns of which none is scored."""
    assert quality_words.sentences(replace(SAMPLED, weeks=())) == (
        "No turn of this release has been sampled in these weeks.",
    )
    one = replace(SAMPLED.weeks[0], certain=SampleCount(), drawn=SampleCount(kept=1))
    assert quality_words.sentences(replace(SAMPLED, weeks=(one,), good=None)) == (
        "One turn is kept and none is scored yet.",
    )


def test_a_program_gets_the_same() -> None:
    """Shares from 0 to 1, counts, and each failing ticket with what did not hold in it."""
    facts = json.loads(json.dumps(quality_words.as_json(SAMPLED)))
    assert facts["good"] == {"rate": 0.965, "low": 0.934, "high": 0.988}
    assert (facts["turns"], facts["kept"], facts["scored"], facts["passed"]) == (225, 160, 158, 153)
    assert (facts["baseline"]["release"], facts["below_baseline"], facts["called_good"]) == ("access@0", False, None)
    assert facts["failures"][0]["ticket"] == 7
    assert facts["failures"][0]["failed"] == {"no_secret_said": "An answer holds what looks like a secret."}
    assert "Ticket 7, 2026-11-30 09:00 UTC: no_secret_said: An answer holds" in quality_words.as_text(SAMPLED)
