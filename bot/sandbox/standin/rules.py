"""What the Messages API refuses, in its own words: the stand-in is as strict as the real API.

`check` returns the text of a 400 `invalid_request_error`, or None for a valid request.
"""

import re
from collections.abc import Callable, Container, Iterator
from typing import Any

Json = dict[str, Any]

FIELDS = frozenset(
    {"model", "messages", "max_tokens", "system", "tools", "tool_choice", "stream", "cache_control", "container"}
    | {
        "diagnostics",
        "inference_geo",
        "metadata",
        "output_config",
        "service_tier",
        "speed",
        "stop_sequences",
        "thinking",
    }
)
BLOCKS = {
    "user": frozenset({"text", "tool_result", "image", "document", "search_result"}),
    "assistant": frozenset({"text", "tool_use", "thinking", "redacted_thinking"}),
    "system": frozenset({"text"}),
}
CACHE_MARKS = 4


def check(body: object, *, counting: bool = False) -> str | None:
    """Return what is wrong with a request's body, or None.

    Args:
        body: the parsed JSON.
        counting: whether the request only counts tokens and needs no `max_tokens`.
    """
    if not isinstance(body, dict):
        return "Input should be an object"
    steps: list[Callable[[Json], Iterator[str]]] = [_fields, _tools, _messages, _pairs, _cache]
    if not counting:
        steps.insert(0, _length)
    return next((wrong for step in steps for wrong in step(body)), None)


def _length(body: Json) -> Iterator[str]:
    limit = body.get("max_tokens")
    if "max_tokens" not in body:
        yield "max_tokens: Field required"
    elif isinstance(limit, bool) or not isinstance(limit, int):
        yield "max_tokens: Input should be a valid integer"
    elif limit < 0:
        yield "max_tokens: Input should be greater than or equal to 0"


def _fields(body: Json) -> Iterator[str]:
    yield from (f"{name}: Extra inputs are not permitted" for name in body if name not in FIELDS)
    yield from (f"{name}: Field required" for name in ("model", "messages") if name not in body)
    if not isinstance(body["model"], str) or not body["model"]:
        yield "model: Input should be a valid string"
    if not isinstance(body["messages"], list):
        yield "messages: Input should be a valid list"
    if not body["messages"]:
        yield "messages: at least one message is required"
    if "stream" in body and not isinstance(body["stream"], bool):
        yield "stream: Input should be a valid boolean"
    system = body.get("system", "")
    if isinstance(system, str):
        return
    if not isinstance(system, list):
        yield "system: Input should be a valid list"
    for index, block in enumerate(system):
        yield from _block(block, f"system.{index}", BLOCKS["system"])


def _tools(body: Json) -> Iterator[str]:
    tools, choice = body.get("tools", []), body.get("tool_choice", {"type": "auto"})
    if not isinstance(tools, list):
        yield "tools: Input should be a valid list"
    for index, tool in enumerate(tools):
        if not isinstance(tool, dict):
            yield f"tools.{index}: Input should be an object"
        name, schema = tool.get("name"), tool.get("input_schema")
        if not isinstance(name, str) or not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name):
            yield f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        if not isinstance(schema, dict) or schema.get("type") != "object":
            yield f"tools.{index}.custom.input_schema.type: Field required"
        elif tool.get("strict") and schema.get("additionalProperties") is not False:
            yield (f"tools.{index}.custom: For 'object' type, 'additionalProperties' must be explicitly set to false")
    if len({tool["name"] for tool in tools}) < len(tools):
        yield "tools: Tool names must be unique."
    if not isinstance(choice, dict) or not _is_one(choice.get("type"), ("auto", "none", "any", "tool")):
        yield "tool_choice: Input should be a valid dictionary"
    if choice["type"] in {"any", "tool"}:
        yield "tool_choice: the stand-in model decides for itself; use auto or none"


