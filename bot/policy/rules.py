"""What a card lets its agent do to an account without a person. Anything that is not listed is left to a person.

A reason must equal the directory's, character by character: a sentence that only begins like a listed one, differs in
case or has a lookalike letter is a different reason.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class CardPart(BaseModel):
    """A part of a card: frozen, and it accepts no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _words(reason: str) -> str:
    if not reason.strip() or reason != reason.strip() or not reason.isprintable():
        raise ValueError(f"expected the directory's own words on one line, found {reason!r}")
    return reason


LockReason = Annotated[str, AfterValidator(_words)]


class WriteBounds(CardPart):
    """How often one account may be written by one tool, over all tickets, people, channels and agents."""

    per_hour: int = Field(default=1, ge=0, le=100)
    per_day: int = Field(default=3, ge=0, le=1_000)
    "Counted over any 24 hours in a row."

    @model_validator(mode="after")
    def _hour_within_day(self) -> Self:
        if self.per_hour > self.per_day:
            raise ValueError(f"per_hour: expected at most per_day ({self.per_day}), found {self.per_hour}")
        return self


class CompromiseFigures(CardPart):
    """When a sign-in that succeeded right after many failed ones suggests that somebody else has got in."""

    failures: int = Field(default=4, ge=1, le=100)
    "How many failed sign-ins before a success are suspicious."
    within_minutes: float = Field(default=60, gt=0, le=24 * 60, allow_inf_nan=False)
    "Failures count if they are at most this many minutes before the success."
    for_hours: float = Field(default=24, gt=0, le=30 * 24, allow_inf_nan=False)
    "How many hours after such a success the agent may not write."


class AccountRules(CardPart):
    """What an agent may do to the requester's own account."""

    may_unlock: tuple[LockReason, ...] = ()
    "Reasons for a lock that it may lift, in the directory's words."
    may_lift: tuple[LockReason, ...] = ()
    "Reasons for a suspension that it may lift, where the directory also lets the owner lift it."
    may_send_link: tuple[Literal["active", "locked", "password_expired"], ...] = ()
    "States in which it may send a reset link; a locked account gets one only for a reason in `may_unlock`."
    at_most: dict[str, WriteBounds] = Field(default_factory=dict)
    "Bounds by tool name; a tool that is not named has the default ones."
    compromise: CompromiseFigures = CompromiseFigures()

    def bounds(self, tool: str) -> WriteBounds:
        """Return how often one account may be written by a tool."""
        return self.at_most.get(tool, WriteBounds())
