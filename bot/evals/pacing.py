"""How many cases one process plays at a time: more while the model keeps up, fewer as soon as it asks to wait.

A play mostly waits for the model, so the more at a time the better, up to what the vendor allows an account; and that
no process knows. The rule is TCP's: it doubles until the first refusal, then halves with each and grows slowly. A
refused call waits here and is made again, so that a limit of the account is no outage of the model.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import random
from threading import Condition

from bot.agent.model import CallModel, Completion, Prompt
from bot.agent.runtime import AgentRuntime
from bot.errors import Transient

FIRST, MOST = 4, 16
"Plays at a time of one process: as it begins, and at most."
ROUNDS = 4
"After the first refusal it takes this many rounds of answers to grow by one."
ROUND_SECONDS = 1.0
"Refusals within this many seconds count as one: calls that run at the same time are refused at the same time."
LONGEST_WAIT = 60.0
"Seconds for which no play begins at most, however long the model asks to wait."
FIRST_WAIT = 0.5
"Seconds that a refused call waits at least; they double, and chance adds up to as much again."
PATIENCE = 0.5
"The share of its time that a call may wait here."


class Pace:
    """The pace of the plays of one process; thread-safe."""

    def __init__(
        self,
        *,
        first: int = FIRST,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Begin with `first` plays at a time; there are never more than `most`."""
        self._allowed, self._most, self._clock, self._sleep = float(first), most, clock, sleep
        self._refused = False
        self._playing = 0
        self._closed_until = self._refused_until = clock()
        self._changed = Condition()

    @property
    def allowed(self) -> int:
        """Return how many plays there may be at a time now."""
        return int(self._allowed)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait until a play may begin, and count it until the end of the block."""
        with self._changed:
            while (wait := self._closed_until - self._clock()) > 0 or self._playing >= self.allowed:
                self._changed.wait(wait if wait > 0 else None)
            self._playing += 1
        try:
            yield
        finally:
            with self._changed:
                self._playing -= 1
                self._changed.notify_all()

    def of(self, runtime: AgentRuntime) -> AgentRuntime:
        """Return an agent at work as this one is, whose model sets the pace."""
        return replace(runtime, call_model=self.watching(runtime.call_model))

    def watching(self, call_model: CallModel) -> CallModel:
        """Return a model that is called as this one is, and sets the pace by how it answers.

        A call to which it says how long to wait is made again within `PATIENCE`; any other error is handed on at once.
        """

        def call(prompt: Prompt) -> Completion:
            began, refusals = self._clock(), 0
            patience = min(prompt.seconds, LONGEST_WAIT) * PATIENCE
            while True:
                gone = self._clock() - began
                try:
                    answer = call_model(replace(prompt, seconds=prompt.seconds - gone))
                except Transient as error:
                    if error.retry_after is None:
                        raise
                    self._slow_down(error.retry_after)
                    wait = max(error.retry_after, FIRST_WAIT * 2**refusals) * (1 + random())
                    if gone + wait > patience:
                        raise
                    self._sleep(wait)
                    refusals += 1
                else:
                    self._go_on()
                    return answer

        return call

    def _go_on(self) -> None:
        with self._changed:
            grown = self._allowed + (1 / (ROUNDS * self._allowed) if self._refused else 1)
            self._allowed = min(grown, self._most)
            self._changed.notify_all()

    def _slow_down(self, asked: float) -> None:
        with self._changed:
            at = self._clock()
            self._closed_until = max(self._closed_until, at + min(asked, LONGEST_WAIT))
            if at >= self._refused_until:
                self._refused, self._refused_until = True, at + ROUND_SECONDS
                self._allowed = max(self._allowed / 2, 1.0)
