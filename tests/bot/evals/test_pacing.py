import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from threading import Barrier, Lock

import pytest

from bot.agent.card import Agent
from bot.agent.model import Completion, Prompt
from bot.errors import Refused, Transient
from bot.evals import plays
from bot.evals.pacing import Pace
from tests.support.eval_runtimes import RuntimesOf
from tests.support.fixed_model import a_case, answering, completion_of

PROMPT = Prompt("stand-in-1", "Be kind.", (), ({"role": "user", "content": "Hello"},), 300)


@dataclass
class Vendor:
    """A model that answers, or asks to wait."""

    refusal: Exception | None = None
    times: int = -1
    "How often it refuses before it answers; -1: for ever."
    seconds: list[float] = field(default_factory=list)
    "What each call had left."

    def __call__(self, prompt: Prompt) -> Completion:
        """Answer one prompt."""
        self.seconds.append(prompt.seconds)
        if self.refusal is not None and self.times:
            self.times -= 1
            raise self.refusal
        return completion_of(prompt, "Hello.")


@dataclass
class Clock:
    """Seconds, as a test says."""

    at: float = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds


@dataclass
class Paced:
    """A pace, and the model that sets it."""

    pace: Pace
    vendor: Vendor
    clock: Clock

    def answered(self, times: int) -> int:
        """Let the model answer so often; return how many plays there may be at a time then."""
        self.vendor.refusal = None
        for _ in range(times):
            self._call()
        return self.pace.allowed

    def refused(self, times: int = 1, *, by: Exception | None = None) -> int:
        """Let the model ask to wait so often; return how many plays there may be at a time then."""
        self.vendor.refusal = by or Transient("busy", retry_after=40)  # for longer than a call waits
        for _ in range(times):
            with suppress(Transient, Refused):
                self._call()
        return self.pace.allowed

    def _call(self) -> None:
        self.pace.watching(self.vendor)(PROMPT)


@pytest.fixture
def paced() -> Paced:
    """Return a pace that begins with two plays at a time and goes up to eight."""
    clock = Clock()
    return Paced(Pace(first=2, most=8, clock=clock, sleep=clock.sleep), Vendor(), clock)


def test_it_doubles_with_each_round_while_the_model_answers(paced: Paced) -> None:
    """Up to the most that there may be."""
    assert [paced.answered(2), paced.answered(4), paced.answered(100)] == [4, 8, 8]


def test_a_refusal_halves_it_and_then_it_grows_slowly(paced: Paced) -> None:
    """The calls that were under way together meet one refusal, and there is always one play at a time."""
    paced.answered(6)
    assert paced.refused(5) == 4
    assert [paced.answered(15), paced.answered(5), paced.answered(22)] == [4, 5, 6]
    for expected in (3, 1, 1):
        paced.clock.at += 1.0
        assert paced.refused() == expected


@pytest.mark.parametrize("error", [Transient("reset"), Refused("no credit", reason="model_unavailable")])
def test_an_error_that_asks_nobody_to_wait_is_handed_on(paced: Paced, error: Exception) -> None:
    """A model that is away is not asked more often, and whoever plays the turn retries by its own rule."""
    assert paced.refused(3, by=error) == 2
    assert (len(paced.vendor.seconds), paced.clock.at) == (3, 100.0)


def test_a_refused_call_waits_and_is_made_again(paced: Paced) -> None:
    """For longer each time, at least as long as the model asks, and its time goes on."""
    paced.vendor.refusal, paced.vendor.times = Transient("busy", retry_after=1.5), 3
    assert paced.pace.watching(paced.vendor)(replace(PROMPT, seconds=60)).text == "Hello."
    began, *again = paced.vendor.seconds
    waits = [before - after for before, after in pairwise([began, *again])]
    assert began == 60
    assert all(most / 2 <= wait < most for wait, most in zip(waits, (3.0, 3.0, 4.0), strict=True))


@pytest.mark.parametrize(("seconds", "patience"), [(10.0, 5.0), (math.inf, 30.0)])
def test_a_refused_call_leaves_the_turn_its_time(paced: Paced, seconds: float, patience: float) -> None:
    """After a half of its time its refusal is handed on, as it was said."""
    paced.vendor.refusal = Transient("busy", retry_after=1)
    with pytest.raises(Transient) as told:
        paced.pace.watching(paced.vendor)(replace(PROMPT, seconds=seconds))
    assert told.value is paced.vendor.refusal
    assert len(paced.vendor.seconds) > 1
    assert paced.clock.at - 100.0 <= patience


@pytest.mark.parametrize(("asked", "waits"), [(40.0, 40.0), (86_400.0, 60.0)])
def test_nothing_begins_while_the_model_asks_to_wait(
    paced: Paced, monkeypatch: pytest.MonkeyPatch, asked: float, waits: float
) -> None:
    """For as long as it asks, within bounds; what is under way goes on."""
    paced.refused(by=Transient("busy", retry_after=asked))
    waited = list[float | None]()

    def wait(seconds: float | None) -> None:
        assert seconds is not None
        waited.append(seconds)
        paced.clock.at += seconds

    monkeypatch.setattr(paced.pace._changed, "wait", wait)
    with paced.pace.place():
        assert sum(second or 0.0 for second in waited) == waits


@pytest.mark.parametrize("allowed", [1, 3])
def test_there_are_never_more_at_a_time(allowed: int) -> None:
    """And never fewer while others wait: a place that is left, even by an error, is taken."""
    pace, lock, together = Pace(first=allowed, most=allowed), Lock(), Barrier(allowed)
    now, seen = 0, list[int]()

    def play(number: int) -> None:
        nonlocal now
        with suppress(ZeroDivisionError), pace.place():
            with lock:
                now += 1
                seen.append(now)
            together.wait(timeout=60)
            with lock:
                now -= 1
            if number % 2:
                raise ZeroDivisionError

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(play, range(allowed * 4)))
    assert (now, max(seen), len(seen)) == (0, allowed, allowed * 4)


def test_each_try_of_a_play_has_a_place(runtimes_of: RuntimesOf, agent: Agent) -> None:
    """One that met an outage leaves its place before the next is tried."""
    model, seen = answering(Refused("away", reason="model_unavailable"), "Hello."), list[str]()
    real = runtimes_of(agent)

    @contextmanager
    def place() -> Iterator[None]:
        seen.append("in")
        yield
        seen.append("out")

    played = plays.play(a_case(), 1, lambda own: replace(real(own), call_model=model), place=place)
    assert (played.outages, played.played, seen) == (("model_unavailable: away",), True, ["in", "out"] * 2)
