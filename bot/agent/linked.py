"""How a turn ends that is only linked to a surge."""

from dataclasses import dataclass
from enum import StrEnum


class LinkKind(StrEnum):
    """Why a turn ends without the agent: its ticket follows a surge."""

    JOINED = "joined"
    "The ticket is linked to the surge now."
    AGAIN = "again"
    "It was linked before, and its requester has written again."
    SOLVED = "solved"
    "It was linked before, and its requester writes that it works again."


@dataclass(frozen=True, slots=True)
class Linked:
    """The turn ends by waiting for a surge: nobody is asked, and the agent goes on with it later."""

    surge_id: int
    reason: str
    "Why the ticket would have gone to a person."
    kind: LinkKind
