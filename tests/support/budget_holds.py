"""What a test tells the admission of a budget, and reads of its answer."""

from typing import Any

from redis import Redis

from bot.budget.admission import Full, Held, Over
from bot.budget.caps import Cap
from bot.budget.metering import Meter
from bot.budget.reservation import Charge, Reservation
from bot.store.money.ledger import BudgetState

NOTHING_SPENT = BudgetState(0, ())


class KnownStates:
    """What SQL would say, and how often it was asked."""

    def __init__(self, **standings: BudgetState) -> None:
        self.standings = standings
        self.asked: list[str] = []

    def __call__(self, cap: Cap) -> BudgetState:
        """Answer for the holder of a cap."""
        self.asked.append(cap.holder)
        return self.standings.get(cap.holder, NOTHING_SPENT)


def must_be_held(answer: Held | Over | Full) -> Held:
    """Return an answer of the admission that is a hold."""
    assert isinstance(answer, Held)
    return answer


def spent_and_held(raw: Redis, cap: Cap) -> tuple[Any, Any]:
    """Return what Redis has of a cap of the agent `a`: spent and held, in nano-USD."""
    spent, reserved = raw.hmget(f"budget:a:{cap.key}", "spent", "held")
    return spent, reserved


def begin_call(meter: Meter, charge: Charge, tokens: int = 1_000) -> Reservation:
    """Reserve the price of a call of so many prompt tokens, 1,000 nano-USD each."""
    return meter.begin(charge, model="coin", prompt_bytes=tokens, max_tokens=0)
