"""Assemble a streamed answer: the vendor's server-sent events in, blocks and usage out.

Pure. A stream that ends before its `message_stop` is no answer, whatever has arrived by then; half a tool call never
becomes a tool call.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.budget.prices.pricing import Usage
from bot.errors import OutcomeUnknown, word

Json = dict[str, Any]

MALFORMED = "_malformed"
"The only argument of a tool call whose input was not a JSON object; it holds what was sent instead."
MALFORMED_AT_MOST = 200
TOKENS = frozenset({"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"})
OF_THE_CALL = frozenset({"message", "compaction"})
"Kinds of iterations that may omit their model: it is the call's."
UNTOLD: Json = {"untold_output_tokens": 1}
"Counted when the end of the stream did not report the output tokens: the start reports only one or two."


def assemble(events: Iterable[tuple[str, str]]) -> tuple[tuple[Json, ...], str, Usage]:
    """Read (event name, data) pairs and return the content, the stop reason and the usage.

    Raises:
        OutcomeUnknown: the stream broke off, reported an error or made no sense.
    """
    answer = _Answer()
    try:
        for name, data in events:
            if name == "error":
                raise OutcomeUnknown(f"the model's answer broke off: {_error_type(data)}")
            if name not in {"", "ping"} and answer.take(json.loads(data)):
                return answer.content(), answer.stop_reason, answer.usage()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutcomeUnknown(f"the model's answer made no sense: {type(error).__name__}") from error
    raise OutcomeUnknown("the model's answer ended half-way")


@dataclass(slots=True)
class _Answer:
    """The part of an answer that has arrived so far."""

    message: Json = field(default_factory=dict)
    counts: Json = field(default_factory=dict)
    "The usage as last reported; its counts are cumulative."
    blocks: dict[int, Json] = field(default_factory=dict)
    inputs: dict[int, str] = field(default_factory=dict)
    "Tool inputs by block, as JSON text that grows."
    stop_reason: str = ""
    output_known: bool = False

    def take(self, event: Json) -> bool:
        """Add one event, and return whether it was the last."""
        match event["type"]:
            case "message_start":
                self.message = event["message"]
                self.counts.update(self.message["usage"])
            case "content_block_start":
                self.blocks[event["index"]] = dict(event["content_block"])
            case "content_block_delta":
                self._grow(event["index"], event["delta"])
            case "message_delta":
                self.stop_reason = event["delta"].get("stop_reason") or self.stop_reason
                reported = {name: value for name, value in event.get("usage", {}).items() if value is not None}
                self.counts.update(reported)
                self.output_known |= "output_tokens" in reported
            case "message_stop":
                return True
        return False

    def _grow(self, index: int, delta: Json) -> None:
        block = self.blocks[index]
        match delta["type"]:
            case "input_json_delta":
                self.inputs[index] = self.inputs.get(index, "") + delta["partial_json"]
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta["citation"]]
            case "text_delta" | "thinking_delta" | "signature_delta" as kind:
                name = kind.removesuffix("_delta")
                block[name] = block.get(name, "") + delta[name]

    def content(self) -> tuple[Json, ...]:
        """Return the blocks that the next prompt may hold: none blank, none cut off."""
        kept = []
        for index, block in sorted(self.blocks.items()):
            if block["type"] in {"tool_use", "server_tool_use"}:
                given = self.inputs.get(index, "")
                last = index == max(self.blocks)
                if self.stop_reason == "max_tokens" and last and not _is_object(given):
                    continue
                kept.append(block | {"input": _arguments(given, block.get("input"))})
            elif block["type"] != "text" or block["text"].strip():
                kept.append(block)
        return tuple(kept)

    def usage(self) -> Usage:
        """Return what is billed."""
        model = str(self.message["model"])
        parts = tuple(_usage(part, _sampled_by(part, model)) for part in self.counts.get("iterations") or ())
        return _usage(self.counts if self.output_known else self.counts | UNTOLD, model, iterations=parts)


def _usage(counts: Json, model: str, *, iterations: tuple[Usage, ...] = ()) -> Usage:
    """Read one set of counts; a count with an unknown name is kept under that name."""
    asked = counts.get("server_tool_use") or {}
    short, hour = _written(counts)
    return Usage(
        model=model,
        input_tokens=_count(counts, "input_tokens"),
        cache_read_tokens=_count(counts, "cache_read_input_tokens"),
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=hour,
        output_tokens=_count(counts, "output_tokens"),
        web_searches=_count(asked, "web_search_requests"),
        service_tier=str(counts.get("service_tier") or "standard"),
        speed=str(counts.get("speed") or "standard"),
        geo=str(counts.get("inference_geo") or "") or None,
        iterations=iterations,
        others=_others(counts, but=TOKENS) | _others(asked, but=frozenset({"web_search_requests"})),
    )


def _written(counts: Json) -> tuple[int, int]:
    """Return the tokens written to the cache for five minutes and for an hour.

    Only the start of a stream has the split, and the total may grow after it. What the split leaves open was written
    for five minutes, or for an hour if an hour was asked for.
    """
    split = counts.get("cache_creation") or {}
    short, hour = _count(split, "ephemeral_5m_input_tokens"), _count(split, "ephemeral_1h_input_tokens")
    left = max(0, _count(counts, "cache_creation_input_tokens") - short - hour)
    return (short, hour + left) if hour else (short + left, hour)


def _count(counts: Json, name: str) -> int:
    """Return a count, or zero if it is missing.

    Raises:
        TypeError: the count is not a whole number.
    """
    count = counts.get(name)
    if count is not None and type(count) is not int:
        raise TypeError(name)
    return count or 0


def _others(counts: Json, *, but: frozenset[str]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name not in but and type(count) is int and count}


def _sampled_by(part: Json, model: str) -> str:
    """Return the model of an iteration; for an unknown kind, return its kind, which has no price."""
    named = part.get("model") or (model if part.get("type", "message") in OF_THE_CALL else part["type"])
    return str(named)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _arguments(text: str, given: object) -> Json:
    """Read a tool's input; for a tool without arguments the API streams no input."""
    if not text:
        return given if isinstance(given, dict) else {}
    if _is_object(text):
        return dict(json.loads(text))
    return {MALFORMED: text[:MALFORMED_AT_MOST]}


def _error_type(data: str) -> str:
    try:
        return word(json.loads(data)["error"]["type"])
    except (KeyError, TypeError, ValueError):
        return "error"
