"""The G-test of two sets of counts, how large their difference is, and how small a difference could be found. Pure.

G = 2 * sum(observed * ln(observed / expected)) over both rows of the table, with the expected counts of homogeneity.
Under it, G follows the chi-squared distribution with (cells - 1) degrees of freedom (McDonald, Handbook of Biological
Statistics, 3rd ed., "G-test of independence").
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

LEAST_EXPECTED = 2.0
"A cell in which fewer of the window's tickets are expected is pooled with others."
POWER = 0.8
"The share of cases in which a difference of the detectable size is found."
POOLED = "other"
PRECISION = 1e-15
"The relative change at which the gamma function's continued fraction ends."


@dataclass(frozen=True, slots=True)
class GTest:
    """The result of one comparison."""

    p_value: float
    "How likely a difference at least this large is when nothing has changed."
    effect: float
    """Cramér's V, with the G statistic for Pearson's and without the part that chance explains.

    V = sqrt(max(0, G - df) * (1/n + 1/m)) for n tickets against m: with many tickets in the reference it is the V of a
    test against known shares. By chance G is df on average, so that V is 0 then, however small the window.
    """


def compare(reference: Mapping[str, int], window: Mapping[str, int]) -> GTest:
    """Compare the counts of a window with those of a reference; both have at least one ticket."""
    table = pooled(reference, window)
    degrees = len(table) - 1
    if degrees == 0:
        return GTest(1.0, 0.0)
    few, many = sum(window.values()), sum(reference.values())
    g = _statistic(table.values(), many, few)
    return GTest(p_value(g, degrees), math.sqrt(max(0.0, g - degrees) * (1 / few + 1 / many)))


def pooled(reference: Mapping[str, int], window: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return both counts of each cell, with the cells pooled in which fewer than `LEAST_EXPECTED` are expected.

    The pool stays a cell of its own however little is in it: what the reference never had must be found.
    """
    few, many = sum(window.values()), sum(reference.values())
    least = LEAST_EXPECTED * (few + many) / few
    table: dict[str, tuple[int, int]] = {}
    for cell in {**reference, **window}:
        before, now = reference.get(cell, 0), window.get(cell, 0)
        name = cell if before + now >= least else POOLED
        pool = table.get(name, (0, 0))
        table[name] = (pool[0] + before, pool[1] + now)
    return table


def p_value(g: float, degrees: int) -> float:
    """Return how likely a chi-squared variable of so many degrees of freedom is to reach a value."""
    return _upper_gamma(degrees / 2, g / 2)


def detectable(reference: Mapping[str, int], window: int, *, alpha: float, least_effect: float) -> float:
    """Return the smallest shift of a share that a window finds with a probability of about `POWER`, from 0 to 1.

    It is the shift at which G, for a share that grows at the cost of all others, is what the test needs for that power:
    the noncentrality of a chi-squared distribution. The share is the one nearest to one half, for which it is largest.

    Args:
        reference: the counts of the reference.
        window: how many tickets the window has.
        alpha: the p-value below which a difference counts.
        least_effect: the effect that it must reach, too.
    """
    many = sum(reference.values())
    expected = {cell: round(count * window / many) for cell, count in reference.items()}
    degrees = max(1, len(pooled(reference, expected)) - 1)
    share = min((count / many for count in reference.values()), key=lambda share: abs(share - 0.5))
    share = min(share, 1 - share)
    needed = max(_noncentrality(degrees, alpha), least_effect**2 / (1 / window + 1 / many) + degrees)

    def enough(shift: float) -> bool:
        now = min(1.0, share + shift)
        return (
            _statistic([(share * many, now * window), ((1 - share) * many, (1 - now) * window)], many, window) > needed
        )

    return _root(enough) if enough(1.0) else 1.0


def _statistic(table: Iterable[tuple[float, float]], many: float, few: float) -> float:
    """Return G of a table whose cells hold what was counted in the reference and in the window."""
    g, total = 0.0, few + many
    for before, now in table:
        expected = (before + now) / total
        if before:
            g += before * math.log(before / (expected * many))
        if now:
            g += now * math.log(now / (expected * few))
    return max(0.0, 2 * g)  # equal shares give a little less than zero


@cache
def _noncentrality(degrees: int, alpha: float) -> float:
    """Return the noncentrality at which a test reaches the power."""
    limit = _root(lambda g: p_value(g, degrees) < alpha)
    return _root(lambda centre: _noncentral(limit, degrees, centre) > POWER)


def _noncentral(g: float, degrees: int, centre: float) -> float:
    """Return how likely a noncentral chi-squared variable is to reach a value: a Poisson mixture of central ones."""
    half, chance = centre / 2, 0.0
    for extra in range(int(half + 12 * math.sqrt(half + 1)) + 20):
        weight = math.exp(-half + extra * math.log(half) - math.lgamma(extra + 1)) if half else float(extra == 0)
        chance += weight * p_value(g, degrees + 2 * extra)
    return chance


def _upper_gamma(shape: float, x: float) -> float:
    """Return the regularized upper incomplete gamma function Q(shape, x).

    By its series for small x, else by Lentz's continued fraction (Press et al., Numerical Recipes, 3rd ed., 6.2).
    """
    if x <= 0:
        return 1.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        step = shape
        while term > total * 1e-17:
            step += 1
            term *= x / step
            total += term
        return 1 - front * total
    b = x + 1 - shape
    c, d = math.inf, 1 / b
    fraction = d
    for step in range(1, 10_000):
        a = -step * (step - shape)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        fraction *= c * d
        if abs(c * d - 1) < PRECISION:
            break
    return front * fraction


def _root(passed: Callable[[float], bool]) -> float:
    """Return where a condition begins to hold, to nine digits; it holds for all that is larger."""
    low, high = 0.0, 1.0
    while not passed(high):
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if passed(middle) else (middle, high)
    return high
