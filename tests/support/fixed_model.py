"""A model that says what a test tells it to."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from bot.agent.model import Completion, Prompt, ToolCall
from bot.budget.prices.pricing import Usage
from bot.evals.cases import Case

Say = str | dict[str, Any]
"A text, or `{name: ..., **arguments}` of a tool call."

_numbers: Iterator[int] = count()


def answering(*says: Say | Exception) -> Callable[[Prompt], Completion]:
    """Return a model that gives these answers one after the other; an exception is raised."""
    left = list(says)

    def call(prompt: Prompt) -> Completion:
        said = left.pop(0)
        if isinstance(said, Exception):
            raise said
        return completion_of(prompt, said)

    return call


def completion_of(prompt: Prompt, said: Say) -> Completion:
    """Return an answer as the real door would."""
    usage = Usage(prompt.model, input_tokens=100, output_tokens=10)
    if isinstance(said, str):
        return Completion(({"type": "text", "text": said},), said, (), "end_turn", usage)
    arguments = {key: value for key, value in said.items() if key != "name"}
    call = ToolCall(f"toolu_{next(_numbers)}", said["name"], arguments)
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}
    return Completion((block,), "", (call,), "tool_use", usage)


def a_case(name: str = "one", **given: Any) -> Case:
    """Return a case whose requester is fine and should be answered with a few words."""
    values: dict[str, Any] = {
        "slice": "small",
        "hard": False,
        "accounts": {"kim": {}},
        "says": ["hello"],
        "expect": {"outcome": "reply", "ticket": "open"},
    }
    return Case.model_validate({"id": name, **values, **given})
