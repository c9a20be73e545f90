"""The exact test against what it must equal: every deal of the passes, counted; and the field's own libraries."""

from fractions import Fraction
from itertools import combinations, pairwise, product
from random import Random
from statistics import pvariance

import pytest

from bot.evals.gate import exact
from bot.evals.gate.exact import CaseTable


def by_enumeration(tables: list[CaseTable]) -> Fraction:
    """Return the p-value by listing every way to deal the passes of each case to its plays, without any formula."""
    sums = []
    for table in tables:
        plays = range(table.played + table.baseline_played)
        deals = combinations(plays, table.passed + table.baseline_passed)
        sums.append([sum(play < table.played for play in deal) for deal in deals])
    observed = sum(table.passed for table in tables)
    ways = [sum(way) <= observed for way in product(*sums)]
    return Fraction(sum(ways), len(ways))


def drawn(random: Random, cases: int, most: int) -> list[CaseTable]:
    """Return tables with up to so many plays on each side."""
    sizes = [(random.randint(1, most), random.randint(1, most)) for _ in range(cases)]
    return [CaseTable(random.randint(0, one), one, random.randint(0, other), other) for one, other in sizes]


@pytest.mark.parametrize("seed", range(40))
def test_small_tables_give_what_enumeration_gives(seed: int) -> None:
    """For up to four cases of up to three plays a side, every deal of the passes is listed and counted."""
    random = Random(seed)
    tables = drawn(random, random.randint(1, 4), 3 if seed % 2 else 2)
    assert exact.p_value(tables) == pytest.approx(float(by_enumeration(tables)), rel=1e-12)


@pytest.mark.parametrize(("worse", "better"), [(0, 0), (1, 0), (5, 0), (7, 2), (3, 9), (40, 20)])
def test_one_play_each_is_mcnemar(worse: int, better: int) -> None:
    """With one play a side the p-value is the binomial tail of the cases that changed, whatever the others did."""
    lost, won = CaseTable(0, 1, 1, 1), CaseTable(1, 1, 0, 1)
    same = [CaseTable(1, 1, 1, 1)] * 30 + [CaseTable(0, 1, 0, 1)] * 4
    changed = worse + better
    tail = sum(Fraction(binomial(changed, fewer), 2**changed) for fewer in range(better + 1))
    assert exact.p_value([lost] * worse + [won] * better + same) == pytest.approx(float(tail), rel=1e-12)


def binomial(of: int, chosen: int) -> int:
    """Return the number of ways to choose, by Pascal's triangle."""
    row = [1]
    for _ in range(of):
        row = [1, *(left + right for left, right in pairwise(row)), 1]
    return row[chosen]


def test_the_same_passes_are_no_drop() -> None:
    """Equal results give a p-value above one half, and fewer passes never a larger one than more."""
    same = [CaseTable(4, 6, 4, 6)] * 50
    assert exact.p_value(same) > 0.5
    fallen = [exact.p_value([CaseTable(4 - less, 6, 4, 6), *same[1:]]) for less in range(5)]
    assert fallen == sorted(fallen, reverse=True)
    assert len(set(fallen)) == len(fallen)


def test_a_case_that_always_did_the_same_says_nothing() -> None:
    """Cases that passed always, or never, on both sides change no p-value."""
    tables = drawn(Random(7), 12, 6)
    idle = [CaseTable(6, 6, 6, 6)] * 80 + [CaseTable(0, 4, 0, 6)] * 5
    assert exact.p_value([*idle, *tables]) == pytest.approx(exact.p_value(tables), rel=1e-12)


@pytest.mark.parametrize("table", drawn(Random(3), 8, 4), ids=str)
def test_the_variance_is_that_of_all_deals(table: CaseTable) -> None:
    """The variance of the difference is that over every way to deal the passes of the case."""
    plays = range(table.played + table.baseline_played)
    passes = table.passed + table.baseline_passed
    dealt = [sum(play < table.played for play in deal) for deal in combinations(plays, passes)]
    differences = [one / table.played - (passes - one) / table.baseline_played for one in dealt]
    assert table.variance == pytest.approx(pvariance(differences), abs=1e-12)


@pytest.mark.parametrize(
    ("cases", "played", "baseline", "worse", "by_scipy"),
    [
        (30, 2, 6, 11, 7.963192336364689e-04),
        (150, 2, 6, 40, 2.8648677969533963e-08),
        (150, 4, 6, 12, 1.173831124206353e-02),
        (225, 6, 6, 9, 4.3503738689215377e-01),
        (400, 3, 9, 37, 3.913569221551158e-16),
    ],
)
def test_large_tables_give_what_scipy_gives(
    cases: int, played: int, baseline: int, worse: int, by_scipy: float
) -> None:
    """The figures are those of `hypergeom` of scipy 1.17.1, convolved; docs/decisions says why it is not installed."""
    tables = []
    for case in range(cases):
        shaky = case * 7 % 10 < 3
        lost = (case * 5 % 3 if shaky else 0) + (case % worse == 0)
        tables.append(CaseTable(max(0, played - lost), played, baseline - (case * 11 % 4 if shaky else 0), baseline))
    assert exact.p_value(tables) == pytest.approx(by_scipy, rel=1e-9)


@pytest.mark.parametrize(
    ("worse", "better", "two_sided"), [(7, 2, 0.1796875), (12, 3, 0.03515625), (40, 20, 0.01348929373119186)]
)
def test_one_play_each_gives_what_statsmodels_gives(worse: int, better: int, two_sided: float) -> None:
    """The figures are those of its exact `mcnemar` (0.15.0), whose two-sided p-value is twice ours."""
    tables = [CaseTable(0, 1, 1, 1)] * worse + [CaseTable(1, 1, 0, 1)] * better + [CaseTable(1, 1, 1, 1)] * 50
    assert 2 * exact.p_value(tables) == pytest.approx(two_sided, rel=1e-9)
