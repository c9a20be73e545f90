"""What `/agent-eval diff` and `/agent-eval case` show: whole, within Slack's limits, and without markup of others."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.slack.reports import eval_case, eval_diff
from bot.slack.reports.eval_case import CasePlay, CaseReport
from bot.store.releases.comparisons import Beside, PlayCount, RunBeside
from bot.store.schema import Verdict
from tests.support.block_checks import check, only_block, shown, texts, tried

LOST = Beside("locked-1", "locked", hard=False, now=PlayCount(1, 4), before=PlayCount(4, 4))
SAME = Beside("danger-1", "danger", hard=True, now=PlayCount(4, 4), before=PlayCount(2, 2))
DIFF = RunBeside(
    agent="access",
    release="access@2",
    run_id=7,
    verdict=Verdict.BLOCK,
    why=("locked fell",),
    baseline="access@1",
    slices=(replace(LOST, name="locked"), replace(SAME, name="danger")),
    worse=(LOST,),
)
PLAY = CasePlay(1, played=True, failures=(), outages=(), transcript=({"by": "requester", "text": "hello"},))
CASE = CaseReport("locked-1", "locked", hard=False, run_id=7, release="access@2", model_is_standin=False, plays=(PLAY,))


def test_slices_are_compared_in_a_table_and_a_picture() -> None:
    """The table has every slice, the chart those that changed, in per cent; without charts the table is there."""
    body = eval_diff.report(DIFF)
    rows = [[cell["text"] for cell in row] for row in only_block(body, "data_table")["rows"]]
    assert rows[1:] == [["locked", "normal", "1 of 4", "4 of 4"], ["danger", "hard", "4 of 4", "2 of 2"]]
    chart = only_block(body, "data_visualization")["chart"]
    assert [(one["name"], one["data"]) for one in chart["series"]] == [
        ("Baseline", [{"label": "locked", "value": 100.0}]),
        ("This release", [{"label": "locked", "value": 25.0}]),
    ]
    plainer = eval_diff.fallback(DIFF)
    assert plainer["text"] == body["text"]
    assert {"table"} == {one["type"] for one in plainer["blocks"]} - {"section", "context"}


def test_what_cannot_be_compared_is_not_drawn() -> None:
    """The baseline beside itself, no baseline, and no case in common: each is said, with neither table nor chart."""
    for changed, said in (
        ({"baseline": "access@2"}, "It is the baseline itself"),
        ({"baseline": None, "slices": (), "worse": ()}, "No release was promoted yet"),
        ({"slices": (), "worse": (), "apart": 3}, "it has played none of these cases as they are now"),
    ):
        body = eval_diff.report(replace(DIFF, **changed))
        assert said in body["text"]
        assert {one["type"] for one in body["blocks"]} == {"section", "context"}


def test_a_stand_in_is_named_in_both() -> None:
    """Where a stand-in answered, the comparison and the case say so; where Claude did, neither does."""
    for standin in (True, False):
        for body in (
            eval_diff.report(replace(DIFF, model_is_standin=standin)),
            eval_case.report(replace(CASE, model_is_standin=standin)),
        ):
            assert ("*stand-in model* answered" in body["text"]) is standin


@tried
@given(st.lists(texts, max_size=80), texts)
def test_no_comparison_breaks_a_limit(names: list[str], text: str) -> None:
    """Any number of slices and cases under any names is a message that Slack takes."""
    cases = tuple(replace(LOST, name=name) for name in names)
    found = replace(DIFF, release=text, baseline=f"b{text}", slices=cases, worse=cases, better=cases, why=(text, text))
    check(eval_diff.report(found))
    check(eval_diff.fallback(found))


@tried
@given(st.lists(texts, max_size=30), texts)
def test_no_case_breaks_a_limit(said: list[str], text: str) -> None:
    """Any words of people, tools and the model, however many, are a message that Slack takes."""
    entries = [
        ({"by": by, "text": one, "name": one, "status": one, "reason": one})
        for one in said
        for by in ("requester", "agent", "tool", "handoff", one)
    ]
    play = replace(PLAY, failures=tuple(said), transcript=tuple(entries))
    lost = replace(PLAY, played=False, outages=(text,))
    check(eval_case.report(replace(CASE, case=text, slice=text, release=text, plays=(play, play, lost, play, lost))))


def test_what_does_not_fit_is_counted() -> None:
    """Of a long play as many words as fit; of many plays the failed ones first, and how the others went."""
    talk = tuple({"by": "agent", "text": f"{number} " + "word " * 60} for number in range(20))
    plays = tuple(replace(PLAY, repeat=n, transcript=talk, failures=("no",) if n == 5 else ()) for n in range(1, 6))
    lost = replace(PLAY, repeat=6, played=False, outages=("the model was down",))
    text = shown(eval_case.report(replace(CASE, plays=(*plays, lost))))
    assert text.index("*Repeat 5*") < text.index("*Repeat 6*") < text.index("*Repeat 1*")
    assert "not played: the model was down" in text
    assert "more entries: `deskhand eval case` shows them." in text
    assert "3 more: passed 3 of 3." in text
