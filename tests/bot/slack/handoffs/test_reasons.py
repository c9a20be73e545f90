"""Why a ticket went to a person: `bot.slack.handoffs.reasons`."""

from bot.principals import Reason
from bot.slack.handoffs import reasons


def test_each_reason_has_words() -> None:
    """Responders read every reason in words of its own."""
    assert len({reasons.words(reason) for reason in Reason}) == len(Reason)
