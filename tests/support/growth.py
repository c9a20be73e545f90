"""How the time of some work grows with the length of a text, whatever else the machine is doing."""

import time
from collections.abc import Callable

LONG = 16_000
"Characters, so many that the square of them shows."
TIMES = 4
SLACK = 0.005
"Seconds by which a measurement may be off."


def grows_evenly(work: Callable[[str], object], text_of: Callable[[int], str], *, length: int = LONG) -> bool:
    """Say if a text takes no longer than its quarters do together.

    Work in proportion to the length takes as long, the square of it four times as long. Both are measured by the
    processor's time, in turns, and the shortest of several counts: a busy machine slows both.

    Args:
        work: what is done with a text.
        text_of: makes a text of about so many characters.
        length: of the longer text, in characters.
    """
    quarter, whole = text_of(length // TIMES), text_of(length)
    quarters = wholes = float("inf")
    for _ in range(3):
        quarters = min(quarters, _took(work, quarter, times=TIMES))
        wholes = min(wholes, _took(work, whole, times=1))
        if wholes < 2 * quarters + SLACK:
            return True
    return False


def again(text: str) -> Callable[[int], str]:
    """Return what makes a text of so many characters out of one that is repeated."""
    return lambda length: text * (length // len(text))


def _took(work: Callable[[str], object], text: str, *, times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        work(text)
    return time.process_time() - started
