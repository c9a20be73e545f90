"""The statistics of drift: `bot.drift.g_test`."""

import math
from collections import Counter
from random import Random

import pytest

from bot.drift import g_test
from bot.drift.g_test import GTest

KNOWN = [
    *((3.841458820694124, 1, 0.05), (6.634896601021213, 1, 0.01), (10.827566170662733, 1, 0.001)),
    *((16.918977604620448, 9, 0.05), (27.877164871256568, 9, 0.001), (0.0, 4, 1.0)),
    *((18.307038053275146, 10, 0.05), (124.34211340400407, 100, 0.05)),
]
"A value, its degrees of freedom and its p-value, from tables of the chi-squared distribution."
ALPHA = 0.0005 / 3


@pytest.mark.parametrize(("value", "degrees", "known"), KNOWN)
def test_p_values_are_those_of_the_tables(value: float, degrees: int, known: float) -> None:
    """To nine digits."""
    assert g_test.p_value(value, degrees) == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize("value", [0.01, 0.5, 1.0, 3.0, 9.0, 14.0, 40.0, 150.0, 700.0])
def test_p_values_are_those_of_the_closed_forms(value: float) -> None:
    """With one degree of freedom it is the error function, with an even number a sum of Poisson terms."""
    assert g_test.p_value(value, 1) == pytest.approx(math.erfc(math.sqrt(value / 2)), rel=1e-9)
    for half in (1, 2, 5, 30):
        terms = (math.exp(-value / 2 + k * math.log(value / 2) - math.lgamma(k + 1)) for k in range(half))
        assert g_test.p_value(value, 2 * half) == pytest.approx(math.fsum(terms), rel=1e-9)


def test_the_statistic_is_the_textbooks() -> None:
    """Two rows of 60 and 40, of 40 and 60: G = 2 * (120 ln 1.2 + 80 ln 0.8), on one degree of freedom."""
    found = g_test.compare({"a": 60, "b": 40}, {"a": 40, "b": 60})
    g = 2 * (120 * math.log(1.2) + 80 * math.log(0.8))
    assert found.p_value == pytest.approx(math.erfc(math.sqrt(g / 2)), rel=1e-12)
    assert found.effect == pytest.approx(math.sqrt((g - 1) * 2 / 100), rel=1e-12)


def test_equal_shares_are_no_difference() -> None:
    """Neither of different numbers, nor where there is one cell alone."""
    assert g_test.compare({"a": 900, "b": 100}, {"a": 90, "b": 10}) == GTest(1.0, 0.0)
    assert g_test.compare({"a": 900}, {"a": 90}) == GTest(1.0, 0.0)


def test_rare_cells_are_pooled() -> None:
    """What is expected less than twice in the window is one cell, with what is named so already."""
    reference = {"reply": 900, "handoff": 60, "refused": 15, "other": 15, "odd": 10}
    pooled = g_test.pooled(reference, {"reply": 95, "handoff": 4, "new": 1})
    assert pooled == {"reply": (900, 95), "handoff": (60, 4), "other": (40, 1)}
    assert g_test.pooled({"a": 900, "b": 100}, {"a": 90, "b": 10}) == {"a": (900, 90), "b": (100, 10)}


def test_what_was_never_there_before_is_found() -> None:
    """A value that the reference does not have is a cell like any other."""
    found = g_test.compare({"a": 1000}, {"a": 80, "new": 20})
    assert found.p_value < 1e-9
    assert found.effect > 0.15


@pytest.mark.parametrize(("share", "window"), [(0.5, 300), (0.25, 300), (0.1, 100), (0.25, 1000)])
def test_the_detectable_size_is_found_in_four_of_five_cases(share: float, window: int) -> None:
    """In samples drawn at random, with a share that has moved by just that much."""
    random, tries = Random(7), 400
    size = g_test.detectable(
        {"reply": round(1000 * (1 - share)), "handoff": round(1000 * share)}, window, alpha=ALPHA, least_effect=0.15
    )
    found = 0
    for _ in range(tries):
        reference = Counter(random.random() < share for _ in range(1000))
        moved = Counter(random.random() < share + size for _ in range(window))
        test = g_test.compare(_named(reference), _named(moved))
        found += test.p_value < ALPHA and test.effect >= 0.15
    assert 0.72 <= found / tries <= 0.9


def _named(counts: Counter[bool]) -> dict[str, int]:
    return {str(value): count for value, count in counts.items()}
