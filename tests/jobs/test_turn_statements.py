"""How many statements a turn asks of the database: `jobs.turn`, from its job to the post of its answer."""

from collections import Counter

import pytest

from tests.support.asked_statements import asked_of
from tests.support.product_harness import LOCKED, Place
from tests.support.workspace_names import BOT, HELP

SAYS, DOES = 42, 111


@pytest.mark.parametrize(("words", "model_calls", "most"), [(f"<@{BOT}> hello", 1, SAYS), (LOCKED, 4, DOES)])
def test_a_turn_asks_little_of_the_database(place: Place, words: str, model_calls: int, most: int) -> None:
    """An answer takes at most 42 statements, and an unlock with four model calls and two tools at most 111."""
    place.asks("U0LENA", f"<@{BOT}> hello")  # the budgets are read from SQL once
    before = len(place.calls())
    place.front.say("U0MAYA", HELP, words)
    with asked_of(place.ctx.database) as asked:
        place.work()
    assert place.last_turn().outcome == "reply"
    assert len(place.calls()) - before == model_calls
    assert len(asked) <= most, Counter(asked).most_common()
