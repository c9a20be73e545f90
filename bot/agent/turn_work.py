"""One attempt of a turn at work: what it may use, and what it has seen."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bot.agent import retries
from bot.agent.room_under_budget import Patience
from bot.agent.runtime import AgentRuntime
from bot.agent.standing_checks import StandingChecks
from bot.errors import Transient
from bot.principals import Account, Subject
from bot.store.tickets.turns import Attempt

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TurnWork:
    """One attempt of a turn, with what it may use and what it has seen."""

    runtime: AgentRuntime
    attempt: Attempt
    subject: Subject
    costs: dict[int, int]
    "The cost of the turn's steps, of this attempt and earlier ones, in nano-USD, by step number."
    rebind: Callable[[], Subject]
    "Looks the requester up and binds them again: called right before an account is changed."
    patience: Patience
    until: float
    "End of the agent's time, on the clock of `time.monotonic`; waiting for room under a budget extends it."
    standing: StandingChecks
    seen: dict[Account, None] = field(default_factory=dict)
    "Every state of the requester's account that this attempt has seen: an answer must not reveal earlier ones either."

    @property
    def actor(self) -> str:
        """Return the actor's name in the audit log."""
        return f"agent:{self.runtime.release}"

    @property
    def seconds_left(self) -> float:
        """Return how many seconds the agent has left."""
        return self.until + self.patience.waited - time.monotonic()

    def tries_again(self, number: int, error: Transient) -> bool:
        """Pause after a failed try, and return whether another try follows."""
        log.warning("call.failed", turn=self.attempt.turn_id, tried=number + 1, error=type(error).__name__)
        return retries.pause(number, error, seconds_left=self.seconds_left, sleep=self.runtime.sleep)
