"""What made some calls dear: `bot.budget.reports.patterns`."""

from dataclasses import replace
from typing import Any

import pytest

from bot.budget.reports import patterns
from bot.budget.reports.patterns import Cause, Pattern, UsualCost
from bot.store.money.daily_costs import DayCost

PAST = DayCost(
    cost_nusd=80_000,
    calls=80,
    turns=40,
    tickets=20,
    prompt_tokens=80_000,
    prompt_weight=80_000 * 11,  # half fresh, half read from the cache
    cache_read_tokens=40_000,
    output_tokens=8_000,
)
"Twenty days: a ticket a day of two turns of two calls, each with a prompt of 1,000 and an answer of 100."
DAY = DayCost(4_000, 0, 4, 0, 2, 1, 4_000, 4_000 * 11, 2_000, 400)
USUAL = UsualCost(4_000, 6_000, 20, "own days", PAST)


def found(now: DayCost, past: DayCost = PAST, per: Any = "user") -> dict[Cause, Pattern]:
    """Return the patterns of some work by their cause."""
    return {one.cause: one for one in patterns.measured(per, now, replace(USUAL, work=past))}


def test_a_usual_day_has_no_strong_pattern() -> None:
    """Everything is as it was: each measure times one."""
    assert {cause: round(one.times, 9) for cause, one in found(DAY).items()} == {
        "requests": 1,
        "turns": 1,
        "calls": 1,
        "prompt": 1,
        "answers": 1,
        "price": 1,
    }


@pytest.mark.parametrize(
    ("changes", "strongest"),
    [
        ({"tickets": 5, "turns": 10, "calls": 20, "prompt_tokens": 20_000, "prompt_weight": 220_000}, "requests"),
        ({"turns": 6, "calls": 12}, "turns"),
        ({"calls": 16}, "calls"),
        ({"prompt_tokens": 40_000, "prompt_weight": 440_000, "cache_read_tokens": 20_000}, "prompt"),
        ({"prompt_weight": 80_000, "cache_read_tokens": 0}, "cache"),
        ({"output_tokens": 4_000}, "answers"),
        ({"cost_nusd": 40_000}, "price"),
        ({"cost_nusd": 14_000, "charged_nusd": 12_000, "charged": 2}, "charged"),
    ],
)
def test_the_strongest_pattern_is_what_was_changed(changes: dict[str, int], strongest: str) -> None:
    """What a turn needs grows with the requests; what a call takes is told apart from how many there are."""
    grown = replace(DAY, **changes)
    if strongest in ("requests", "turns", "calls"):  # each call is as it was
        grown = replace(
            grown,
            cost_nusd=1_000 * grown.calls,
            prompt_tokens=1_000 * grown.calls,
            prompt_weight=11_000 * grown.calls,
            cache_read_tokens=500 * grown.calls,
            output_tokens=100 * grown.calls,
        )
    elif strongest in ("prompt", "cache", "answers"):  # each token costs what it did
        grown = replace(grown, cost_nusd=round((grown.prompt_weight / 20 + 5 * grown.output_tokens) / 4_200 * 4_000))
    elif strongest == "charged":  # of a lost call there are no tokens
        known = {"prompt_tokens": 2_000, "prompt_weight": 22_000, "cache_read_tokens": 1_000, "output_tokens": 200}
        grown = replace(grown, **known)
    measured = found(grown)
    others = {cause: round(one.times, 2) for cause, one in measured.items() if cause != strongest}
    assert max(measured.values(), key=lambda one: one.times).cause == strongest
    assert all(times == pytest.approx(1.0, abs=0.01) for times in others.values()), others


def test_a_pattern_says_what_was_and_what_is() -> None:
    """The share of the cache then and now, the tokens a call then and now."""
    cold = found(replace(DAY, prompt_weight=80_000, cache_read_tokens=0))["cache"]
    assert (cold.now, cold.usual) == (0.0, 0.5)
    assert cold.times == pytest.approx((1_000 + 500) / (550 + 500))
    long = found(replace(DAY, prompt_tokens=12_000, prompt_weight=132_000, cache_read_tokens=6_000))["prompt"]
    assert (long.now, long.usual) == (3_000, 1_000)
    assert long.times == pytest.approx((1_650 + 500) / (550 + 500))


def test_a_subject_has_only_patterns_that_it_can_have() -> None:
    """A ticket is one request, an agent is measured by its turns; nothing is read better from the cache than before."""
    assert "requests" not in found(DAY, per="ticket")
    assert not {"requests", "turns"} & set(found(DAY, per="agent"))
    assert "cache" not in found(replace(DAY, cache_read_tokens=3_000))


def test_work_without_tokens_or_a_past_has_figures() -> None:
    """Nothing is divided by zero: all calls were lost, or there were none."""
    lost = DayCost(cost_nusd=900, charged_nusd=900, calls=3, charged=3, turns=3, tickets=1)
    assert found(lost)["charged"].now == 3
    assert all(one.times >= 0 for one in found(lost, DayCost()).values())
