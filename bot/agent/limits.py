"""The limits of one turn and of one person: parts of the card."""

from decimal import Decimal

from pydantic import Field

from bot import durations
from bot.policy.rules import CardPart


class TurnLimits(CardPart):
    """Limits at which a turn ends in a handoff for lack of progress."""

    steps: int = Field(default=12, ge=1, le=50)
    "How many model and tool calls a turn may make."
    tokens: int = Field(default=60_000, ge=1_000)
    "Input and output tokens of all calls together."
    seconds: float = Field(default=60.0, gt=0, le=durations.LONGEST_TURN)
    "How long one attempt may take; a model call under way is then cut off."
    cost_usd: Decimal = Field(default=Decimal("0.25"), gt=0, le=100)
    "Cost of all calls together, in US dollars."
    answer_tokens: int = Field(default=700, ge=64, le=8_192)
    "The most tokens that one call may write."
    turns_an_hour: int = Field(default=20, ge=1)
    "Turns of one thread in an hour: without a limit, two programs could answer each other for ever."


class PerPerson(CardPart):
    """The most that one requester may ask for, so that everybody else has room."""

    turns: int = Field(default=3, ge=1)
    "Turns under way at a time; further ones wait for them."
    tickets_an_hour: int = Field(default=10, ge=1)
    tickets_a_day: int = Field(default=30, ge=1)
    messages_an_hour: int = Field(default=100, ge=1)
