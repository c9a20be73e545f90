"""A run beside the plays of the promoted release: by slice, and which cases got worse or better.

Only cases that the baseline has played as they are now, scored by the same code, are compared; the others are counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from bot.store.releases import baselines, eval_runs
from bot.store.schema import EvalResult, EvalRun, Verdict


class PlayCount(NamedTuple):
    """How many plays passed, and how many there were."""

    passed: int
    played: int

    @property
    def rate(self) -> float:
        """Return the share that passed, from 0 to 1."""
        return self.passed / self.played

    @property
    def words(self) -> str:
        """Return it as people read it: `3 of 4`."""
        return f"{self.passed:,} of {self.played:,}"


@dataclass(frozen=True, slots=True)
class Beside:
    """The plays of a slice or of a case, beside those of the baseline."""

    name: str
    slice: str
    hard: bool
    now: PlayCount
    before: PlayCount

    @property
    def change(self) -> float:
        """Return by how much the pass rate has changed, from -1 to 1."""
        return self.now.rate - self.before.rate


@dataclass(frozen=True, slots=True)
class RunBeside:
    """A run, and how its release does beside the baseline of its agent."""

    agent: str
    release: str
    run_id: int
    verdict: Verdict | None
    why: tuple[str, ...]
    "What the gate said of the run."
    baseline: str | None
    "The promoted release; None: no release of the agent was promoted."
    slices: tuple[Beside, ...] = ()
    "Largest loss first."
    worse: tuple[Beside, ...] = ()
    "The cases that pass less often than the baseline's, largest loss first."
    better: tuple[Beside, ...] = ()
    "The cases that pass more often, largest gain first."
    apart: int = 0
    "Cases of the run that the baseline has not played as they are now."
    model_is_standin: bool = False
    "Whether a stand-in answered in the run, or in one of the baseline's."

    @property
    def is_baseline(self) -> bool:
        """Return whether the run is one of the baseline itself."""
        return self.release == self.baseline


def of_run(session: Session, agent: str, run: EvalRun) -> RunBeside:
    """Return a run of an agent's beside the baseline of the agent."""
    promoted, results = baselines.current(session, agent), eval_runs.results(session, run.id)
    shas = {result.case_id: result.case_sha for result in results}
    before = baselines.plays(session, agent, shas) or {}
    standin = run.model_is_standin or (promoted is not None and eval_runs.played_by_standin(session, promoted.release))
    cases = [
        Beside(case, rows[0].slice, rows[0].hard, _count(rows), PlayCount(*before[case]))
        for case, rows in _by_case(results).items()
        if case in before
    ]
    return RunBeside(
        agent=agent,
        release=run.release,
        run_id=run.id,
        verdict=run.verdict,
        why=tuple(map(str, run.why)),
        baseline=None if promoted is None else promoted.release,
        slices=_by_slice(cases),
        worse=tuple(sorted((one for one in cases if one.change < 0), key=lambda one: (one.change, one.name))),
        better=tuple(sorted((one for one in cases if one.change > 0), key=lambda one: (-one.change, one.name))),
        apart=len(shas) - len(cases),
        model_is_standin=standin,
    )


def _by_case(results: Iterable[EvalResult]) -> dict[str, list[EvalResult]]:
    found: dict[str, list[EvalResult]] = {}
    for result in results:
        found.setdefault(result.case_id, []).append(result)
    return found


def _count(results: list[EvalResult]) -> PlayCount:
    return PlayCount(sum(result.passed for result in results), len(results))


def _by_slice(cases: list[Beside]) -> tuple[Beside, ...]:
    found: dict[str, Beside] = {}
    for one in cases:
        sum_ = found.get(one.slice, Beside(one.slice, one.slice, one.hard, PlayCount(0, 0), PlayCount(0, 0)))
        now, before = _sum(sum_.now, one.now), _sum(sum_.before, one.before)
        found[one.slice] = Beside(one.slice, one.slice, one.hard, now, before)
    return tuple(sorted(found.values(), key=lambda one: (one.change, not one.hard, one.name)))


def _sum(one: PlayCount, other: PlayCount) -> PlayCount:
    return PlayCount(one.passed + other.passed, one.played + other.played)
