"""Waiting for room under a budget while calls under way hold it; no transaction is open during the wait.

Held money is not spent yet, so a call that does not fit beside it waits: for some seconds on its thread, where the turn
can still be cancelled. Then the turn gives its thread back and is tried again a few seconds later, so that other turns
can run. After `MOST_WAITS` such attempts a person takes over, with the reason `busy`: no budget is used up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import uniform

import structlog

from bot.agent.loop import NeedsPerson
from bot.budget.metering import NoRoom
from bot.principals import Reason

log = structlog.get_logger()

TURN_SECONDS, EVALUATION_SECONDS = 10.0, 120.0
"The longest wait of one attempt, over all its calls, in seconds; an evaluation keeps no other turn waiting."
LEAST_PAUSE, MOST_PAUSE = 0.1, 0.4
"Seconds between two tries, chosen at random so that waiting turns do not all try at once."
AGAIN_SECONDS = 5.0
"Seconds until a turn that gave its thread back is tried again."
MOST_WAITS = 6
"How many attempts at one turn may end like this: in minutes, longer than the hold of a call whose worker died."
BUSY = NeedsPerson(Reason.BUSY, "For minutes, other calls held all that may be spent at once; nothing is used up.")
"How a turn ends that never got room under its budget."


@dataclass(slots=True)
class Patience:
    """How much longer one attempt may wait for room."""

    left: float
    "Seconds that it may still wait."
    sleep: Callable[[float], None]
    waited: float = 0.0
    "Seconds waited so far; they do not count as the agent's time."

    def wait(self, full: NoRoom) -> None:
        """Pause before another try.

        Raises:
            NoRoom: this attempt has waited long enough; `retry_after` says when to try again.
        """
        if self.left <= 0:
            full.retry_after = uniform(0.5, 1.5) * AGAIN_SECONDS
            raise full
        pause = min(self.left, uniform(LEAST_PAUSE, MOST_PAUSE))
        log.info("call.delayed", why=str(full))
        self.left -= pause
        self.waited += pause
        self.sleep(pause)
