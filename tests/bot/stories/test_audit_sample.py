"""Acts are drawn at random, and by anybody again: `bot.stories.audit_sample`."""

from collections import Counter

from bot.store.audit.strata import ActKind
from bot.stories import audit_sample
from bot.stories.audit_sample import DrawnAct, ToldAct
from bot.stories.explanation import WIDTH, Explanation, StoryPart

WRITES, APPROVALS, HANDOFFS, REFUSALS = ActKind
POPULATION = {
    WRITES: list(range(1, 1_000)),
    APPROVALS: [1_001, 1_002],
    HANDOFFS: list(range(2_000, 2_400)),
    REFUSALS: list(range(3_000, 3_300)),
}


def test_the_same_seed_draws_the_same_acts() -> None:
    """Another seed draws others, in each stratum of enough acts; none is drawn twice."""
    first, again, other = (audit_sample.draw(seed, 25, POPULATION) for seed in ("S", "S", "T"))
    assert first == again
    assert len(set(first)) == len(first) == 25
    assert {act.record for act in first}.isdisjoint({0})
    for stratum in (WRITES, HANDOFFS, REFUSALS):
        drawn = [{act.record for act in one if act.stratum is stratum} for one in (first, other)]
        assert drawn[0] != drawn[1]


def test_each_stratum_has_its_share_and_the_writes_what_is_over() -> None:
    """A small one is drawn whole, and what it leaves goes to the others, the writes first."""
    counts = Counter(act.stratum for act in audit_sample.draw("S", 25, POPULATION))
    assert counts == {WRITES: 8, APPROVALS: 2, HANDOFFS: 8, REFUSALS: 7}
    few = {**POPULATION, WRITES: [1], HANDOFFS: [], REFUSALS: []}
    assert [act.record for act in audit_sample.draw("S", 25, few)] == [1, 1_001, 1_002]
    assert audit_sample.draw("S", 1, POPULATION)[0].stratum is WRITES


def test_every_act_is_as_likely_as_another() -> None:
    """Over a thousand seeds, each of ten acts is drawn about as often: 200 times of 1,000, give or take 5 sigma."""
    population = {WRITES: list(range(10)), APPROVALS: [], HANDOFFS: [], REFUSALS: []}
    counts = Counter(act.record for seed in range(1_000) for act in audit_sample.draw(f"{seed}", 2, population))
    assert all(abs(counts[number] - 200) < 65 for number in range(10))


def test_a_new_act_changes_little_of_a_sample() -> None:
    """One more write replaces one drawn write at most, so that two samples of a growing log can be compared."""
    grown = {**POPULATION, WRITES: [*POPULATION[WRITES], 4_000]}
    before, after = (set(audit_sample.draw("S", 25, one)) for one in (POPULATION, grown))
    assert len(before - after) <= 1


def test_an_act_is_told_in_three_lines() -> None:
    """What was decided, what came of it, where to look; each no wider than a terminal, but for the links."""
    messages = {"messages": [{"channel": "C0HELP", "ts": "1700000000.000100"}]}
    parts = (
        StoryPart("Asked", ("Maya wrote.",), messages),
        StoryPart("Decided", (f"Allowed, {'because ' * 30}.", "Granted."), {}),
        StoryPart("Done", ("It unlocked.", "The tool finished."), {}),
        StoryPart("Agreed", ("It matched.",), {}),
    )
    page = Explanation("turn:3:1", "Step 1 of turn 3.", parts)
    act = DrawnAct(WRITES, 17)
    lines = ToldAct(act, page, lambda channel, ts: f"https://x.example/{channel}/{ts}").text().splitlines()
    assert lines[1:] == [
        "  The tool finished. It matched.",
        "  deskhand audit explain turn:3:1  https://x.example/C0HELP/1700000000.000100",
    ]
    assert lines[0].startswith("write: Allowed, because")
    assert len(lines[0]) <= WIDTH
    told = ToldAct(act, page, lambda _channel, _ts: None).as_json()
    assert (told["stratum"], told["audit"], told["thing"]) == ("writes", 17, "turn:3:1")
    assert told["links"] == ["C0HELP/1700000000.000100"]
