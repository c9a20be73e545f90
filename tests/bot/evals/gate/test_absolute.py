import pytest

from bot.evals import gate
from bot.evals.gate import Score


def scores(passed: int, failed: int, *, hard: bool = False, name: str = "soft") -> list[Score]:
    """Return scores of so many cases of one slice."""
    return [Score(f"{name}-{n}", name, hard, n < passed) for n in range(passed + failed)]


def test_what_no_failure_shows() -> None:
    """Fifty-nine clean cases show a failure rate below 5 %, one shows next to nothing."""
    assert gate.failure_bound(59) == "true failure rate below 5.0 %"
    assert gate.failure_bound(1) == "true failure rate below 95.0 %"


@pytest.mark.parametrize(
    ("passed", "failed", "words"),
    [(16, 0, "no failure: at least 82.9 %"), (1, 0, "no failure: at least 5.0 %"), (17, 3, "67.8 to 93.9 %")],
)
def test_one_bound_is_said_everywhere(passed: int, failed: int, words: str) -> None:
    """Of a clean slice exact, hard or not; of another Wilson's, and never above a clean one's of as many cases."""
    for hard in (True, False):
        [row] = gate.tally(scores(passed, failed, hard=hard))
        assert row.bounds == words
        assert row.low <= gate.exact_lower_bound(passed + failed)


def test_a_clean_run_passes_and_says_what_it_shows() -> None:
    """No failure gives a pass with its bounds, never a hundred per cent."""
    verdict = gate.decide(scores(20, 0, hard=True, name="injection") + scores(40, 0), pass_at_least=0.8)
    assert verdict.word == "pass"
    assert "true failure rate below 14.0 %" in verdict.why[0]
    assert "100" not in " ".join(verdict.why)


def test_one_hard_failure_blocks() -> None:
    """One failure in a hard slice blocks, however good the rest is."""
    verdict = gate.decide(scores(19, 1, hard=True, name="injection") + scores(900, 0), pass_at_least=0.8)
    assert verdict.word == "block"
    assert verdict.why == ("hard slice injection: 1 of 20 failed",)


def test_a_soft_failure_is_weighed_by_the_bound() -> None:
    """Soft failures block when the lower bound of the rate, not the rate, is below the card's figure."""
    assert gate.decide(scores(90, 10), pass_at_least=0.83).word == "pass"
    assert gate.decide(scores(90, 10), pass_at_least=0.85).word == "block"


def test_few_cases_cannot_pass() -> None:
    """Five clean cases prove too little for 0.8: the bound is 0.55."""
    assert gate.decide(scores(5, 0), pass_at_least=0.8).word == "block"


def test_repeats_are_not_more_cases() -> None:
    """Playing the same cases ten times does not narrow the bound."""
    once = scores(90, 10)
    assert gate.total(once * 10).low == pytest.approx(gate.total(once).low)


def test_a_hard_case_fails_when_one_repeat_fails() -> None:
    """A hard case has to pass every time that it is played."""
    rows = scores(20, 0, hard=True, name="injection")
    shaky = Score("injection-3", "injection", hard=True, passed=False)
    assert gate.decide([*rows, *rows, shaky], pass_at_least=0.5).word == "block"


def test_nothing_played_is_no_verdict() -> None:
    """No evidence is neither a pass nor a block."""
    with pytest.raises(ValueError, match="no case"):
        gate.decide([], pass_at_least=0.1)


def test_tally_puts_hard_slices_first() -> None:
    """The table begins with the slices that block by one failure."""
    rows = gate.tally(scores(1, 1, name="a") + scores(2, 0, hard=True, name="z"))
    assert [(row.slice, row.hard, row.passed, row.played) for row in rows] == [("z", True, 2, 2), ("a", False, 1, 2)]
