"""What the stand-in may do next: say something, or call tools."""

from dataclasses import dataclass, field

from bot.sandbox.standin.turns import Json


@dataclass(frozen=True, slots=True)
class SayMove:
    """A text to the requester."""

    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """A tool call."""

    name: str
    arguments: Json = field(default_factory=dict)
    raw: str | None = None
    "Sent in place of the arguments' JSON, when a fault breaks it."


Move = tuple[SayMove | Use, ...]
