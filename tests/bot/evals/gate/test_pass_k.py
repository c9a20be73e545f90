"""pass^k and its interval."""

from itertools import combinations
from math import comb
from random import Random
from statistics import fmean

import pytest

from bot.evals.gate import pass_k
from bot.evals.gate.exact import CaseTable


@pytest.mark.parametrize(("passed", "played"), [(0, 5), (3, 5), (4, 6), (6, 6)])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_it_is_the_share_of_choices_that_all_pass(passed: int, played: int, k: int) -> None:
    """Of all choices of k plays, it is the share in which every play passed."""
    plays = [True] * passed + [False] * (played - passed)
    choices = [all(chosen) for chosen in combinations(plays, k)]
    assert pass_k.estimate(passed, played, k) == pytest.approx(fmean(choices))


def test_only_what_was_played_often_enough_is_shown() -> None:
    """pass^3 needs three plays of every case, and nothing played gives no figure at all."""
    assert [one.k for one in pass_k.figures([(1, 1), (0, 1)])] == [1]
    assert [one.k for one in pass_k.figures([(4, 6), (2, 4)])] == [1, 3]
    assert [one.k for one in pass_k.figures([(4, 6), (5, 6)])] == [1, 3, 5]
    assert pass_k.figures([]) == ()


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Of 100 suites of 60 cases, about 5 in 100 have the true pass^3 beyond each bound."""
    random, beyond = Random("coverage"), [0, 0]
    truth = (0.5**3 + 0.9**3 + 0.99**3) / 3
    for _ in range(100):
        rates = random.choices([0.5, 0.9, 0.99], k=60)
        counts = [(sum(random.random() < rate for _ in range(4)), 4) for rate in rates]
        three = next(one for one in pass_k.figures(counts) if one.k == 3)
        beyond[0] += truth < three.low
        beyond[1] += truth > three.high
    assert all(1 <= count <= 11 for count in beyond), beyond


def test_no_failure_is_never_shown_as_certain() -> None:
    """Sixty clean cases have a lower bound of 95.1 %, and the same plays always give the same figures."""
    clean = pass_k.figures([(6, 6)] * 60)
    assert {one.rate for one in clean} == {1.0}
    assert all(one.low == pytest.approx(0.05 ** (1 / 60)) for one in clean)
    mixed = [(6, 6)] * 40 + [(3, 6)] * 20
    assert pass_k.figures(mixed) == pass_k.figures(mixed)


def test_an_agent_that_grows_unsteady_raises_an_alarm() -> None:
    """Cases that passed always or never now pass half of the time: pass^1 is equal, pass^3 has fallen."""
    before, now = [(6, 6)] * 50 + [(0, 6)] * 50, [(3, 6)] * 100
    tables = [CaseTable(*one, *other) for one, other in zip(now, before, strict=True)]
    assert sum(table.difference for table in tables) == 0
    [alarm] = pass_k.alarms(tables)
    assert f"fell from 0.500 to {comb(3, 3) / comb(6, 3):.3f}" in alarm


def test_the_same_agent_raises_no_alarm_nor_does_one_played_too_little() -> None:
    """Equal plays are no alarm; and with two plays each there is no pass^3."""
    assert pass_k.alarms([CaseTable(5, 6, 5, 6)] * 100) == ()
    assert pass_k.alarms([CaseTable(0, 2, 6, 6)] * 100) == ()
    assert pass_k.alarms([]) == ()
