"""Whether the probes of a release pass less often than in its own evaluation: the same exact test, over and over. Pure.

After each run of the probes, windows of the last runs are held against the evaluation: a short one, which finds a large
drop within a day, and longer ones, which find a small drop. Each asks for a p-value far below that of a single test,
since there are two runs a day for as long as the release serves. The figures were found by simulation, which is a test:
tests/bot/evals/gate/test_probe_simulation.py.

A failure in a hard slice counts at once, as it does in an evaluation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bot.evals.gate import exact
from bot.evals.gate.exact import CaseTable
from bot.evals.gate.sequential import Baseline
from bot.store.schema import ProbeState

WINDOWS = (2, 6, 14)
"How many of the last runs are compared together: those of a day, of three days and of a week."
LONGEST = max(WINDOWS)
ALPHA = 0.001
"An exact p-value of a window below this is a drop."
UNCLEAR = 0.05
"A drop is over when no window has a p-value below this; it must not come and go."


@dataclass(frozen=True, slots=True)
class ProbeWindow:
    """The last runs of the probes, beside the evaluation."""

    runs: int
    p: float
    "The exact p-value of a drop."
    difference: float
    "The pass rate of the runs less that of the evaluation, as the mean over the cases, from -1 to 1."


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """What the probes of a release say now."""

    state: ProbeState
    window: ProbeWindow | None
    "The window with the smallest p-value; None: there was nothing to compare."
    hard_failures: tuple[str, ...]
    "The cases of hard slices that failed in the last run."


def read(runs: Sequence[Mapping[str, bool]], evaluation: Baseline, hard: Iterable[str]) -> ProbeReading:
    """Hold the last runs of the probes against the evaluation of their release.

    Args:
        runs: for each of the last runs, the newest first and at least one, whether each case passed.
        evaluation: for each case, how many of its plays passed in the evaluation and how many there were.
        hard: ids of the cases of hard slices.
    """
    failed = tuple(sorted(case for case in hard if not runs[0].get(case, True)))
    windows = [found for size in WINDOWS if (found := _window(runs[:size], evaluation)) is not None]
    surest = min(windows, key=lambda one: one.p, default=None)
    return ProbeReading(_state(surest, failed), surest, failed)


def _state(surest: ProbeWindow | None, failed: tuple[str, ...]) -> ProbeState:
    if failed or (surest is not None and surest.p < ALPHA):
        return ProbeState.WORSE
    return ProbeState.UNCLEAR if surest is None or surest.p < UNCLEAR else ProbeState.AS_BEFORE


def _window(runs: Sequence[Mapping[str, bool]], evaluation: Baseline) -> ProbeWindow | None:
    """Compare some runs; None if the evaluation has played none of their cases."""
    tables = []
    for case, (before, played) in evaluation.items():
        passes = [run[case] for run in runs if case in run]
        if passes and played:
            tables.append(CaseTable(sum(passes), len(passes), before, played))
    if not tables:
        return None
    return ProbeWindow(len(runs), exact.p_value(tables), fmean(one.difference for one in tables))
