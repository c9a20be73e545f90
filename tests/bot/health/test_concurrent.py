"""Questions side by side: `bot.health.concurrent`."""

import threading

from bot.health.concurrent import ConcurrentChecks


def test_each_question_has_its_own_answer() -> None:
    """What one returns and what another raises stand beside each other, in the order of the questions."""

    def broken() -> int:
        raise ValueError("no")

    found = ConcurrentChecks({"one": lambda: 1, "broken": broken, "two": lambda: 2}).results(seconds=5)
    assert list(found) == ["one", "broken", "two"]
    assert (found["one"], found["two"]) == (1, 2)
    assert isinstance(found["broken"], ValueError)


def test_one_that_hangs_keeps_nobody() -> None:
    """The others are answered, and all of it ends in time."""
    go_on = threading.Event()

    def hangs() -> int:
        go_on.wait(120)
        return 1

    found = ConcurrentChecks({"hangs": hangs, "also": hangs, "sound": lambda: 2}).results(seconds=1.0)
    go_on.set()
    assert found["sound"] == 2
    assert isinstance(found["hangs"], TimeoutError)
    assert isinstance(found["also"], TimeoutError)


def test_what_hangs_is_not_asked_again() -> None:
    """However often somebody looks, one thread hangs; once it has its answer it is asked anew."""
    go_on, asked = threading.Event(), []

    def hangs() -> int:
        asked.append(1)
        go_on.wait(120)
        return len(asked)

    asking = ConcurrentChecks({"hangs": hangs})
    for _ in range(5):
        assert isinstance(asking.results(seconds=0.01)["hangs"], TimeoutError)
    assert asked == [1]
    go_on.set()
    assert asking.results(seconds=5)["hangs"] == 1
    assert asking.results(seconds=5)["hangs"] == 2
