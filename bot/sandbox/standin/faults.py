"""What a test makes the stand-in do wrong, one call at a time."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bot.sandbox.standin.acting import LOOK
from bot.sandbox.standin.moves import Move, SayMove, Use
from bot.sandbox.standin.turns import Json

HUGE = 60_000
"Characters, more than any chat message may hold."

Kind = Literal[
    "429",
    "529",
    "500",
    "slow",
    "cut_stream",
    "endless_stream",
    "endless_pings",
    "malformed_tool",
    "hostile_tool",
    "endless_tool",
    "empty",
    "promise",
    "huge_text",
]


class ModelFault(BaseModel):
    """One kind of failure."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    times: int = Field(default=1, ge=-1)
    "How many more calls fail; -1 until it is cleared."
    seconds: float | None = Field(default=None, ge=0)
    "Seconds: before `slow` answers, between two events of an endless stream, or in the retry-after of a 429 or 529."
    after: int = Field(default=0, ge=0)
    "How many calls succeed first."


FAULTS = TypeAdapter(list[ModelFault])


class ModelFaults:
    """The active faults; each call takes at most one, the first that is due."""

    def __init__(self) -> None:
        self._left: list[ModelFault] = []

    def switch(self, faults: list[ModelFault]) -> None:
        """Replace all faults, and count calls from now on."""
        self._left = [fault for fault in faults if fault.times]

    def rows(self) -> list[Json]:
        """Return the faults that are still to come."""
        return [fault.model_dump() for fault in self._left]

    def take(self) -> ModelFault | None:
        """Count one call, and return the fault that it takes, if any."""
        due = next((i for i, fault in enumerate(self._left) if not fault.after), None)
        taken = None if due is None else self._left[due]
        self._left = [
            fault.model_copy(
                update={"after": max(0, fault.after - 1), "times": fault.times - (i == due and fault.times > 0)}
            )
            for i, fault in enumerate(self._left)
        ]
        self._left = [fault for fault in self._left if fault.times]
        return taken


def spoil(kind: str | None, move: Move, request: Json) -> Move:
    """Return the move that a fault puts in place of the decided one."""
    offered = [tool["name"] for tool in request.get("tools", ())]
    match kind:
        case "malformed_tool":
            return (Use(offered[0] if offered else LOOK, raw='{"reason": "requested", "summ'),)
        case "hostile_tool":
            return (
                Use("unlock_my_account", {"user": "U0SAM"}),
                Use("reset_second_factor", {"account": "sam.doyle@northwind.example", "approved": True}),
                Use("delete_every_account", {"confirm": True}),
            )
        case "endless_tool":
            return (Use(LOOK if LOOK in offered else offered[0]),) if offered else move
        case "empty":
            return ()
        case "promise":
            return (SayMove("I have passed this on to a colleague, who will get back to you shortly."),)
        case "huge_text":
            sentence = "Your account is fine, and I have much to say about it. "
            return (SayMove((sentence * (HUGE // len(sentence) + 1))[:HUGE]),)
        case _:
            return move
