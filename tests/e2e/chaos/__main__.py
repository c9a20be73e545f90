"""Kill everything there is, many times, and see that every request has one answer.

make chaos ARGS="--kills 300 --seed 7"

Progress goes to stderr; the last line of stdout is one JSON object. Exit code 1 when a law was broken or too few
processes were killed: the seed and what to look at are told.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.e2e.chaos.fault_mixes import THEMES
from tests.e2e.chaos.run import ChaosPlan, chaos


def main() -> int:
    """Run trial after trial, and report."""
    parser = argparse.ArgumentParser(
        prog="make chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=3000, help="processes to kill (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2700.0, help="end by then (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what everything is chosen by (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=sorted(THEMES), default=tuple(THEMES), help="only such trials")
    parser.add_argument("--keep", type=Path, help="keep the logs in this folder, whatever comes of it")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was started is ended on the way out
    folder = given.keep or Path(tempfile.mkdtemp(prefix="deskhand-chaos-logs-"))
    folder.mkdir(parents=True, exist_ok=True)

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    report = chaos(ChaosPlan(given.kills, given.seconds, given.seed, only=given.only), folder, say)
    if report["met"] and given.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"The logs of every process are in {folder}.")
    sys.stdout.write(f"{json.dumps(report)}\n")
    return 0 if report["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
