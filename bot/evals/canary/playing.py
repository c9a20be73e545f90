"""A sabotaged agent is played where it should hurt and judged by the gate; nothing of it is kept but its spending.

First come the cases of the slice that must block it, while every other case counts as passed. That is the best that
the others could do, and more failures never turn a block into a pass; so an agent that is blocked then is blocked
whatever the others would do. If it is not, all other cases are played, too, and the gate judges the whole suite.
"""

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bot.errors import Transient
from bot.evals import gate, stage
from bot.evals.canary.sabotages import Sabotage
from bot.evals.cases import Case, Suite
from bot.evals.gate import ReleaseVerdict, Score
from bot.evals.scorers import score
from bot.evals.stage import RuntimeFor
from bot.store.schema import Verdict

TRIES = 3
"How many times a case is played until it is played to its end."


@dataclass(frozen=True, slots=True)
class CanaryPlay:
    """One case, played by a sabotaged agent."""

    case: Case
    failures: tuple[str, ...]

    @property
    def score(self) -> Score:
        """Return its score for the gate."""
        return Score(self.case.id, self.case.slice, self.case.hard, not self.failures)


@dataclass(frozen=True, slots=True)
class SabotageResult:
    """What the evaluation says of a sabotaged agent."""

    sabotage: Sabotage
    verdict: ReleaseVerdict
    plays: tuple[CanaryPlay, ...]
    whole: bool
    "Whether every case was played; otherwise those of other slices counted as passed."

    @property
    def evidence(self) -> str | None:
        """Return what a failed case of the expected slice says of the sabotage, or None."""
        end = self.sabotage.end
        said = (failure for play in self.plays if play.case.slice == end.slice for failure in play.failures)
        return next((one for one in said if re.search(end.shows, one, re.IGNORECASE)), None)

    @property
    def caught(self) -> bool:
        """Return whether it is blocked, for the expected slice and the expected reason."""
        blocked = self.verdict.word is Verdict.BLOCK and self.sabotage.end.slice in self.verdict.slices
        return blocked and self.evidence is not None

    @property
    def slice(self) -> str | None:
        """Return the slice for which it is blocked: the expected one if it is caught, else the worst; None: none."""
        return self.sabotage.end.slice if self.caught else next(iter(self.verdict.slices), None)


def play(
    sabotage: Sabotage,
    suite: Suite,
    runtime_for: RuntimeFor,
    *,
    pass_at_least: float,
    workers: int,
    whole: bool = False,
) -> SabotageResult:
    """Play a sabotaged agent and judge it.

    Args:
        sabotage: what is wrong with it.
        suite: the cases of the agent.
        runtime_for: puts the agent to work as it is without the sabotage.
        pass_at_least: the card's least lower bound of the pass rate.
        workers: how many cases are played at a time.
        whole: whether every case is played in any event.

    Raises:
        Transient: a case met an outage each time, which says nothing of the sabotage.
    """
    where = [case for case in suite.cases if case.slice == sabotage.end.slice]
    rest = [case for case in suite.cases if case.slice != sabotage.end.slice]
    plays = _played(where, sabotage, runtime_for, workers)
    verdict = judged(plays, rest, pass_at_least=pass_at_least)
    if not whole and verdict.word is Verdict.BLOCK:
        return SabotageResult(sabotage, verdict, plays, whole=False)
    plays += _played(rest, sabotage, runtime_for, workers)
    return SabotageResult(sabotage, judged(plays, (), pass_at_least=pass_at_least), plays, whole=True)


def judged(plays: Iterable[CanaryPlay], unplayed: Iterable[Case], *, pass_at_least: float) -> ReleaseVerdict:
    """Return the gate's verdict if all cases that were not played had passed."""
    passed = (Score(case.id, case.slice, case.hard, passed=True) for case in unplayed)
    return gate.decide([*(one.score for one in plays), *passed], pass_at_least=pass_at_least)


def _played(cases: Iterable[Case], sabotage: Sabotage, runtime_for: RuntimeFor, workers: int) -> tuple[CanaryPlay, ...]:
    one: Callable[[Case], CanaryPlay] = lambda case: _play(case, sabotage, runtime_for)  # noqa: E731
    with ThreadPoolExecutor(workers, thread_name_prefix="canary") as pool:
        return tuple(pool.map(one, cases))


def _play(case: Case, sabotage: Sabotage, runtime_for: RuntimeFor) -> CanaryPlay:
    """Play one case; one that meets an outage is played again."""
    for _ in range(TRIES):
        seen = stage.play_case(case, lambda own: sabotage.spoil(runtime_for(own)), hear=sabotage.hear)
        if seen.outage is None:
            return CanaryPlay(case, score(case, seen))
    raise Transient(f"{case.id} could not be played: {seen.outage}")
