"""Break the budgets in every way there is, many times, and see that no cap was passed and no cent lost.

make chaos-budget ARGS="--trials 20 --seed 7"

Progress goes to stderr; the last line of stdout is one JSON object. Exit code 1 when a law was broken: its
trial is named by its seed.
"""

import argparse
import json
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

from bot import logs
from bot.store.installation import revisions
from tests.bot.budget.trials import budget_trial
from tests.e2e.chaos.services import Postgres


def main() -> int:
    """Run the trials, and report."""
    parser = argparse.ArgumentParser(
        prog="make chaos-budget", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=20, help="how many (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of harm in each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what everything is chosen by (default: %(default)s)")
    given = parser.parse_args()
    logs.configure("json")
    logging.getLogger().setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was started is ended on the way out
    with tempfile.TemporaryDirectory(prefix="deskhand-budget-") as name:
        runtime = Path(name) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        postgres = Postgres()
        try:
            revisions.migrate(postgres.url)
            report = budget_trial.run_trials(
                given.trials,
                seed=given.seed,
                seconds=given.seconds,
                database_url=postgres.url,
                folder=Path(name),
                say=lambda line: print(line, file=sys.stderr, flush=True),  # noqa: T201 - this is what is shown
            )
        finally:
            postgres.end()
    sys.stdout.write(f"{json.dumps(report)}\n")
    return 0 if report["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
