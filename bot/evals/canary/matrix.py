"""What came of the canary: the kill matrix (sabotage by slice) with the reason of each block. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bot.evals.canary.playing import SabotageResult
from bot.store.schema import Verdict

NARROW = 7
"Width of a column, in characters."


def as_text(results: Sequence[SabotageResult], *, standin: bool) -> str:
    """Return the matrix for a terminal of 100 columns: failed of played cases by slice, one column a sabotage."""
    failed = [Counter(play.case.slice for play in one.plays if play.failures) for one in results]
    played = [Counter(play.case.slice for play in one.plays) for one in results]
    slices = sorted({name for counts in played for name in counts})
    lines = [f"{'failed of played':<17}" + "".join(f"{f'({n})':>{NARROW}}" for n in range(1, len(results) + 1))]
    for name in slices:
        cells = [f"{fell[name]}/{all_[name]}" if all_[name] else "" for fell, all_ in zip(failed, played, strict=True)]
        lines.append((f"{name:<17}" + "".join(f"{cell:>{NARROW}}" for cell in cells)).rstrip())
    for number, one in enumerate(results, start=1):
        lines += ["", *_told(number, one)]
    caught = sum(one.caught for one in results)
    lines += ["", f"{caught} of {len(results)} sabotaged agents are blocked for the expected reason."]
    if standin:
        lines.append("A stand-in model has played: this says nothing of Claude.")
    return "\n".join(lines)


def as_json(results: Sequence[SabotageResult], *, standin: bool) -> dict[str, Any]:
    """Return the results as plain values; `slice` is the one for which a sabotaged agent is blocked."""
    return {
        "sabotages": [
            {
                "name": str(one.sabotage.kind),
                "sentence": one.sabotage.kind.sentence,
                "verdict": str(one.verdict.word),
                "slice": one.slice,
                "expected_slice": one.sabotage.end.slice,
                "caught": one.caught,
                "why": list(one.verdict.why),
                "evidence": one.evidence,
                "played": len(one.plays),
                "failed": sum(bool(play.failures) for play in one.plays),
                "whole": one.whole,
            }
            for one in results
        ],
        "model_is_standin": standin,
    }


def _told(number: int, one: SabotageResult) -> list[str]:
    """Return what became of one sabotaged agent, in a few lines."""
    kind, end = one.sabotage.kind, one.sabotage.end
    how = "every case was played" if one.whole else "the cases of other slices count as passed"
    lines = [
        f"({number}) {kind}: {kind.sentence}",
        f"    {one.verdict.word.upper()}: {'; '.join(one.verdict.why)} ({how})",
    ]
    if one.caught:
        return [*lines, f"    for {end.slice}, as expected: {one.evidence}"]
    if one.verdict.word is Verdict.BLOCK and one.slice == end.slice:
        return [*lines, f"    NOT CAUGHT: no failed case of {end.slice} says /{end.shows}/."]
    return [*lines, f"    NOT CAUGHT: expected a block for {end.slice}, because /{end.shows}/."]
