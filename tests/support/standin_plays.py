"""What the sandbox's stand-in makes of real people's words: each played to its end against a small directory."""

from collections.abc import Iterator
from functools import cache
from random import Random

from bot.sandbox.standin.replay import replay
from bot.store.figures.first_turns import FirstTurn
from tests.support.past_tickets import PAST_BEGINS
from tests.support.real_requests import real_requests

ACCOUNT_STATES = ("locked", "locked", "active", "password_expired", "active")
"The state of the account behind each of five requests, in turn."


@cache
def standin_plays_of_all() -> tuple[FirstTurn, ...]:
    """Return one first turn for each of the real requests."""
    return tuple(_play(number, words) for number, words in enumerate(real_requests()))


def in_new_orders(random: Random) -> Iterator[FirstTurn]:
    """Yield the requests again and again, all of them in a new order each time."""
    while True:
        yield from random.sample(standin_plays_of_all(), len(standin_plays_of_all()))


def _play(number: int, words: str) -> FirstTurn:
    turn = replay(words, status=ACCOUNT_STATES[number % len(ACCOUNT_STATES)])
    outcome = "handoff" if turn.handed_over else "reply"
    seconds = 2.0 * turn.model_calls
    return FirstTurn(number, number, PAST_BEGINS, outcome, turn.tools, turn.model_calls, seconds, turn.written)
