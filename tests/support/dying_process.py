"""A process of the house that sends itself SIGKILL at one point of its work.

python -m tests.support.dying_process POINT ARGUMENT ...

It dies as soon as the function of the point has returned; the transaction that is open then is never committed.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot import cli
from bot.directory.local import LocalDirectory
from bot.store import db
from bot.store.audit import removal
from bot.store.personal import retention
from tests.support import forked_processes
from tests.support.agent_office import Office, play_attempt
from tests.support.lived_person import LATER
from tests.support.scripted_models import Unlocker


def _unlock(url: str, redis: str, folder: str) -> None:
    """Play the turn of somebody whose account is locked."""
    office = Office(db.connect(url), redis, Path(folder))
    maya = office.account("maya")
    play_attempt(office.runtime(Unlocker()), office.begin(office.asks(user=maya.user)), maya)


def _erase(url: str) -> None:
    """Erase the words of tickets at rest, one ticket after the other."""
    database = db.connect(url)
    while True:
        with database.write() as session:
            if retention.erase_batch(session, {"access": 30}, LATER, at_most=1) is None:
                return


def _run(*words: str) -> None:
    """Run `deskhand ...`."""
    sys.argv = ["deskhand", *words]
    cli.main()


POINTS: dict[str, tuple[Any, str, int, Callable[..., None]]] = {
    "unlocked": (LocalDirectory, "unlock", 1, _unlock),
    "erased": (retention, "erase_words", 2, _erase),
    "removed": (removal, "remove", 1, _run),
}
"By point: the function that has returned, for the how many-th time, and what the process does."


def ends_by_kill(folder: Path, point: str, *arguments: str) -> None:
    """Start such a process, and wait until it is dead; what it says is kept in the folder."""
    said = folder / f"{point}.log"
    with said.open("w") as output:
        process = forked_processes.start(["tests.support.dying_process", point, *arguments], os.environ, output=output)
    assert process.wait() == -signal.SIGKILL, said.read_text()


def main(point: str, *arguments: str) -> None:
    """Do the work of a point, and die at it."""
    place, name, left, work = POINTS[point]
    function = getattr(place, name)

    def last(*given: Any, **named: Any) -> Any:
        nonlocal left
        returned = function(*given, **named)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return returned

    setattr(place, name, last)
    work(*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
