"""The retry rule of every call of a turn: to the model (`attempt`) and of a tool (`acts`).

Only `Transient` errors are retried, and never beyond the turn's time.
"""

from collections.abc import Callable
from random import random

from bot.errors import Transient

TRIES = 4
"How many times one model call or tool call is tried before it counts as failed."
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"Seconds between tries: they double, and chance makes each half to one and a half times as long."


def pause(number: int, error: Transient, *, seconds_left: float, sleep: Callable[[float], None]) -> bool:
    """Pause before another try: as long as the other side asked, within bounds.

    Args:
        number: how many tries were made before the one that failed.
        error: why it failed.
        seconds_left: how many seconds the turn has left.
        sleep: waits for a number of seconds.

    Returns:
        Whether another try follows.
    """
    seconds = min(max(error.retry_after or 0.0, FIRST_PAUSE * 2**number * (0.5 + random())), LONGEST_PAUSE)
    if number + 1 == TRIES or seconds >= seconds_left:
        return False
    sleep(seconds)
    return True
