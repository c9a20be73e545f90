"""What one step sent and got back, as text for the page of a ticket. Pure.

What a step holds is JSON of the vendor or of a tool, redacted when it was stored; whatever its shape is, it is shown.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.store.schema import Step, StepKind

LONGEST = 20_000
"The most characters of one text on a page; `deskhand ticket --json` has all of it."


def texts(step: Step) -> Iterator[tuple[str, str]]:
    """Yield what was sent and what came back, each with its heading; the prompt before its completion."""
    answer = step.response
    if step.kind is StepKind.MODEL:
        messages = _list(step.request.get("messages"))
        yield f"Prompt, {len(messages)} message{'' if len(messages) == 1 else 's'}", _cut(_spoken(messages))
        if answer is not None:
            yield "Completion", _cut("\n".join(map(_block, _list(answer.get("content")))))
    else:
        yield "Arguments", _cut(_json(step.request.get("arguments", {})))
        if answer is not None:
            yield "Result", _cut(_json(answer.get("content", {})))


def _spoken(messages: list[Any]) -> str:
    if not messages:
        return "(deleted with the words of its requester)"
    return "\n\n".join(_message(one) for one in messages)


def _message(message: Any) -> str:
    if not isinstance(message, Mapping):
        return _json(message)
    content = message.get("content")
    said = content if isinstance(content, str) else "\n".join(map(_block, _list(content)))
    return f"{message.get('role', '?')}: {said}"


def _block(block: Any) -> str:
    match block:
        case str():
            return block
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "tool_use", "name": str(name)}:
            return f"calls {name} {_json(block.get('input', {}))}"
        case {"type": "tool_result"}:
            content = block.get("content")
            return f"result: {content if isinstance(content, str) else chr(10).join(map(_block, _list(content)))}"
        case _:
            return _json(block)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…\n({len(text) - LONGEST:,} more characters)"
