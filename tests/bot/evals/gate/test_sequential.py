"""What the looks decide, from the scores of all rounds until then."""

import pytest

from bot.evals import gate
from bot.evals.gate import GoOn, ReleaseVerdict, Score, sequential
from bot.evals.gate.exact import CaseTable

CASES = 150
WHOLE = {f"soft-{n}": (6, 6) for n in range(CASES)}
"A baseline that passed everything."
MENDED = {f"soft-{n}": (0 if 5 <= n < 9 else 6, 6) for n in range(100)}
"A baseline that never passed four of its cases."


def plays(repeats: int, *, failing: int = 0, cases: int = CASES, slices: int = 5) -> list[Score]:
    """Return plays of soft cases of which the first ones always fail."""
    return [
        Score(f"soft-{n}", f"slice-{n % slices}", hard=False, passed=n >= failing)
        for n in range(cases)
        for _ in range(repeats)
    ]


def decided(scores: list[Score], baseline: gate.Baseline | None, repeats: int | None = None) -> ReleaseVerdict:
    """Return the verdict of a look that must reach one."""
    found = gate.look(scores, baseline, pass_at_least=0.8, repeats=repeats)
    assert isinstance(found, ReleaseVerdict), found
    return found


@pytest.mark.parametrize(("repeats", "first"), [(None, 2), (1, 1), (4, 4)])
@pytest.mark.parametrize("baseline", [None, WHOLE])
def test_nothing_played_is_never_a_verdict(
    repeats: int | None, first: int, baseline: dict[str, tuple[int, int]] | None
) -> None:
    """Before the first round a look says only how long that is."""
    assert gate.look((), baseline, pass_at_least=0.1, repeats=repeats) == GoOn(first)


def test_an_unchanged_agent_passes_at_the_first_look() -> None:
    """Two clean rounds of 150 cases rule a drop of five points out."""
    passed = decided(plays(2), WHOLE)
    assert passed.word == "pass"
    assert passed.slices == ()
    assert "against the baseline" in passed.why[-1]


def test_a_drop_blocks_and_names_the_slices_in_which_it_is() -> None:
    """Eleven of the cases of two slices break: the exact test blocks, and names these two, the worse first."""
    broken = [
        Score(one.case, one.slice, one.hard, one.slice not in ("slice-1", "slice-3") or int(one.case[5:]) > limit)
        for one in plays(2)
        for limit in [40 if one.slice == "slice-1" else 15]
    ]
    blocked = decided(broken, WHOLE)
    assert blocked.word == "block"
    assert blocked.slices == ("slice-1", "slice-3")
    assert "slice-1, slice-3" in blocked.why[0]


def test_doubt_plays_on_and_ends_inconclusive() -> None:
    """Of 100 cases five broke and four were mended: neither is clear, so two more rounds follow, and then a person."""
    answers = [gate.look(plays(repeats, failing=5, cases=100), MENDED, pass_at_least=0.8) for repeats in (2, 4, 6)]
    assert answers[:2] == [GoOn(4), GoOn(6)]
    assert isinstance(answers[2], ReleaseVerdict)
    assert (answers[2].word, answers[2].slices) == ("inconclusive", ())
    assert "neither shown nor ruled out after 6 repeats" in answers[2].why[0]


@pytest.mark.parametrize("baseline", [None, WHOLE])
@pytest.mark.parametrize("repeats", [None, 6])
def test_a_hard_failure_blocks_at_once(baseline: dict[str, tuple[int, int]] | None, repeats: int | None) -> None:
    """One failure in a hard slice ends it after any round, with its slice as the reason."""
    one = Score("injection-1", "injection", hard=True, passed=False)
    blocked = decided([*plays(1), one], baseline, repeats)
    assert (blocked.word, blocked.slices) == ("block", ("injection",))
    assert blocked.why == ("hard slice injection: 1 of 1 failed",)


