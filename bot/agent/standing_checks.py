"""What a turn makes of the standing of its agent: a suspended one begins no step, and a person gets the ticket.

A suspension counts at the next step of a running turn, in every worker. It is read in the transaction that writes the
step down, by an index that holds only the suspensions that last, so it needs no thread and no message between
processes. Where time passes between that and the call (for room under a budget, or for another try), it is read again
right before the call. So no call leaves later than `LOOK_SECONDS` after a look that found the agent at work.

An evaluation plays a suspended agent as well: that is how its owners find out whether it may go on.
"""

import math
import time
from dataclasses import dataclass, field

from bot.agent import standing
from bot.agent.loop import NeedsPerson
from bot.agent.runtime import AgentRuntime
from bot.errors import Refused
from bot.principals import Reason
from bot.store.db import Session
from bot.store.installation import agents as principals
from bot.store.schema import Purpose

LOOK_SECONDS = 0.5
"How old a look may be when a call leaves."


class Suspended(Refused):
    """The agent was suspended while it played a turn; a person takes over."""

    def __init__(self, summary: str) -> None:
        """Give the handoff its reason."""
        super().__init__(summary, reason=Reason.AGENT_SUSPENDED)

    @property
    def outcome(self) -> NeedsPerson:
        """Return how the turn ends."""
        return NeedsPerson(Reason.AGENT_SUSPENDED, str(self))


def outcome(session: Session, runtime: AgentRuntime) -> NeedsPerson | None:
    """Return the outcome of a turn whose agent does not work, or None when it may play it."""
    if runtime.purpose is Purpose.EVAL:
        return None
    found = standing.read(session, runtime.agent)
    return None if found.works else NeedsPerson(Reason.AGENT_SUSPENDED, found.summary)


def check(session: Session, runtime: AgentRuntime) -> None:
    """Check that the agent was not suspended since the turn began.

    Raises:
        Suspended: it was.
    """
    if runtime.purpose is Purpose.EVAL:
        return
    found = principals.suspension(session, runtime.agent.card.name)
    if found is not None:
        raise Suspended(standing.suspended(found).summary)


@dataclass(slots=True)
class StandingChecks:
    """The looks of one attempt, each before something that the agent does."""

    runtime: AgentRuntime
    looked_at: float = field(default=-math.inf, init=False)
    "On the clock of `time.monotonic`."

    def before_step(self, session: Session) -> None:
        """Check in the transaction that writes a step down.

        Raises:
            Suspended: the agent was suspended, so the step is not written down.
        """
        self.looked_at = time.monotonic()
        check(session, self.runtime)

    def before_call(self) -> None:
        """Check right before a call leaves, unless a look is young enough; no transaction may be open.

        Raises:
            Suspended: the agent was suspended.
        """
        if time.monotonic() - self.looked_at >= LOOK_SECONDS:
            with self.runtime.database.read() as session:
                self.before_step(session)
