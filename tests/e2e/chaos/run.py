"""Many trials, and what they show together.

Each has ground of its own: a direct conversation is one ticket for a day, and would hold what an earlier trial said.
"""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from bot.store import db
from tests.e2e.chaos import services
from tests.e2e.chaos.chaos_trial import ChaosOutcome, ChaosTrial
from tests.e2e.chaos.fault_mixes import THEMES
from tests.e2e.chaos.processes import ChaosProcesses

_QUIET_SECONDS = 25.0
"What a trial usually needs when its harm is over."
SHORTEST_SECONDS = 5.0

_Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """How much is to be done."""

    kills: int
    seconds: float
    "End by then, about."
    seed: int
    trial_seconds: float = 240.0
    "A trial's harm ends after so many seconds, or with its theme's share of the kills."
    only: Sequence[str] = tuple(THEMES)
    "Themes of the trials, in turn."
    trials: int | None = None
    "End after so many, however many were killed."
    timed: bool = True
    "Hold how soon a kill is made good, too; on a machine with others at work that is no law."

    @property
    def trial_kills(self) -> int:
        """Return how many kills each theme has of them all."""
        return -(-self.kills // len(self.only))


def chaos(plan: ChaosPlan, folder: Path, say: _Say) -> dict[str, Any]:
    """Run trial after trial until enough is killed or the time is over; return the report.

    Args:
        plan: how much.
        folder: for logs and what the servers keep.
        say: shows progress.
    """
    began = time.monotonic()
    outcomes: list[ChaosOutcome] = []
    moments: Counter[str] = Counter()
    for number, theme in enumerate(itertools.islice(itertools.cycle(plan.only), plan.trials)):
        kills_left = plan.kills - sum(one.kills for one in outcomes)
        time_left = plan.seconds - (time.monotonic() - began) - _QUIET_SECONDS
        if kills_left <= 0 or time_left < SHORTEST_SECONDS:
            break
        home = folder / f"{number}-{theme}"
        home.mkdir()
        with (
            services.broken(home) as stands,
            closing(db.connect(stands.postgres.url)) as database,
            ChaosProcesses(stands.site.environment, home / "logs", moments) as household,
        ):
            seed = f"{plan.seed}:{number // len(plan.only)}"
            kind = replace(THEMES[theme], timed=plan.timed and THEMES[theme].timed)
            trial = ChaosTrial(stands, household, database, kind, seed, say)
            outcomes.append(trial.run(min(kills_left, plan.trial_kills), min(time_left, plan.trial_seconds)))
        _tell(outcomes[-1], say)
    return _report(plan, outcomes, moments, time.monotonic() - began)


def _tell(outcome: ChaosOutcome, say: _Say) -> None:
    verdict, times = outcome.verdict, [took for took, _ in outcome.made_good]
    made_good = f", made good in {median(times):.1f} s, at most {max(times):.1f} s ({len(times)})" if times else ""
    say(
        f"trial {outcome.seed} {outcome.theme}: {outcome.kills} kills in {outcome.seconds:.0f} s, "
        f"{verdict.tickets} tickets, {verdict.replies} replies, {verdict.handoffs} handoffs{made_good}"
    )
    for line in outcome.broken():
        say(f"  BROKEN {line}")
    for line in verdict.unheard:
        say(f"  unheard: {line}")
    for what, times_seen in outcome.fell.items():
        say(f"  {times_seen} x {what}")


def _report(plan: ChaosPlan, outcomes: Sequence[ChaosOutcome], moments: Counter[str], seconds: float) -> dict[str, Any]:
    kinds: Counter[str] = sum((one.by_kind for one in outcomes), Counter())
    times = sorted(took for one in outcomes for took, _ in one.made_good)
    broken = [(one, line) for one in outcomes for line in one.broken()]
    kills = sum(one.kills for one in outcomes)

    def total(law: str) -> int:
        return sum(len(getattr(one.verdict, law)) for one in outcomes)

    laws = ("lost", "doubled", "writes_doubled", "money_open", "audit_gaps", "unposted", "stale", "breaches", "unheard")
    return {
        "seed": plan.seed,
        "kills": kills,
        "trials": len(outcomes),
        "by_kind": dict(sorted(kinds.items())),
        "by_point": dict(sorted(moments.items())),
        "tickets": sum(one.verdict.tickets for one in outcomes),
        "replies": sum(one.verdict.replies for one in outcomes),
        "handoffs": sum(one.verdict.handoffs for one in outcomes),
        "changed": sum(one.verdict.changed for one in outcomes),
        **{law: total(law) for law in laws},
        "taken_back": sum(one.verdict.taken_back for one in outcomes),
        "fell": dict(sum((one.fell for one in outcomes), Counter())),
        "made_good": len(times),
        "made_good_p50_s": round(median(times), 2) if times else None,
        "made_good_max_s": round(times[-1], 2) if times else None,
        "seconds": round(seconds, 1),
        "look_at": [f"trial {one.seed} {one.theme}: {line}" for one, line in broken[:20]],
        "met": not broken and kills >= plan.kills,
    }
