"""Plays one case to its end, once: a failed play is never played again, one that met an outage is.

An outage is the model or the budget being down: it says nothing about the agent.
"""

import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Self

import structlog

from bot.errors import Transient
from bot.evals import cases, stage
from bot.evals.cases import Case
from bot.evals.gate import Score
from bot.evals.judge import judging
from bot.evals.judge.judge import Judge
from bot.evals.scorers import score
from bot.evals.stage import RuntimeFor

log = structlog.get_logger()

TRIES = 3
"How many times a case is played until it is played to its end."


@dataclass(frozen=True, slots=True)
class PlayedCase:
    """What a result says of its case."""

    id: str
    slice: str
    hard: bool
    sha: str
    "SHA-256 of the case as it was played, and of the code that played and scored it: only like is compared with like."

    @classmethod
    def of(cls, case: Case) -> Self:
        """Return it for a case."""
        return cls(case.id, case.slice, case.hard, hashlib.sha256(f"{case.sha}{cases.code()}".encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Play:
    """One case, played to its end once, or given up."""

    case: PlayedCase
    repeat: int
    failures: tuple[str, ...]
    transcript: tuple[dict[str, Any], ...]
    milliseconds: int
    cost_nusd: int
    outages: tuple[str, ...]
    "Why its tries ended early, one sentence each."
    played: bool
    "False if every try met an outage; the case then says nothing about the release."
    models: tuple[tuple[str, str], ...] = ()
    "Each call of a model: the id that was asked for, and the one that the response named."

    @property
    def score(self) -> Score:
        """Return its score for the gate."""
        return Score(self.case.id, self.case.slice, self.case.hard, not self.failures)


def play(
    case: Case,
    repeat: int,
    runtime_for: RuntimeFor,
    judge: Judge | None = None,
    *,
    place: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Play:
    """Play a case until it is played to its end, at most `TRIES` times, and let a judge look at what passed.

    Each try waits for a place, as of `pacing`.
    """
    milliseconds, cost, outages = 0, 0, []
    for _ in range(TRIES):
        with place():
            started = time.monotonic()
            seen = stage.play_case(case, runtime_for)
        milliseconds += round(1000 * (time.monotonic() - started))
        cost += seen.cost_nusd
        if seen.outage is None:
            break
        outages.append(seen.outage)
    played = Play(
        case=PlayedCase.of(case),
        repeat=repeat,
        failures=() if seen.outage else score(case, seen),
        transcript=tuple(seen.transcript),
        milliseconds=milliseconds,
        cost_nusd=cost,
        outages=tuple(outages),
        played=seen.outage is None,
        models=tuple(seen.models),
    )
    judged = judge is not None and played.played and not played.failures and repeat == judging.JUDGED_REPEAT
    return _judged(judge, played) if judge is not None and judged and seen.replies else played


def _judged(judge: Judge, played: Play) -> Play:
    """Add what a judge says; where the card requires the judge, a play without it counts as not played."""
    try:
        said, cost = judging.entry(judge, played.transcript)
    except Transient as error:
        if judge.terms.required:
            return replace(played, outages=(*played.outages, str(error)), played=False)
        log.warning("judge.failed", case=played.case.id, error=str(error))
        return played
    return replace(played, transcript=(*played.transcript, said), cost_nusd=played.cost_nusd + cost)
