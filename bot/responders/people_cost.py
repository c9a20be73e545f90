"""What the time of people costs: a part of the card that only reports read."""

from decimal import Decimal

from pydantic import Field

from bot.cost_dimensions import NANO
from bot.policy.rules import CardPart


class PeopleCost(CardPart):
    """What the time of the people who take handoffs costs, for reports; it decides nothing."""

    cost_per_hour: Decimal | None = Field(default=None, gt=0, le=10_000, decimal_places=2)
    "US dollars for an hour in which somebody has claimed a ticket; None: reports show the time alone."

    @property
    def nusd_per_hour(self) -> int | None:
        """Return the rate in nano-USD an hour; None: the card has none."""
        return None if self.cost_per_hour is None else int(self.cost_per_hour * NANO)
