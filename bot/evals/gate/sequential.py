"""The looks at a candidate: after each round of repeats it is blocked, passed, or played on.

Against a baseline a candidate is looked at up to three times. It is **blocked** when the exact test says that it passes
less often, and it **passes** when the lower bound of the difference rules a drop of five points out. If neither is so
at the last look, it is inconclusive: a person decides. Each look has a stricter figure than one look alone would have,
so that all looks together err as rarely as planned (Pocock and O'Brien-Fleming describe such boundaries; these were
found by simulation, which is a test: tests/bot/evals/gate/test_simulation.py).

Without a baseline, or with one that has too little in common with the suite, the absolute criteria decide at the end.
A failure in a hard slice blocks at once, always.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from bot.evals.gate import absolute, exact, pass_k, tallies
from bot.evals.gate.absolute import ReleaseVerdict
from bot.evals.gate.exact import CaseTable
from bot.evals.gate.tallies import Score
from bot.store.schema import Verdict

MOST_DROP = 0.05
"A drop of the pass rate that must not pass."
COMPARABLE = 0.8
"The least share of the suite's cases that the baseline must have played as they are now."
SLICE_ALPHA = 0.05
"A slice is named as a reason when its own exact p-value is below this."

Baseline = Mapping[str, tuple[int, int]]
"For each case that is as it was: how many of the promoted release's plays passed, and how many there were."


@dataclass(frozen=True, slots=True)
class InterimLook:
    """One look at a candidate."""

    repeats: int
    "How many times each case has been played by then."
    alpha: float
    "An exact p-value below this blocks."
    z: float
    "How sure the lower bound of the difference is, in standard errors."


LOOKS = (InterimLook(2, 0.01, 2.2), InterimLook(4, 0.02, 2.05), InterimLook(6, 0.03, 1.85))
LAST = LOOKS[-1]


@dataclass(frozen=True, slots=True)
class GoOn:
    """There is no verdict yet."""

    until: int
    "How many times each case must have been played before the next look."


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a look at a candidate beside its baseline says."""

    p: float
    "The exact p-value of a drop."
    difference: float
    "The candidate's pass rate less the baseline's, as the mean over the cases."
    low: float
    "The lower bound of the difference."

    def verdict(self, look: InterimLook) -> Verdict | None:
        """Return what the look decides; None: nothing yet."""
        if self.p < look.alpha:
            return Verdict.BLOCK
        return Verdict.PASS if self.low > -MOST_DROP else None

    def __str__(self) -> str:
        return (
            f"{100 * self.difference:+.1f} points against the baseline, lower bound {100 * self.low:+.1f}, "
            f"exact p {self.p:.3f}"
        )


def look(
    scores: Iterable[Score], baseline: Baseline | None, *, pass_at_least: float, repeats: int | None = None
) -> ReleaseVerdict | GoOn:
    """Judge a candidate after a round of repeats; before the first, say how long that is.

    Args:
        scores: the score of every play until now, of all rounds. A case that could not be played is not for the gate.
        baseline: None if no release was promoted.
        pass_at_least: the card's least lower bound of the pass rate, which holds against a baseline, too.
        repeats: how many times each case is played, if somebody has fixed it: then there is one look, with the figures
            of the last. None: rounds of two.
    """
    scores = tuple(scores)
    played = min((count for _, count in tallies.by_case(scores).values()), default=0)
    stops = LOOKS if repeats is None else (InterimLook(repeats, LAST.alpha, LAST.z),)
    if blocked := absolute.hard_block(scores):
        return blocked
    reached = [stop for stop in stops if stop.repeats <= played]
    coming = [stop for stop in stops if stop.repeats > played]
    if not reached:
        return GoOn(stops[0].repeats)
    tables = _tables(scores, baseline or {})
    at, unlike = reached[-1], _unlike(tables, scores, baseline)
    decided = None if unlike else _beside_baseline(scores, tables, at, pass_at_least, last=not coming)
    if decided is not None:
        return decided
    if coming:
        return GoOn(coming[0].repeats)
    alone = absolute.decide(scores, pass_at_least=pass_at_least)
    return replace(alone, why=(*alone.why, unlike or _too_few(tables, at)))


