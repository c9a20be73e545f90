"""Every benchmark, or those that are named: progress on stderr, one JSON object on the last line of stdout.

    python -m tests.benchmarks [NAME ...]

The object holds each result by its name; when one benchmark is asked for, it is that result itself.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from tests.benchmarks import (
    bench_ack,
    bench_budget,
    bench_cost,
    bench_dashboard,
    bench_eval,
    bench_handoff,
    bench_memory,
    bench_redaction,
    bench_telemetry,
    bench_turn,
    bench_worker,
)

BENCHES: dict[str, Callable[[Callable[[str], None]], dict[str, Any]]] = {
    "ack": bench_ack.run,
    "handoff": bench_handoff.run,
    "turn": bench_turn.run,
    "budget": bench_budget.run,
    "cost": bench_cost.run,
    "dashboard": bench_dashboard.run,
    "eval": bench_eval.run,
    "redaction": bench_redaction.run,
    "worker": bench_worker.run,
    "memory": bench_memory.run,
    "telemetry": bench_telemetry.run,
}


def main(names: list[str]) -> int:
    """Run benchmarks; the exit code is 1 when one misses its target."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        _say(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHES)}")
        return 2
    results = {name: BENCHES[name](_say) for name in names or BENCHES}
    shown = results[names[0]] if len(names) == 1 else results
    sys.stdout.write(f"{json.dumps(shown)}\n")
    return 0 if all(result["met"] for result in results.values()) else 1


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
