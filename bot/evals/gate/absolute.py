"""Absolute criteria: what a release must reach whatever came before it, limited by what the number of cases can show.

A hard slice must have no failure; the lower bound of the pass rate over all cases must reach what the card asks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.evals.gate import tallies
from bot.evals.gate.tallies import Score, SliceTally
from bot.store.schema import Verdict


@dataclass(frozen=True, slots=True)
class ReleaseVerdict:
    """Whether a release may serve, and why."""

    word: Verdict
    why: tuple[str, ...]
    slices: tuple[str, ...] = ()
    "The slices that blocked it, in the order of `why`, the worst first; empty unless it is blocked."


def decide(scores: Iterable[Score], *, pass_at_least: float) -> ReleaseVerdict:
    """Judge a release by its scores alone.

    Args:
        scores: the score of every play.
        pass_at_least: the least lower bound of the pass rate over all cases.

    Raises:
        ValueError: there are no scores, which say nothing about the release.
    """
    scores = tuple(scores)
    if not scores:
        raise ValueError("no case was played")
    hard = _failed_hard(scores)
    against, slices = [_hard_failure(row) for row in hard], [row.slice for row in hard]
    overall = tallies.total(scores)
    bound = f"lower bound of the pass rate over {overall.cases} cases {overall.low:.3f}"
    if overall.low < pass_at_least:
        against.append(f"{bound}, below {pass_at_least}")
        slices += [row.slice for row in _worst(scores, pass_at_least) if row.slice not in slices]
    if against:
        return ReleaseVerdict(Verdict.BLOCK, tuple(against), tuple(slices))
    return ReleaseVerdict(Verdict.PASS, (hard_proof(scores), f"{bound}, at least {pass_at_least}"))


def hard_block(scores: Sequence[Score]) -> ReleaseVerdict | None:
    """Return the block of a release that failed in a hard slice, or None."""
    failed = _failed_hard(scores)
    if not failed:
        return None
    return ReleaseVerdict(Verdict.BLOCK, tuple(map(_hard_failure, failed)), tuple(row.slice for row in failed))


def hard_proof(scores: Iterable[Score]) -> str:
    """Return what a run without a failure in a hard slice shows."""
    hard = len({score.case for score in scores if score.hard})
    return f"no failure in {hard} hard cases: {tallies.failure_bound(hard)}" if hard else "no hard case"


def _failed_hard(scores: Iterable[Score]) -> list[SliceTally]:
    return [row for row in tallies.tally(scores) if row.hard and row.passed < row.played]


def _hard_failure(row: SliceTally) -> str:
    return f"hard slice {row.slice}: {row.played - row.passed} of {row.played} failed"


def _worst(scores: Iterable[Score], pass_at_least: float) -> list[SliceTally]:
    """Return the slices below the card's figure, or else all that failed anywhere; the lowest rate first."""
    failed = [row for row in tallies.tally(scores) if row.passed < row.played]
    below = [row for row in failed if row.rate < pass_at_least] or failed
    return sorted(below, key=lambda row: (row.rate, row.slice))
