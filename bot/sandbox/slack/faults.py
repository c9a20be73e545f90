"""Faults that a test switches on, so that the workspace misbehaves as Slack sometimes does."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Kind = Literal[
    "fail", "slow", "rate_limit", "drop_answer", "http_500", "deliver_twice", "new_event_id", "message_first"
]
EVENTS = "events"
MENTIONS = "mentions"
ANY = "*"


class SlackFault(BaseModel):
    """One kind of misbehaviour, for a number of times."""

    model_config = ConfigDict(extra="forbid")

    method: str
    """A Web API method, `events` for what is sent to the bot, or `*` for every method.

    With `mentions` and the kind `message_first`, the `message` of a mention is sent before its `app_mention`.
    """
    kind: Kind
    error: str | None = None
    """The error name of a `fail`."""
    seconds: Annotated[float, Field(ge=0)] | None = None
    """Seconds of a delay, or the Retry-After of a `rate_limit`."""
    times: int = 1
    """How many more times it happens; -1 until it is cleared."""
    channel: str | None = None
    """The channel to which it is limited; None for all."""
    has: str = ""
    """Only calls whose arguments contain this text: `container` plays a Slack that does not know that block."""


FAULTS = TypeAdapter(list[SlackFault])


class SlackFaults:
    """The active faults."""

    def __init__(self) -> None:
        self.active: list[SlackFault] = []

    def take(self, method: str, channel: str | None, arguments: str = "") -> list[SlackFault]:
        """Take one use of each fault that applies to this call or delivery."""
        faults = []
        for fault in self.active:
            named = fault.method == method or (fault.method == ANY and method not in {EVENTS, MENTIONS})
            if named and fault.times != 0 and fault.channel in {None, channel} and fault.has in arguments:
                fault.times -= fault.times > 0
                faults.append(fault)
        self.active = [fault for fault in self.active if fault.times != 0]
        return faults
