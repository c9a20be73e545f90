"""Which model judges an agent's answers in evaluations, and by what instructions: a part of the card."""

from pydantic import Field

from bot.policy.rules import CardPart


class JudgeTerms(CardPart):
    """A judge of tone and groundedness; without it no answer is judged."""

    model: str = Field(min_length=1)
    "Better another model than the agent's own, which likes what it wrote itself."
    prompt: str = Field(default="judge/prompt.md", pattern=r"^[a-z0-9_/-]+\.md$")
    "The file with the judge's instructions, below `evals/` in the agent's folder."
    required: bool = False
    "Whether a run without the judge, or without a calibration of it, has no verdict."
    at_least: float = Field(default=0.8, gt=0, le=1)
    "What the lower bound of the corrected share of good answers must reach where the judge is required."
