"""When a build's turn is cheap enough beside another's: the verdict of `make bench-turn ARGS="--against REV"`."""

from typing import Any

from tests.benchmarks.bench_turn_against import compared
from tests.support.json_object import Json

PLAIN: Json = {"cpu_ms_per_turn": {"web": 10.0}, "turns_per_s": 50.0, "added_p50_ms": 20.0, "added_p99_ms": 30.0}


def _result(cpu: float, turns_per_s: float, added: float, *, transactions: float | None = 48.0, **more: Any) -> Json:
    figures = {"turns_per_s": turns_per_s, "added_p50_ms": added, "added_p99_ms": added}
    reset = {} if transactions is None else {"transactions": transactions}
    fine = {"lost": 0, "doubled": 0, "not_answered": 0}
    return {"cpu_ms_per_turn": {"worker": cpu}, **figures, "reset": reset, "plain_bolt": PLAIN, **fine, **more}


def test_half_the_cost_in_the_median_round_is_met() -> None:
    """One round on a busy machine decides nothing; the ratios are those of the medians."""
    cheap = _result(20.0, 40.0, 40.0, transactions=24.0)
    found = compared([_result(40.0, 20.0, 80.0)] * 3, [cheap, _result(99.0, 1.0, 999.0), cheap])
    assert found["met"]
    assert found["figures"]["cpu_ms_per_turn"]["ratio"] == 0.5
    assert found["figures"]["turns_per_s"]["plain_ratio"] == 0.8


def test_one_figure_that_misses_its_ratio_is_not_met() -> None:
    """Every target counts, those against the plain agent too."""
    older = [_result(40.0, 20.0, 80.0)]
    assert not compared(older, [_result(21.0, 40.0, 40.0, transactions=24.0)])["met"]
    assert not compared(older, [_result(20.0, 40.0, 40.0, transactions=25.0)])["met"]
    assert not compared([_result(80.0, 10.0, 200.0)], [_result(20.0, 20.0, 40.0, transactions=24.0)])["met"]


def test_a_lost_message_is_never_met() -> None:
    """A cheap turn that loses an answer is no turn."""
    cheap = _result(20.0, 40.0, 40.0, transactions=24.0, lost=1)
    assert not compared([_result(40.0, 20.0, 80.0)], [cheap])["met"]


def test_what_slack_and_the_model_use_is_nobodys_cost() -> None:
    """Both bots need as much of them, so a build would look nearer to the plain one than it is."""
    older, cheap = _result(40.0, 20.0, 80.0), _result(20.0, 40.0, 40.0, transactions=24.0)
    for one in (older, cheap):
        one["cpu_ms_per_turn"] |= {"slack": 90.0, "model": 50.0}
    found = compared([older], [cheap])["figures"]["cpu_ms_per_turn"]
    assert (found["ratio"], found["plain_ratio"]) == (0.5, 2.0)


def test_what_an_older_build_does_not_measure_is_left_out() -> None:
    """Builds before this benchmark count no transactions; one whose turns all fail when the cores are full has none."""
    broken = compared([_result(40.0, 0.0, 80.0)], [_result(20.0, 40.0, 40.0, transactions=24.0)])
    assert broken["figures"]["turns_per_s"]["ratio"] is None
    found = compared([_result(40.0, 20.0, 80.0, transactions=None)], [_result(20.0, 40.0, 40.0)])
    assert found["figures"]["transactions_per_reset"]["ratio"] is None
    assert found["met"]
