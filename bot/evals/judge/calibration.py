"""How often the judge agrees with people: every labelled answer is judged once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bot.evals.judge.judge import Judge
from bot.evals.judge.labels import LabelledAnswer
from bot.evals.judge.question import Judgement
from bot.evals.judge.rogan_gladen import Agreement

AT_ONCE = 4
"How many answers are judged at a time."


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What a calibration found."""

    agreement: Agreement
    disputed: tuple[tuple[LabelledAnswer, Judgement], ...]
    "Where the judge and people differ."
    cost_nusd: int


def measure(
    judge: Judge, answers: Sequence[LabelledAnswer], *, progress: Callable[[int], None] = lambda _done: None
) -> CalibrationResult:
    """Judge every labelled answer.

    Args:
        judge: the judge.
        answers: what people have labelled, at least one good and one bad.
        progress: called with how many are judged, after each.

    Raises:
        Transient: the judge is down: a part of the answers measures nothing.
    """
    judged: list[Judgement] = []
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="judge") as pool:
        for one in pool.map(judge.judge, [answer.sample for answer in answers]):
            judged.append(one)
            progress(len(judged))
    pairs = tuple(zip(answers, judged, strict=True))
    good, bad = [two for two in pairs if two[0].good], [two for two in pairs if not two[0].good]
    agreement = Agreement(
        good=len(good),
        good_found=sum(one.good for _, one in good),
        bad=len(bad),
        bad_found=sum(not one.good for _, one in bad),
    )
    disputed = tuple((label, one) for label, one in pairs if label.good is not one.good)
    return CalibrationResult(agreement, disputed, sum(one.cost_nusd for one in judged))
