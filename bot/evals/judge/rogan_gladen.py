"""The share of good answers, corrected for the errors of the judge, and how sure it is. Pure.

Source of the estimate: Rogan and Gladen, Estimating prevalence from the results of a screening test (1978). Source of
the interval: Lang and Reiczigel, Confidence limits for prevalence of disease adjusted for estimated sensitivity and
specificity (2014). It holds the error of all three shares, which are each drawn towards one half first, as Agresti and
Coull do. tests/bot/evals/judge/test_rogan_gladen.py simulates its coverage.
"""

from dataclasses import dataclass

from bot.intervals import BOTH_SIDES


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a judge agreed with people's labels."""

    good: int
    "Answers that people call good, at least one."
    good_found: int
    "How many of them the judge calls good."
    bad: int
    "Answers that people call bad, at least one."
    bad_found: int
    "How many of them the judge calls bad."

    @property
    def sensitivity(self) -> float:
        """Return the share of the good answers that the judge calls good."""
        return self.good_found / self.good

    @property
    def specificity(self) -> float:
        """Return the share of the bad answers that the judge calls bad."""
        return self.bad_found / self.bad

    @property
    def informs(self) -> bool:
        """Return whether the judge tells good from bad better than a coin, however it is biased."""
        return self.sensitivity + self.specificity > 1


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """The share of good answers as people would label them."""

    rate: float
    low: float
    high: float
    "Bounds of the interval of 95 %."


def corrected(called_good: int, judged: int, agreement: Agreement) -> CorrectedRate:
    """Return the true share of good answers.

    Args:
        called_good: how many answers the judge calls good.
        judged: how many answers it has judged, at least one.
        agreement: how well it agrees with people; it must inform.

    Raises:
        ValueError: the judge tells nothing, or nothing was judged.
    """
    if not agreement.informs or judged < 1:
        raise ValueError("a judge that tells nothing, or has judged nothing, cannot be corrected")
    gain = agreement.sensitivity + agreement.specificity - 1
    rate = _within((called_good / judged + agreement.specificity - 1) / gain)
    low, high = _interval(called_good, judged, agreement)
    return CorrectedRate(rate, min(low, rate), max(high, rate))


def _interval(called_good: int, judged: int, agreement: Agreement) -> tuple[float, float]:
    z = BOTH_SIDES
    cases, good, bad = judged + z * z, agreement.good + 2, agreement.bad + 2
    share = (called_good + z * z / 2) / cases
    found, kept = (agreement.good_found + 1) / good, (agreement.bad_found + 1) / bad
    gain = found + kept - 1
    if gain <= 0:
        return 0.0, 1.0
    rate = (share + kept - 1) / gain
    of_good, of_bad = found * (1 - found) / good, kept * (1 - kept) / bad
    moved = 2 * z * z * (rate * of_good - (1 - rate) * of_bad)
    error = (share * (1 - share) / cases + rate**2 * of_good + (1 - rate) ** 2 * of_bad) ** 0.5 / gain
    return _within(rate + moved - z * error), _within(rate + moved + z * error)


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
