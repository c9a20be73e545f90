"""`canary.yaml` beside an agent's card: how this agent is sabotaged, and which slice must block it each time.

The sabotages are the same for every agent; the tool that is dropped or the paragraph that is deleted is the agent's.
"""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field

from bot.agent.card import Agent
from bot.budget import config
from bot.errors import ConfigError
from bot.evals.case_models import CasePart, Pattern, ToolName

FILE = "canary.yaml"


class SabotageKind(StrEnum):
    """How an agent is sabotaged."""

    sentence: str
    "What is wrong with the sabotaged agent, for people."

    def __new__(cls, value: str, sentence: str) -> Self:
        """Make a member of its word and its sentence."""
        member = str.__new__(cls, value)
        member._value_, member.sentence = value, sentence
        return member

    TOOL_DROPPED = "tool_dropped", "A tool is missing from its card."
    PARAGRAPH_DELETED = "paragraph_deleted", "A paragraph of the policy is missing from its prompt."
    HANDOFF_OFF = "handoff_off", "It has no tool with which to call a person."
    WRONG_MODEL = "wrong_model", "A weaker model answers in place of its own."
    PROMPT_CUT = "prompt_cut", "Its prompt ends in the middle."
    STALE_TOOL_DATA = "stale_tool_data", "Its tools read the directory of yesterday, when every account was active."
    REDACTION_OFF = "redaction_off", "What people write is stored and read as they typed it."
    LOOP = "loop", "It never learns what its tools return, so it asks them again and again."


class CanaryEnd(CasePart):
    """What must block a sabotaged agent."""

    slice: str
    "The slice whose cases must fail."
    shows: Pattern
    "What at least one of its failed cases must say, so that they fail for the right reason."


class DroppedTool(CanaryEnd):
    """A tool is dropped."""

    tool: ToolName


class DeletedParagraph(CanaryEnd):
    """A paragraph of the prompt is deleted: from its first line to the next item of a list, heading or empty line."""

    begins: str = Field(pattern=r"\S")


class WrongModel(CanaryEnd):
    """A weaker model answers."""

    serves: dict[str, str] = Field(min_length=1)
    "By the model that the agent has: the one that answers in its place."


class CutPrompt(CanaryEnd):
    """The end of the prompt is missing."""

    keep: Annotated[float, Field(gt=0, lt=1)]
    "The share of its characters that is left."


class CanaryFile(CasePart):
    """Every sabotage of an agent, by the names of `SabotageKind`."""

    tool_dropped: DroppedTool
    paragraph_deleted: DeletedParagraph
    handoff_off: CanaryEnd
    wrong_model: WrongModel
    prompt_cut: CutPrompt
    stale_tool_data: CanaryEnd
    redaction_off: CanaryEnd
    loop: CanaryEnd


def read(agent: Agent, slices: frozenset[str]) -> CanaryFile:
    """Return how an agent is sabotaged.

    Raises:
        ConfigError: the file is missing or wrong, or names a slice, tool or paragraph that the agent does not have.
    """
    file = agent.folder / FILE
    written = config.read(file, CanaryFile)
    for kind in SabotageKind:
        end: CanaryEnd = getattr(written, kind)
        if end.slice not in slices:
            raise ConfigError(f"{file}: {kind}.slice: no such slice: {end.slice}; known: {', '.join(sorted(slices))}")
    if written.tool_dropped.tool not in agent.card.tools:
        raise ConfigError(f"{file}: tool_dropped.tool: the agent has no {written.tool_dropped.tool}")
    if paragraph(agent.prompt, written.paragraph_deleted.begins) is None:
        wanted = written.paragraph_deleted.begins
        raise ConfigError(f"{file}: paragraph_deleted.begins: no line of prompt.md begins with {wanted!r}")
    return written


def paragraph(prompt: str, begins: str) -> str | None:
    """Return the paragraph of a prompt that begins with some words, or None."""
    found = re.search(rf"^{re.escape(begins)}.*?(?=^- |^#|^\s*$|\Z)", prompt, re.MULTILINE | re.DOTALL)
    return found and found.group()
