"""The words that people read where a row has a name of ours."""

from typing import get_args

from bot.policy import Decision
from bot.store.schema import StepStatus
from bot.stories import plain_words


def test_every_decision_and_every_end_of_a_step_has_its_words() -> None:
    """None is shown by the name of its class, whichever are still to come; that of another version is."""
    assert set(plain_words.DECISIONS) == {kind.__name__ for kind in get_args(Decision)}
    assert set(plain_words.STEPS) == set(StepStatus)
    assert plain_words.decision("NeedsApproval") == "left to an approver"
    assert plain_words.decision("Postponed") == "Postponed"
    assert plain_words.plain("handed_off") == "handed off"
