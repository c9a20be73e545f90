"""What the last runs of the probes say of a release: `bot.evals.gate.probing`, on cases of which all passed before."""

from collections.abc import Iterable

from bot.evals.gate import probing
from bot.evals.gate.probing import ProbeReading
from bot.store.schema import ProbeState

CASES = tuple(f"case-{number:02}" for number in range(30))
EVALUATION = dict.fromkeys(CASES, (6, 6))


def run(*, failed: Iterable[int] = ()) -> dict[str, bool]:
    """Return a run of the probes in which some cases failed."""
    broken = {CASES[number] for number in failed}
    return {case: case not in broken for case in CASES}


def read(*runs: dict[str, bool], hard: Iterable[str] = ()) -> ProbeReading:
    """Read runs, the newest first."""
    return probing.read(runs, EVALUATION, hard)


def test_runs_like_the_evaluation_are_as_before() -> None:
    """Also with a failure now and then, which chance explains."""
    assert read(run()).state is ProbeState.AS_BEFORE
    assert read(run(), run(failed=[3]), *[run()] * 12).state is ProbeState.AS_BEFORE


def test_a_large_drop_is_found_in_one_run() -> None:
    """Five cases of thirty that fail, of which each had passed six times: the exact p-value is their deal's."""
    found = read(run(failed=range(5)))
    assert (found.state, found.window.runs if found.window else 0) == (ProbeState.WORSE, 1)
    assert found.window is not None
    assert found.window.p == (1 / 7) ** 5
    assert found.window.difference == -5 / 30


def test_a_small_drop_is_found_by_a_long_window() -> None:
    """One case that fails from now on is no drop in a day, and is one in the runs of a week."""
    broken = run(failed=[0])
    assert read(broken, broken).state is not ProbeState.WORSE
    found = read(*[broken] * 14)
    assert (found.state, found.window.runs if found.window else 0) == (ProbeState.WORSE, 14)


def test_only_the_runs_of_the_longest_window_count() -> None:
    """What is older than a week is forgotten; a drop that ended is over when it has left every window."""
    bad, good = run(failed=range(5)), run()
    assert read(*[good] * 14, *[bad] * 14).state is ProbeState.AS_BEFORE
    assert read(*[good] * 10, *[bad] * 4).state is ProbeState.WORSE
    assert read(*[good] * 12, *[bad] * 2).state is ProbeState.UNCLEAR


def test_a_failure_in_a_hard_slice_counts_at_once() -> None:
    """In the last run, whatever the p-value; one of an earlier run is over."""
    hard = (CASES[7], CASES[8])
    found = read(run(failed=[7]), *[run()] * 5, hard=hard)
    assert (found.state, found.hard_failures) == (ProbeState.WORSE, (CASES[7],))
    assert read(*[run()] * 5, run(failed=[7]), hard=hard).state is not ProbeState.WORSE


def test_without_plays_to_compare_with_nothing_is_said() -> None:
    """A verdict whose plays are not kept, or cases that the evaluation has not played: unclear, and no p-value."""
    for evaluation in ({}, {"another": (6, 6)}, {CASES[0]: (0, 0)}):
        assert probing.read([run()], evaluation, ()) == ProbeReading(ProbeState.UNCLEAR, None, ())
