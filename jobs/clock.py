"""What runs when. The clock only says "look now": what is due stands in rows, so a missed tick loses
nothing, and two clocks do each thing once.

It works in its own process and not through the queue, since what it mends is the queue.
"""  # noqa: D205 - the first paragraph is one thought

import signal
import sys
from threading import Event

import structlog

from bot.errors import ConfigError
from jobs import process, upkeep

log = structlog.get_logger()

SECONDS = 2.0
"Between two looks."


def main() -> int:
    """Look every few seconds until told to stop."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        house = process.current()
    except ConfigError as error:
        sys.stderr.write(f"deskhand clock: {error}\n")
        return 2
    log.info("clock.started")
    while not stop.is_set():
        upkeep.sweep(house)
        stop.wait(SECONDS)
    log.info("clock.stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