def compare(tables: Sequence[CaseTable], *, z: float) -> Comparison:
    """Compare a candidate with its baseline over cases, at least one."""
    difference = fmean(table.difference for table in tables)
    return Comparison(exact.p_value(tables), difference, lower_bound(tables, z=z))


def lower_bound(tables: Sequence[CaseTable], *, z: float) -> float:
    """Return the lower bound of the mean difference over cases, from -1 to 1.

    It is the mean less z standard errors, the larger one of two: that of the deal within the cases, as in the exact
    test, and that of the paired differences, which is larger when a change has hit some cases and not others. Where all
    cases are alike both would be zero, so the bound is never above what N cases without any difference show:
    -z^2 / (N + z^2).

    Source: Tango, Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design (1998), whose score interval without a discordant pair has that bound.
    """
    cases = len(tables)
    if cases < 2:  # noqa: PLR2004 - one case has no spread
        return -1.0
    differences = [table.difference for table in tables]
    dealt = math.sqrt(math.fsum(table.variance for table in tables)) / cases
    error = max(dealt, stdev(differences) / math.sqrt(cases))
    return min(fmean(differences) - z * error, -z * z / (cases + z * z))


def least_cases(z: float) -> int:
    """Return how many cases without any difference it takes to rule out a drop of `MOST_DROP`."""
    return math.floor(z * z * (1 - MOST_DROP) / MOST_DROP) + 1


def _beside_baseline(
    scores: Sequence[Score], tables: Mapping[str, CaseTable], at: InterimLook, pass_at_least: float, *, last: bool
) -> ReleaseVerdict | None:
    """Return what a look decides beside the baseline; None: nothing yet, or the cases are too few to pass by it."""
    seen = compare(list(tables.values()), z=at.z)
    also = (*pass_k.alarms(tables.values()),)
    match seen.verdict(at):
        case Verdict.BLOCK:
            slices = _fallen(scores, tables)
            why = f"{seen}, below {at.alpha}: {', '.join(slices)}"
            return ReleaseVerdict(Verdict.BLOCK, (why, *also), slices)
        case Verdict.PASS:
            alone = absolute.decide(scores, pass_at_least=pass_at_least)
            if alone.word is Verdict.PASS:
                return replace(alone, why=(*alone.why, str(seen), *also))
            return alone if last else None
    if not last or len(tables) < least_cases(LAST.z):
        return None
    open_still = f"a drop of {100 * MOST_DROP:.0f} points is neither shown nor ruled out after {at.repeats} repeats"
    return ReleaseVerdict(Verdict.INCONCLUSIVE, (f"{seen}: {open_still}", absolute.hard_proof(scores), *also))


def _tables(scores: Sequence[Score], baseline: Baseline) -> dict[str, CaseTable]:
    """Return the table of each case that the baseline has played, too."""
    counts = tallies.by_case(scores)
    return {
        case: CaseTable(passed, played, *baseline[case])
        for case, (passed, played) in counts.items()
        if case in baseline and baseline[case][1] > 0
    }


def _unlike(tables: Mapping[str, CaseTable], scores: Sequence[Score], baseline: Baseline | None) -> str | None:
    """Return why a candidate cannot be held against the baseline, or None."""
    if baseline is None:
        return "absolute criteria: no release was promoted before"
    cases = len({score.case for score in scores})
    if len(tables) < COMPARABLE * cases:
        return f"absolute criteria: the baseline has played {len(tables)} of the {cases} cases as they are now"
    return None


def _too_few(tables: Mapping[str, CaseTable], at: InterimLook) -> str:
    p = exact.p_value(tables.values())
    return (
        f"absolute criteria: {len(tables)} cases beside the baseline are too few to rule out a drop of "
        f"{100 * MOST_DROP:.0f} points, which takes {least_cases(at.z)}; they show none (exact p {p:.3f})"
    )


def _fallen(scores: Sequence[Score], tables: Mapping[str, CaseTable]) -> tuple[str, ...]:
    """Return the slices that pass less often than before, the clearest first: at least one."""
    of_case = {score.case: score.slice for score in scores}
    by_slice: dict[str, list[CaseTable]] = {}
    for case, table in tables.items():
        by_slice.setdefault(of_case[case], []).append(table)
    ordered = sorted((exact.p_value(rows), name) for name, rows in by_slice.items())
    return tuple(name for p, name in ordered if p < SLICE_ALPHA) or (ordered[0][1],)
