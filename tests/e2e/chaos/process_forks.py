"""Where processes are born quickly: one process has imported everything and opens nothing, then forks.

It is forked itself, from the one that has imported most of it (`tests.support.fork_server`). Starting Python and
importing Deskhand costs about a second of CPU; a fork costs a few milliseconds and is a process like any other: its
own memory, connections and death. Requests come as lines of JSON on stdin, one birth each; births and deaths are told
as lines of JSON on stdout, where children also tell the moment at which their fate strikes (`fates.py`).
"""

import gc
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import anthropic
import uvicorn

from bot import cli, web
from bot.agent import card
from bot.agent.release import release_of
from bot.budget.metering import Meter
from bot.settings import Settings
from bot.store import db
from jobs import clock, commands, handoff, home, turn, undeliverable, upkeep, worker
from tests.e2e.chaos import fates
from tests.e2e.chaos.fates import Fate
from tests.support import forked_children

_LOADED = (uvicorn, web, commands, handoff, home, undeliverable, turn, upkeep)
"What children import when they need it; here it is imported once."
MONEY_LEASE_SECONDS = 12.0
"A model call of unknown outcome is charged when this is over; the product's two minutes are long for a trial."


def main() -> None:
    """Fork a child for each line until stdin ends; the children end with this process."""
    _rehearse()
    gc.collect()
    gc.freeze()  # keeps their memory shared
    signal.signal(signal.SIGCHLD, forked_children.bury)
    report = os.dup(sys.stdout.fileno())
    forked_children.say(ready=os.getpid())
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _live(request, report)
        forked_children.say(born=request["token"], pid=child)


def _rehearse() -> None:
    """Load what is loaded only on first use: a driver, a dialect, a transport."""
    for name in ("psycopg", "h11", "uvicorn.lifespan.on", "uvicorn.protocols.http.auto", "uvicorn.loops.auto"):
        importlib.import_module(name)
    settings = Settings.from_environment()
    db.connect(settings.database_url).close()
    for agent in card.load_all(settings.deskhand_config).values():
        release_of(settings, agent)
    anthropic.Anthropic(api_key="nobody's").close()


def _live(request: Mapping[str, Any], report: int) -> None:
    """Become a part of the house, and never return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 1
    try:
        forked_children.end_with_parent()
        os.setpgid(0, 0)
        _redirect(request["log"])
        os.environ.update(request["environment"])
        if request["skew"]:
            fates.shift_time(*request["skew"])
        fates.install(Fate(**request["fate"]) if request["fate"] else None, report)
        Meter.connect.__func__.__kwdefaults__["lease_seconds"] = MONEY_LEASE_SECONDS  # type: ignore[attr-defined]
        sys.argv = [f"deskhand-{request['part']}"]
        code = PARTS[request["part"]]()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may come back into the forking process's own loop
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _redirect(log: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    kept = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(nothing, 0)
    os.dup2(kept, 1)
    os.dup2(kept, 2)
    os.close(nothing)
    os.close(kept)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - lasts as long as the process


def _web() -> int:
    cli.processes.web_command.callback()  # type: ignore[misc]
    return 0


PARTS: Mapping[str, Callable[[], int]] = {"worker": worker.main, "clock": clock.main, "web": _web}

if __name__ == "__main__":
    main()
