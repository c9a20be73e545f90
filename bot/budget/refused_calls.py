"""Why a model call may not leave now: no room beside calls under way, or none at all."""

from bot.budget.admission import Full, Over
from bot.cost_dimensions import NANO
from bot.errors import Refused, Transient
from bot.principals import Reason


class OverCap(Refused):
    """The call does not fit under a hard cap.

    Attributes:
        cap: the cap that it does not fit under; of several the one that resets last.
    """

    def __init__(self, over: Over, needed_nusd: int) -> None:
        super().__init__(
            f"{over.cap.key}: {over.spent_nusd / NANO:.4f} of {over.limit_nusd / NANO:.4f} USD are used, "
            f"the call needs up to {needed_nusd / NANO:.4f}",
            reason=Reason.BUDGET,
        )
        self.cap = over.cap


class NoRoom(Transient):
    """The call fits beside what is spent, but not beside the holds of calls under way; seconds later it may."""

    def __init__(self, full: Full, needed_nusd: int) -> None:
        super().__init__(
            f"{', '.join(cap.key for cap in full.caps)}: calls under way leave room for "
            f"{max(0, full.room_nusd) / NANO:.4f} USD, the call needs up to {needed_nusd / NANO:.4f}"
        )
