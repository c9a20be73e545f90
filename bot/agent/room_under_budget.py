"""Waiting for room under a budget that calls under way hold; no transaction is open meanwhile.

What is only held is no spending, so a call that does not fit beside it waits: some seconds on its thread, which
looks all the while whether the turn is still wanted. Then the turn gives the thread back and is tried again a few
seconds later, so that waiting holds up no others; after `MOST_WAITS` of that a person takes over, with the reason
`busy`: nothing is used up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import uniform

import structlog

from bot.agent.loop import Escalate
from bot.budget.metering import NoRoom
from bot.principals import Reason

log = structlog.get_logger()

TURN_SECONDS, EVALUATION_SECONDS = 10.0, 120.0
"The longest wait of one attempt, all its calls together; an evaluation holds up nobody."
LEAST_PAUSE, MOST_PAUSE = 0.1, 0.4
"Seconds between two looks, by chance, so that those who wait do not all look at once."
AGAIN_SECONDS = 5.0
"Until a turn that gave its thread back is tried again."
MOST_WAITS = 6
"Attempts at one turn that may end so: minutes, longer than calls whose worker died hold their money."
BUSY = Escalate(Reason.BUSY, "Calls under way held all that may be spent at once, for minutes; nothing is used up.")
"How a turn ends that never got room."


@dataclass(slots=True)
class Patience:
    """How much longer one attempt may wait."""

    left: float
    "Seconds."
    sleep: Callable[[float], None]
    waited: float = 0.0
    "Seconds so far; they are no time of the agent's."

    def wait(self, full: NoRoom) -> None:
        """Pause before another look.

        Raises:
            NoRoom: this attempt has waited long enough; it says when to try again.
        """
        if self.left <= 0:
            full.retry_after = uniform(0.5, 1.5) * AGAIN_SECONDS
            raise full
        pause = min(self.left, uniform(LEAST_PAUSE, MOST_PAUSE))
        log.info("call.delayed", why=str(full))
        self.left -= pause
        self.waited += pause
        self.sleep(pause)
