"""What a test tells the admission of a budget, and reads of its answer."""

from typing import Any

from redis import Redis

from bot.budget.admission import Full, Held, Over
from bot.budget.caps import Cap
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
    assert isinstance(answer, Held)
    return answer


def spent_and_held(raw: Redis, cap: Cap) -> tuple[Any, Any]:
    spent, reserved = raw.hmget(f"budget:a:{cap.key}", "spent", "held")
    return spent, reserved
