"""Each error answers what now: `bot.errors`."""

import pytest

from bot.errors import ConfigError, DeskhandError, OutcomeUnknown, Refused, Transient
from bot.principals import Reason


def test_the_tree_is_as_it_is_drawn() -> None:
    """What is in doubt is also worth another try; a refusal is neither."""
    assert {ConfigError, Transient, Refused} <= set(DeskhandError.__subclasses__())
    assert issubclass(OutcomeUnknown, Transient)
    assert not issubclass(Refused, Transient)
    assert not issubclass(ConfigError, Transient)


def test_a_passing_trouble_may_say_how_long() -> None:
    """The other side's wish is kept, in seconds; without one it is None."""
    assert Transient("429", retry_after=2.5).retry_after == 2.5
    assert OutcomeUnknown("cut").retry_after is None


def test_a_refusal_names_a_reason_of_the_closed_set() -> None:
    """It becomes a handoff of that reason, and its text is the summary."""
    refused = Refused("no", reason=Reason.BUDGET)
    assert Reason(refused.reason) is Reason.BUDGET
    assert str(refused) == "no"
    with pytest.raises(TypeError):
        Refused("no")  # type: ignore[call-arg]