def _messages(body: Json) -> Iterator[str]:
    for index, message in enumerate(body["messages"]):
        where = f"messages.{index}"
        if not isinstance(message, dict) or not _is_one(message.get("role"), BLOCKS):
            yield f"{where}.role: Input should be 'user', 'assistant' or 'system'"
        yield from (f"{where}.{n}: Extra inputs are not permitted" for n in message if n not in {"role", "content"})
        content = message.get("content")
        if content in ("", []) and not (index == len(body["messages"]) - 1 and message["role"] == "assistant"):
            yield f"{where}: {message['role']} messages must have non-empty content"
        if not isinstance(content, str | list):
            yield f"{where}.content: Input should be a valid list"
        if isinstance(content, list):
            for place, block in enumerate(content):
                yield from _block(block, f"{where}.content.{place}", BLOCKS[message["role"]])
    if body["messages"][0]["role"] != "user":
        yield 'messages: first message must use the "user" role'
    if body["messages"][-1]["role"] == "assistant":
        yield "This model does not support assistant message prefill. The conversation must end with a user message."


def _block(block: object, where: str, allowed: frozenset[str]) -> Iterator[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(block, dict) or not _is_one(kind, allowed):
        tags = ", ".join(repr(tag) for tag in sorted(allowed))
        yield f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}"
        return
    match kind:
        case "text":
            yield from _text(block.get("text"), where)
        case "tool_use":
            wrong = [name for name in ("id", "name") if not isinstance(block.get(name), str)]
            yield from (f"{where}.tool_use.{name}: Field required" for name in wrong)
            if not isinstance(block.get("input"), dict):
                yield f"{where}.tool_use.input: Input should be an object"
        case "tool_result":
            yield from _result(block, where)


def _text(text: object, where: str) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"{where}.text.text: Input should be a valid string"
    elif not text:
        yield f"{where}: text content blocks must be non-empty"
    elif not text.strip():
        yield f"{where}: text content blocks must contain non-whitespace text"


def _result(block: Json, where: str) -> Iterator[str]:
    if not isinstance(block.get("tool_use_id"), str):
        yield f"{where}.tool_result.tool_use_id: Field required"
    content = block.get("content", "")
    if isinstance(content, list):
        for place, part in enumerate(content):
            yield from _block(part, f"{where}.content.{place}", BLOCKS["user"] - {"tool_result"})
    elif not isinstance(content, str):
        yield f"{where}.tool_result.content: Input should be a valid list"


def _pairs(body: Json) -> Iterator[str]:
    """Check that each tool call has its result first in the very next user turn, and that no result lacks its call."""
    open_calls: list[str] = []
    seen: set[str] = set()
    for index, (role, blocks) in enumerate(_merged(body["messages"])):
        if role == "system":
            continue
        results = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
        leading = [b["tool_use_id"] for b in blocks[: len(results)] if b["type"] == "tool_result"]
        if missing := [call for call in open_calls if call not in leading]:
            yield (
                f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
        for result in results:
            if result not in open_calls:
                yield (
                    f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {result}. Each "
                    "`tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        if len(set(results)) < len(results):
            yield f"messages.{index}: each tool_use must have a single result"
        open_calls = [b["id"] for b in blocks if b["type"] == "tool_use"]
        if seen & set(open_calls) or len(set(open_calls)) < len(open_calls):
            yield f"messages.{index}: `tool_use` ids must be unique"
        seen.update(open_calls)


def _merged(messages: list[Json]) -> list[tuple[str, list[Json]]]:
    """Combine neighbours of one role, as the API does."""
    turns: list[tuple[str, list[Json]]] = []
    for message in messages:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message["role"], list(blocks)))
    return turns


def _cache(body: Json) -> Iterator[str]:
    system = body.get("system", [])
    places = [body, *body.get("tools", []), *(system if isinstance(system, list) else [])]
    places += [block for _, blocks in _merged(body["messages"]) for block in blocks]
    marks = [place["cache_control"] for place in places if place.get("cache_control") is not None]
    for mark in marks:
        if (
            not isinstance(mark, dict)
            or mark.get("type") != "ephemeral"
            or not _is_one(mark.get("ttl", "5m"), ("5m", "1h"))
        ):
            yield "cache_control: Input should be {'type': 'ephemeral'} with ttl '5m' or '1h'"
    if len(marks) > CACHE_MARKS:
        yield f"A maximum of {CACHE_MARKS} blocks with cache_control may be provided. Found {len(marks)}."


def _is_one(value: object, allowed: Container[str]) -> bool:
    """Return whether a value of any JSON type is one of some words."""
    return isinstance(value, str) and value in allowed
