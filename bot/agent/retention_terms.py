"""For how long an agent's tickets keep what people said: a part of the card."""

from pydantic import Field

from bot.policy.rules import CardPart


class RetentionTerms(CardPart):
    """When words are erased; what was counted of them, and who asked, stays."""

    days: int = Field(default=180, ge=7, le=3_650)
    "Days after the last message of a ticket; less than a week would take them from samples and from responders."
