"""What tickets have cost: model calls and the time of people together. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClaimedTime:
    """How long people had tickets claimed, and what that cost."""

    seconds: float = 0.0
    nusd: int = 0
    "At the rates of the cards."
    unpriced: int = 0
    "The number of tickets with such time whose agent's card has no rate."


@dataclass(frozen=True, slots=True)
class TicketCosts:
    """What some tickets have cost: model calls, and the time in which people had claimed them."""

    tickets: int = 0
    ai_nusd: int = 0
    claimed_seconds: float = 0.0
    priced_nusd: int = 0
    "The cost of the time of people, at the rates of the cards."
    unpriced: int = 0
    "The number of tickets on which people spent time at no known rate."

    @property
    def human_nusd(self) -> int | None:
        """Return what the time of people has cost; None: an agent's card says no rate."""
        return None if self.unpriced else self.priced_nusd

    @property
    def total_nusd(self) -> int | None:
        """Return what model calls and people have cost together; None: it is not known."""
        human = self.human_nusd
        return None if human is None else self.ai_nusd + human

    @property
    def per_ticket(self) -> int | None:
        """Return the mean cost of a ticket, model calls and people together; None: it is not known."""
        total = self.total_nusd
        return None if total is None or not self.tickets else (total + self.tickets // 2) // self.tickets
