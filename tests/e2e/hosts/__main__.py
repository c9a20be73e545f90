"""Deskhand on five hosts, one of which is cut off and comes back.

Two worker hosts, a web host, a host of data and the world outside, as network namespaces of this machine (see
`network`). People ask all the time; in the middle of its turns `worker1` loses its network for longer than the
lease of a turn, and gets it back. Then every request must have had one answer, every account one change.

Progress is on stderr, one JSON object on the last line of stdout. Exit code 0 when it held and in time, or when
there can be no such network here: the object then has only `skipped`, with the reason.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import click

from bot.sandbox.demo.processes import CannotRun
from bot.sandbox.demo.scenes.checks import Unexpected
from tests.e2e.hosts import hosts_trial, network, premises
from tests.e2e.hosts.hosts_trial import HostsOrder

INSIDE = "--inside"
_WORDS = 1500
"Characters of the end of a log that are shown when it went wrong."


@click.command(help=__doc__)
@click.option("--away", default=20.0, show_default=True, help="Seconds that the host is cut off.")
@click.option("--before", default=24, show_default=True, help="Requests under way when the cable is pulled.")
@click.option("--a-second", default=1.0, show_default=True, help="Requests a second from then on.")
@click.option("--model-seconds", default=1.0, show_default=True, help="How long one answer of the model takes.")
@click.option("--lease", type=float, help="Seconds of a turn's lease; Deskhand's own default without it.")
@click.option("--made-good", default=15.0, show_default=True, help="Seconds that a request may lose at most.")
@click.option("--people", default=120, show_default=True, help="Requesters; each asks once.")
@click.option("--logs", type=click.Path(path_type=Path), help="Keep the processes' logs in this folder.")
@click.option(INSIDE, is_flag=True, hidden=True)
def main(
    *,
    away: float,
    before: int,
    a_second: float,
    model_seconds: float,
    lease: float | None,
    made_good: float,
    people: int,
    logs: Path | None,
    inside: bool,
) -> None:
    """Run the trial inside namespaces of its own."""
    if not inside:
        sys.exit(_enter())
    began = time.monotonic()
    order = HostsOrder(before=before, a_second=a_second, away_seconds=away, made_good_seconds=made_good)
    with tempfile.TemporaryDirectory(prefix="deskhand-hosts-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        if logs is not None:
            logs.mkdir(parents=True, exist_ok=True)
            (folder / "logs").symlink_to(logs.absolute())
        try:
            _say("starting five hosts")
            with premises.premises_opened(folder, people=people, model_seconds=model_seconds, lease=lease) as moved:
                result = hosts_trial.play_cut_off(moved, order, _say)
        except (CannotRun, Unexpected) as error:
            _say(f"{error}\n{_last_words(folder / 'logs')}")
            sys.exit(1)
    sys.stdout.write(f"{json.dumps({**result, 'seconds': round(time.monotonic() - began)})}\n")
    sys.exit(0 if result["met"] else 1)


def _enter() -> int:
    reason = network.why_not_here()
    if reason is not None:
        sys.stdout.write(f"{json.dumps({'skipped': reason})}\n")
        return 0
    return network.enter([sys.executable, "-m", "tests.e2e.hosts", INSIDE, *sys.argv[1:]])


def _last_words(logs: Path) -> str:
    return "\n".join(
        f"--- {log.name}\n{log.read_text(errors='replace')[-_WORDS:]}" for log in sorted(logs.glob("*.log"))
    )


def _say(line: str) -> None:
    sys.stderr.write(f"hosts: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
