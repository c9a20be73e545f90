"""Answers that people have judged: `evals/judge/answers.yaml` in an agent's folder.

The judge is measured by them, so they are written and labelled by people, and varied: good answers that look odd, bad
ones that look fine.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.agent.card import Agent
from bot.budget import config
from bot.errors import ConfigError
from bot.evals.judge.question import JudgedAnswer

LEAST = 60
"How many good answers, and how many bad ones, a calibration needs."
FILE = Path("evals/judge/answers.yaml")


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Labelled(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    said: Annotated[Texts, Field(min_length=1)]
    facts: Texts = ()
    answer: str = Field(pattern=r"\S")
    bad: Literal["tone", "grounded", "both"] | None = None


class _Labels(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    answers: tuple[_Labelled, ...]


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """An answer, and what people say of it."""

    number: int
    "Its place in the file, from 1."
    sample: JudgedAnswer
    good: bool
    wrong: str
    "What is bad about it: tone, grounded or both; empty for a good one."


def load(agent: Agent) -> tuple[LabelledAnswer, ...]:
    """Read the labelled answers of an agent.

    Raises:
        ConfigError: the file is wrong or missing, an answer is there twice, or there are too few of a kind.
    """
    file = agent.folder / FILE
    rows = config.read(file, _Labels).answers
    found = tuple(
        LabelledAnswer(number, JudgedAnswer(row.said, row.facts, row.answer), row.bad is None, row.bad or "")
        for number, row in enumerate(rows, start=1)
    )
    if len({one.sample for one in found}) < len(found):
        raise ConfigError(f"{file}: answers: one is there twice, expected each once")
    for good, kind in ((True, "good"), (False, "bad")):
        there = sum(one.good is good for one in found)
        if there < LEAST:
            raise ConfigError(f"{file}: answers: {there} {kind} ones, expected at least {LEAST}")
    return found
