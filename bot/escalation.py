"""What is done for a handoff that nobody takes.

An agent's card says when each action is due (`handoff.escalation`, read by `bot.responders.people`). The clock looks
for what is due (`jobs.handoff`), and `bot.slack.handoffs.handoff_messages.escalated` carries it out.
"""

from enum import StrEnum
from typing import assert_never


class EscalationAction(StrEnum):
    """What is done about a handoff that nobody claims."""

    REMIND = "remind"
    "Responders are reminded in the queue channel."
    MENTION = "mention"
    "The responders on call are mentioned there."
    TELL = "tell"
    "The requester is told that they still have to wait."

    @property
    def calls_responders(self) -> bool:
        """Return whether it calls responders, which waits until they are at work."""
        match self:
            case EscalationAction.REMIND | EscalationAction.MENTION:
                return True
            case EscalationAction.TELL:
                return False
            case _:
                assert_never(self)
