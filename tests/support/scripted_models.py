"""Models that do as a test tells them; what they answer has the shape of the real door's answers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bot.agent.model import Completion, Prompt, ToolCall
from bot.budget.prices.pricing import Usage

Block = str | tuple[str, dict[str, Any]]
"A text, or a tool's name with its arguments."

_numbers: Iterator[int] = count()


def completion(*blocks: Block, model: str = "stand-in-1", tokens: int = 10, stop: str | None = None) -> Completion:
    """Return an answer made of blocks, which stops for a reason."""
    content: list[dict[str, Any]] = []
    for block in blocks:
        if isinstance(block, str):
            content.append({"type": "text", "text": block})
        else:
            content.append({"type": "tool_use", "id": f"toolu_{next(_numbers)}", "name": block[0], "input": block[1]})
    ends = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
    return Completion(
        content=tuple(content),
        text="".join(block["text"] for block in content if block["type"] == "text"),
        tool_calls=tuple(ToolCall(b["id"], b["name"], b["input"]) for b in content if b["type"] == "tool_use"),
        stop_reason=ends if stop is None else stop,
        usage=Usage(model, input_tokens=tokens, output_tokens=tokens),
    )


@dataclass
class Script:
    """A model that gives its answers one after the other, and keeps the prompts; an exception is raised."""

    answers: list[tuple[Block, ...] | Completion | BaseException]
    prompts: list[Prompt] = field(default_factory=list)

    def __call__(self, prompt: Prompt) -> Completion:
        """Answer the next prompt."""
        self.prompts.append(prompt)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Completion) else completion(*answer, model=prompt.model)


@dataclass
class Unlocker:
    """A model that looks, unlocks, resolves and says so, judging by the prompt alone, as a real one does."""

    calls: int = 0
    before: Callable[[Prompt], None] = lambda _prompt: None

    def __call__(self, prompt: Prompt) -> Completion:
        """Take the next step."""
        self.calls += 1
        self.before(prompt)
        return completion(UNLOCKING[len(results(prompt))], model=prompt.model)


UNLOCKING: tuple[Block, ...] = (
    ("look_up_my_account", {}),
    ("unlock_my_account", {}),
    ("resolve", {"done": "Unlocked it.", "category": "locked"}),
    "You can sign in again.",
)


def results(prompt: Prompt) -> list[dict[str, Any]]:
    """Return what the tools have given so far."""
    return [
        {**json.loads(block["content"]), "is_error": block["is_error"]}
        for message in prompt.messages
        for block in message["content"]
        if block["type"] == "tool_result"
    ]
