"""Every benchmark, or those that are named: progress on stderr, one JSON object on the last line of stdout.

    python -m tests.benchmarks [NAME ...]
    python -m tests.benchmarks turn --against REV

The second measures what a turn costs, in turn with another build. The object holds each result by its name; when one
benchmark is asked for, it is that result itself.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from tests.benchmarks import (
    bench_ack,
    bench_audit,
    bench_audit_migration,
    bench_budget,
    bench_cost,
    bench_dashboard,
    bench_erase,
    bench_eval,
    bench_handoff,
    bench_memory,
    bench_redaction,
    bench_telemetry,
    bench_turn,
    bench_turn_against,
    bench_worker,
)

AGAINST = "--against"
TURN_AGAINST = 3
"Words of `turn --against REV`."
BENCHES: dict[str, Callable[[Callable[[str], None]], dict[str, Any]]] = {
    "ack": bench_ack.run,
    "handoff": bench_handoff.run,
    "turn": bench_turn.run,
    "budget": bench_budget.run,
    "cost": bench_cost.run,
    "audit": bench_audit.run,
    "audit-migration": bench_audit_migration.run,
    "dashboard": bench_dashboard.run,
    "erase": bench_erase.run,
    "eval": bench_eval.run,
    "redaction": bench_redaction.run,
    "worker": bench_worker.run,
    "memory": bench_memory.run,
    "telemetry": bench_telemetry.run,
}


def main(names: list[str]) -> int:
    """Run benchmarks; the exit code is 1 when one misses its target."""
    if names[:2] == ["turn", AGAINST] and len(names) == TURN_AGAINST:
        beside = bench_turn_against.run(_say, names[2])
        sys.stdout.write(f"{json.dumps(beside)}\n")
        return 0 if beside["met"] else 1
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