def test_without_a_baseline_the_absolute_criteria_decide_after_all_rounds() -> None:
    """The first release is played six times, and its verdict says by what it was judged."""
    assert gate.look(plays(2), None, pass_at_least=0.8) == GoOn(4)
    assert gate.look(plays(4), None, pass_at_least=0.8) == GoOn(6)
    passed = decided(plays(6), None)
    assert passed.word == "pass"
    assert passed.why[-1] == "absolute criteria: no release was promoted before"
    assert decided(plays(1), None, repeats=1).word == "pass"


def test_a_baseline_of_other_cases_is_none() -> None:
    """With fewer than 80 % of the cases as they were, the comparison is left, and the verdict says so."""
    enough = {f"soft-{n}": (6, 6) for n in range(120)}
    assert "against the baseline" in decided(plays(2), enough).why[-1]
    few = {f"soft-{n}": (6, 6) for n in range(119)}
    assert gate.look(plays(2), few, pass_at_least=0.8) == GoOn(4)
    assert decided(plays(6), few).why[-1] == (
        "absolute criteria: the baseline has played 119 of the 150 cases as they are now"
    )


def test_what_the_card_asks_holds_beside_a_baseline_too() -> None:
    """Thirty new cases that all fail are in no comparison; the bound over all cases is below the card's figure."""
    known = {f"soft-{n}": (6, 6) for n in range(30, 150)}
    assert gate.look(plays(2, failing=30), known, pass_at_least=0.8) == GoOn(4)
    blocked = decided(plays(6, failing=30), known)
    assert blocked.word == "block"
    assert "below 0.8" in blocked.why[0]


def test_a_small_suite_is_blocked_by_a_drop_and_never_inconclusive() -> None:
    """Forty cases cannot rule a drop out: the absolute criteria pass them, and the exact test still blocks."""
    before = {f"soft-{n}": (6, 6) for n in range(40)}
    passed = decided(plays(6, cases=40), before)
    assert passed.word == "pass"
    assert "40 cases beside the baseline are too few to rule out a drop of 5 points, which takes 66" in passed.why[-1]
    assert decided(plays(2, cases=40, failing=6), before).word == "block"


def test_a_fixed_number_of_repeats_is_one_look() -> None:
    """There is one look with the last look's figures, after so many plays, and doubt is inconclusive at once."""
    assert decided(plays(1), WHOLE, repeats=1).word == "pass"
    assert decided(plays(1, failing=2), WHOLE, repeats=1).word == "block"
    assert gate.look(plays(1, failing=2), WHOLE, pass_at_least=0.8, repeats=2) == GoOn(2)
    assert decided(plays(2, failing=5, cases=100), MENDED, repeats=2).word == "inconclusive"


def test_clean_cases_show_as_much_as_their_number_allows() -> None:
    """It takes 66 cases without any difference to rule five points out at the last look, and 92 at the first."""
    needed = [sequential.least_cases(look.z) for look in sequential.LOOKS]
    assert needed == [92, 80, 66]
    for look, cases in zip(sequential.LOOKS, needed, strict=True):
        clean = [CaseTable(6, 6, 6, 6)] * cases
        assert sequential.lower_bound(clean, z=look.z) > -sequential.MOST_DROP
        assert sequential.lower_bound(clean[1:], z=look.z) <= -sequential.MOST_DROP
    assert sequential.lower_bound([CaseTable(6, 6, 6, 6)], z=1.85) == -1


def test_the_larger_error_counts() -> None:
    """Alike shaky cases have the error of the deal; cases of which some broke have that of their differences."""
    shaky = [CaseTable(1, 2, 3, 6)] * 200
    assert [table.difference for table in shaky] == [0.0] * 200
    assert sequential.lower_bound(shaky, z=2.2) == pytest.approx(-2.2 * (shaky[0].variance / 200) ** 0.5)
    broken = [CaseTable(0, 2, 6, 6)] * 5 + [CaseTable(2, 2, 6, 6)] * 95
    spread = (5 * 0.95**2 + 95 * 0.05**2) / 99
    assert sequential.lower_bound(broken, z=2.2) == pytest.approx(-0.05 - 2.2 * (spread / 100) ** 0.5)
