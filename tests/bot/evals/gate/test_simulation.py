"""How often the gate errs: seeded, by the product's own decision, at the figures of the design."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from bot.evals import gate
from bot.evals.gate import ReleaseVerdict, Score, sequential
from bot.evals.gate.exact import CaseTable

CASES = 100
RATE, ALIKE = 0.90, 0.40
"The pass rate, and the share of its variance that lies between the cases (the intraclass correlation)."
RUNS = 1_000
Change = Callable[[int, float], float]
"From the number of a case and its pass rate to its pass rate in the candidate."


def unchanged(_case: int, rate: float) -> float:
    """Return the same pass rate."""
    return rate


def five_points_less(_case: int, rate: float) -> float:
    """Return a pass rate that is lower by five points on average."""
    return rate * (RATE - 0.05) / RATE


def five_cases_broken(case: int, rate: float) -> float:
    """Return zero for 5 % of the cases."""
    return 0.0 if case < CASES * 0.05 else rate


def times(random: Random, rate: float, plays: int) -> int:
    """Return how many plays pass."""
    return sum(random.random() < rate for _ in range(plays))


def drawn(random: Random, change: Change) -> list[tuple[int, tuple[int, int, int]]]:
    """Return for each case the passes of the baseline's six plays, and of the candidate's three rounds of two."""
    size = 1 / ALIKE - 1
    rates = [random.betavariate(RATE * size, (1 - RATE) * size) for _ in range(CASES)]
    cases = []
    for case, rate in enumerate(rates):
        now = change(case, rate)
        cases.append((times(random, rate, 6), (times(random, now, 2), times(random, now, 2), times(random, now, 2))))
    return cases


def verdict_of(cases: list[tuple[int, tuple[int, int, int]]]) -> str:
    """Return what the looks come to."""
    for number, look in enumerate(sequential.LOOKS, start=1):
        tables = [CaseTable(sum(rounds[:number]), look.repeats, before, 6) for before, rounds in cases]
        found = sequential.compare(tables, z=look.z).verdict(look)
        if found is not None:
            return found
    return "inconclusive"


def by_the_gate(cases: list[tuple[int, tuple[int, int, int]]]) -> str:
    """Return what `gate.look` comes to, asked after each round as the runner does."""
    baseline = {str(case): (before, 6) for case, (before, _) in enumerate(cases)}
    scores: list[Score] = []
    for number in range(3):
        for case, (_, rounds) in enumerate(cases):
            scores += [Score(str(case), "all", hard=False, passed=play < rounds[number]) for play in range(2)]
        found = gate.look(scores, baseline, pass_at_least=0.01)
        if isinstance(found, ReleaseVerdict):
            return found.word
    raise AssertionError("three rounds gave no verdict")


def shares(change: Change) -> tuple[float, float]:
    """Return the shares of the candidates that pass, and that are blocked."""
    random = Random(change.__name__)
    seen = Counter(verdict_of(drawn(random, change)) for _ in range(RUNS))
    return seen["pass"] / RUNS, seen["block"] / RUNS


def within(share: float) -> object:
    """Return what equals a share within three standard errors of so many runs."""
    return pytest.approx(share, abs=3 * (share * (1 - share) / RUNS) ** 0.5)


def test_an_unchanged_agent_passes() -> None:
    """96.2 % pass and 3.2 % are blocked, as designed; the rest is inconclusive."""
    passed, blocked = shares(unchanged)
    assert passed == within(0.962)
    assert blocked == within(0.032)


def test_a_drop_of_five_points_is_not_shipped() -> None:
    """4.3 % of such candidates pass, as designed."""
    assert shares(five_points_less)[0] == within(0.043)


def test_five_broken_cases_of_a_hundred_are_not_shipped() -> None:
    """The design ships 3.8 % of such candidates; by the spread over cases it is fewer, and most are blocked."""
    passed, blocked = shares(five_cases_broken)
    assert passed <= 0.038
    assert blocked >= 0.8


@pytest.mark.parametrize("change", [unchanged, five_points_less, five_cases_broken])
def test_what_is_simulated_is_what_the_runner_asks(change: Change) -> None:
    """`gate.look`, asked with all scores after each round, comes to the same verdicts."""
    random = Random("asked")
    candidates = [drawn(random, change) for _ in range(8)]
    assert [by_the_gate(one) for one in candidates] == [verdict_of(one) for one in candidates]
