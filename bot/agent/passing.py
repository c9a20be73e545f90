"""What an agent's card asks of a release: when it passes, who judges its answers, and how it is watched afterwards."""

from pydantic import Field

from bot.agent.judge_terms import JudgeTerms
from bot.policy.rules import CardPart


class Passing(CardPart):
    """When a first release may serve, what is played while it does, and when its verdict is old."""

    pass_at_least: float = Field(default=0.8, gt=0, le=1)
    "What the lower bound of the pass rate over all cases must reach (95 %, one-sided; see `bot.evals.gate`)."
    stale_after_days: int = Field(default=30, ge=1)
    probes: int = Field(default=0, ge=0)
    "How many cases `evals/probes.yaml` lists, which are played twice a day while a release serves; 0: none are."
    judge: JudgeTerms | None = None
    "The model that judges tone and groundedness; without it they are not judged."
