"""Put a streamed answer together: the vendor's server-sent events in, blocks and usage out.

Pure. A stream that ends before its `message_stop` is no answer, whatever had arrived by then; half a
tool call never becomes a tool call.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.budget.pricing import Usage
from bot.errors import OutcomeUnknown

Json = dict[str, Any]

MALFORMED = "_malformed"
"The only argument of a tool call whose input was no JSON object; it holds what was sent instead."
MALFORMED_AT_MOST = 200


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
    """What has arrived so far."""

    message: Json = field(default_factory=dict)
    counts: Json = field(default_factory=dict)
    "Usage as last reported; its counts are cumulative."
    blocks: dict[int, Json] = field(default_factory=dict)
    inputs: dict[int, str] = field(default_factory=dict)
    "Tool inputs, as JSON text that grows."
    stop_reason: str = ""

    def take(self, event: Json) -> bool:
        """Add one event, and tell whether it was the last."""
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
                self.counts.update({k: v for k, v in event.get("usage", {}).items() if v is not None})
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
        """Return the blocks as the next prompt may hold them: nothing blank, nothing cut in half."""
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
        parts = tuple(
            _usage(part, str(part.get("model") or self.message["model"]))
            for part in self.counts.get("iterations") or ()
        )
        return _usage(self.counts, str(self.message["model"]), iterations=parts)


def _usage(counts: Json, model: str, *, iterations: tuple[Usage, ...] = ()) -> Usage:
    """Read one set of counts; what the split does not name was written for five minutes, as asked."""
    written = counts.get("cache_creation_input_tokens") or 0
    hour = (counts.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
    return Usage(
        model=model,
        input_tokens=counts.get("input_tokens") or 0,
        cache_read_tokens=counts.get("cache_read_input_tokens") or 0,
        cache_write_5m_tokens=max(0, written - hour),
        cache_write_1h_tokens=hour,
        output_tokens=counts.get("output_tokens") or 0,
        web_searches=(counts.get("server_tool_use") or {}).get("web_search_requests") or 0,
        service_tier=counts.get("service_tier") or "standard",
        speed=counts.get("speed") or "standard",
        geo=counts.get("inference_geo"),
        iterations=iterations,
    )


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _arguments(text: str, given: object) -> Json:
    """Read a tool's input; the API streams none at all for a tool without arguments."""
    if not text:
        return given if isinstance(given, dict) else {}
    if _is_object(text):
        return dict(json.loads(text))
    return {MALFORMED: text[:MALFORMED_AT_MOST]}


def _error_type(data: str) -> str:
    try:
        return str(json.loads(data)["error"]["type"])
    except (KeyError, TypeError, ValueError):
        return "error"
