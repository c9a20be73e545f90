"""The retry rule of every call of a turn, to the model (`attempt`) and of a tool (`acts`) alike.

Only what is `Transient` is tried again, and never longer than the turn may still take.
"""

from collections.abc import Callable
from random import random

from bot.errors import Transient

TRIES = 4
"Tries at one model call, or one tool call, before it counts as failed."
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"Seconds between tries, doubling, each half as long to one and a half times as long by chance."


def pause(number: int, error: Transient, *, seconds_left: float, sleep: Callable[[float], None]) -> bool:
    """Pause before another try, as long as the other side asked, within bounds.

    Args:
        number: how many tries came before the one that failed.
        error: how it failed.
        seconds_left: what the turn may still take.
        sleep: waits for a number of seconds.

    Returns:
        Whether there is to be another try.
    """
    seconds = min(max(error.retry_after or 0.0, FIRST_PAUSE * 2**number * (0.5 + random())), LONGEST_PAUSE)
    if number + 1 == TRIES or seconds >= seconds_left:
        return False
    sleep(seconds)
    return True
