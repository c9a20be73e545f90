"""Patterns: what was different about unusually expensive calls, and how much each difference alone added. Pure.

Spending is the product of requests, turns per request, calls per turn and cost per call; the cost of a call is that of
its prompt, which cache reads make cheaper, and of its output. The strength of a pattern is the factor by which it alone
multiplies spending. All amounts are nano-US-dollars.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from bot.store.money.daily_costs import DayCost, Per

Cause = Literal["requests", "turns", "calls", "loop", "prompt", "cache", "answers", "price", "charged", "user"]

OUTPUT = 5.0
"Price of an output token relative to a fresh prompt token, for every model; used only to compare patterns."


@dataclass(frozen=True, slots=True)
class UsualCost:
    """What something cost in the four weeks before."""

    cost_nusd: int
    "Median."
    high_nusd: int
    "95th percentile."
    count: int
    of: Literal["tickets", "own days", "days of everybody"]
    work: DayCost
    "The sum over these four weeks."


@dataclass(frozen=True, slots=True)
class Pattern:
    """What was different, and the factor by which it alone multiplies spending."""

    cause: Cause
    times: float
    now: float
    usual: float | None
    name: str | None = None
    "The tool of a loop, or the user."
    ticket: str | None = None


def measured(per: Per, now: DayCost, usual: UsualCost) -> Iterator[Pattern]:
    """Yield the pattern of each quantity that can be measured."""
    past = usual.work
    if per in ("user", "tool"):
        yield _grown("requests", now.tickets, past.tickets / usual.count)
    if per != "agent":
        yield _grown("turns", _ratio(now.turns, now.tickets), _ratio(past.turns, past.tickets))
    yield _grown("calls", _ratio(now.calls, now.turns), _ratio(past.calls, past.turns))
    if now.charged_nusd * past.cost_nusd > past.charged_nusd * now.cost_nusd:
        rest = max(1, now.cost_nusd - now.charged_nusd)
        yield Pattern("charged", now.cost_nusd / rest, now.charged, past.charged / usual.count)
    yield from _of_a_call(_Call.of(now), _Call.of(past))


@dataclass(frozen=True, slots=True)
class _Call:
    """The mean of the calls with a known outcome."""

    prompt: float
    weight: float
    "Mean price of a prompt token relative to a fresh one."
    read: float
    "Share (0 to 1) of the prompt that was read from the cache."
    output: float
    cost_nusd: float

    @classmethod
    def of(cls, work: DayCost) -> "_Call":
        known = work.calls - work.charged
        return cls(
            _ratio(work.prompt_tokens, known),
            _ratio(work.prompt_weight, 20 * work.prompt_tokens),
            _ratio(work.cache_read_tokens, work.prompt_tokens),
            _ratio(work.output_tokens, known),
            _ratio(work.cost_nusd - work.charged_nusd, known),
        )

    @property
    def size(self) -> float:
        """Return the size of the call, in fresh tokens."""
        return self.prompt * self.weight + OUTPUT * self.output


def _of_a_call(now: _Call, past: _Call) -> Iterator[Pattern]:
    """Yield what makes a call more expensive: each quantity is set back to its usual value, and the sizes compared."""
    prompt = _ratio(now.size, replace(now, prompt=past.prompt).size)
    yield Pattern("prompt", prompt, now.prompt, past.prompt)
    if now.read < past.read:
        yield Pattern("cache", _ratio(now.size, replace(now, weight=past.weight).size), now.read, past.read)
    yield Pattern("answers", _ratio(now.size, replace(now, output=past.output).size), now.output, past.output)
    yield _grown("price", _ratio(now.cost_nusd, now.size), _ratio(past.cost_nusd, past.size))


def _grown(cause: Cause, now: float, usual: float) -> Pattern:
    return Pattern(cause, _ratio(now, usual), now, usual)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
