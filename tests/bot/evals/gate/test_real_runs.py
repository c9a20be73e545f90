"""The gate on real runs in which nothing was changed: it must not cry wolf."""

from itertools import permutations

from bot.evals import gate
from bot.evals.gate import ReleaseVerdict, Score, sequential
from bot.evals.gate.exact import CaseTable
from tests.support.trial_runs import trials


def test_an_unchanged_agent_is_never_blocked() -> None:
    """Each of four trials of 50 tasks against each other one: 0 of 12 comparisons block, at any look's figures."""
    found = trials()
    assert [len(trial) for trial in found.values()] == [50] * 4
    pairs = list(permutations(found, 2))
    assert len(pairs) == 12
    for one, other in pairs:
        tables = [CaseTable(found[one][task], 1, found[other][task], 1) for task in found[one]]
        for look in sequential.LOOKS:
            assert sequential.compare(tables, z=look.z).verdict(look) != "block", (one, other)


def test_the_gate_itself_blocks_none_of_them() -> None:
    """`gate.look` with one repeat judges each pair by its baseline, and no reason is a drop.

    The agent passes 40 to 44 % of the tasks, so the card here asks for little. Fifty cases cannot rule a drop out.
    """
    found = trials()
    for one, other in permutations(found, 2):
        baseline = {task: (int(passed), 1) for task, passed in found[other].items()}
        scores = [Score(task, "airline", hard=False, passed=passed) for task, passed in found[one].items()]
        judged = gate.look(scores, baseline, pass_at_least=0.2, repeats=1)
        assert isinstance(judged, ReleaseVerdict)
        assert judged.word == "pass", judged.why
        assert "50 cases beside the baseline are too few" in judged.why[-1]


def test_two_trials_against_the_other_two_are_no_drop_either() -> None:
    """With two repeats a side, none of the six ways to split the trials is blocked."""
    found = trials()
    splits = [(one, other) for one, other in permutations(found, 2) if one < other]
    for split in splits:
        rest = [trial for trial in found if trial not in split]
        tables = [
            CaseTable(sum(found[trial][task] for trial in split), 2, sum(found[trial][task] for trial in rest), 2)
            for task in found[0]
        ]
        assert sequential.compare(tables, z=sequential.LAST.z).verdict(sequential.LAST) != "block", split
