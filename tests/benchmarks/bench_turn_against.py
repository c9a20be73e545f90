"""What a turn costs beside another build: `make bench-turn ARGS="--against REV"`.

Each build is measured by its own benchmark, which has the plain agent of `plain_agent` beside it, in turn with the
other one, and each figure is the median of its rounds. Only ratios count: absolute times are the machine's.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.older_builds import tree_of
from tests.support.json_object import Json
from tests.support.paths import ROOT

Say = Callable[[str], None]

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class RatioTarget:
    """What a figure of this build may be, as a multiple of another's."""

    name: str
    figure: Callable[[Json], float | None]
    "Reads it from what a benchmark prints; None: that build does not measure it."
    older: float | None = None
    "Multiple of the older build's; None: not compared with it."
    plain: float | None = None
    "Multiple of the plain agent's; None: not compared with it."
    at_least: bool = False
    "Whether the ratio has to be at least the target; otherwise it is at most that."

    def met(self, ratio: float | None, target: float | None) -> bool:
        """Return whether a ratio reaches its target; one that could not be measured does not fail."""
        return ratio is None or target is None or (ratio >= target if self.at_least else ratio <= target)


OUTSIDE = frozenset({"slack", "model"})
"The programs that stand for Slack and the vendor: what they use is nobody's cost."


def _cpu(result: Json) -> float:
    return float(sum(ms for part, ms in result["cpu_ms_per_turn"].items() if part not in OUTSIDE))


TARGETS = (
    RatioTarget("transactions_per_reset", lambda result: result.get("reset", {}).get("transactions"), older=0.5),
    RatioTarget("cpu_ms_per_turn", _cpu, older=0.5, plain=2.0),
    RatioTarget("turns_per_s", lambda result: result["turns_per_s"] or None, older=2.0, plain=0.6, at_least=True),
    RatioTarget("added_p50_ms", lambda result: float(result["added_p50_ms"]), older=0.5, plain=3.0),
    RatioTarget("added_p99_ms", lambda result: float(result["added_p99_ms"]), older=0.5),
)


def run(say: Say, revision: str) -> Json:
    """Measure both builds in turn; the result has each figure's medians and ratios."""
    with tempfile.TemporaryDirectory() as name:
        tree = tree_of(revision, Path(name))
        if tree is None:
            say(f"turn: the repository has no revision {revision}")
            return {"against": revision, "met": False}
        older: list[Json] = []
        ours: list[Json] = []
        for number in range(1, ROUNDS + 1):
            for build, where, results in ((revision, tree, older), ("this build", ROOT, ours)):
                say(f"turn: round {number} of {ROUNDS}: {build}")
                results.append(_measured(where))
    return {"against": revision, "rounds": ROUNDS, **compared(older, ours)}


def compared(older: list[Json], ours: list[Json]) -> Json:
    """Return each figure of both builds and of the plain agent, with the ratios, and whether all targets are met."""
    figures, met = {}, True
    for target in TARGETS:
        plains = [result["plain_bolt"] for result in ours]
        mine, theirs = _median(target, ours), _median(target, older)
        plain = None if target.plain is None else _median(target, plains)
        of_older, of_plain = _ratio(mine, theirs), _ratio(mine, plain)
        met = met and target.met(of_older, target.older) and target.met(of_plain, target.plain)
        figures[target.name] = {
            "this": mine,
            "older": theirs,
            "plain": plain,
            "ratio": of_older,
            "target_ratio": target.older,
            "plain_ratio": of_plain,
            "target_plain_ratio": target.plain,
        }
    wrong = sum(result["lost"] + result["doubled"] + result["not_answered"] for result in ours)
    return {"figures": figures, "lost_or_doubled": wrong, "met": met and not wrong}


def _median(target: RatioTarget, results: list[Json]) -> float | None:
    found = [value for value in map(target.figure, results) if value is not None]
    return round(median(found), 1) if found else None


def _ratio(mine: float | None, other: float | None) -> float | None:
    return None if mine is None or not other else round(mine / other, 2)


def _measured(tree: Path) -> Json:
    """Return what the benchmark of a build prints; whether it meets its own targets does not count here."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "tests.benchmarks", "turn"]
    ended = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, check=False, text=True)
    lines = ended.stdout.splitlines()
    if not lines:
        raise RuntimeError(f"the benchmark in {tree} printed nothing; its exit code is {ended.returncode}")
    result: Json = json.loads(lines[-1])
    return result
