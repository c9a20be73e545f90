"""One answer of the stand-in in the Messages API's two forms: a message, and a stream of events.

Both are made from the same value, so they cannot differ.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.sandbox.standin.moves import Move, SayMove, Use
from bot.sandbox.standin.usage import BYTES_PER_TOKEN, ModelTokens, tokens

Json = dict[str, Any]

MODEL = "stand-in-1"
"The model id that is reported; it is not Claude and never says so."
WEAKER = "stand-in-0"
"A smaller one: it understands English alone, and has forgotten what was said before."
PIECES = 8
"The most deltas in which a block is streamed."


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """The answer to one request."""

    id: str
    blocks: Move
    stop_reason: str
    tokens: ModelTokens
    model: str = MODEL


def compose(request: Json, blocks: Move, prompt: ModelTokens, *, cut: bool = True) -> ModelAnswer:
    """Turn a move into an answer within the request's `max_tokens`.

    Args:
        request: the checked request; the same one gives the same ids, streamed or not.
        blocks: the move that was decided on.
        prompt: the token counts of the prompt.
        cut: whether to shorten the text at the limit, as the API does; a fault may exceed it.
    """
    limit = request["max_tokens"]
    stop = "tool_use" if any(isinstance(block, Use) for block in blocks) else "end_turn"
    if cut:
        shortened = _shortened(blocks, limit * BYTES_PER_TOKEN)
        blocks, stop = shortened, stop if shortened == blocks else "max_tokens"
    length = sum(_length(block) for block in blocks)
    asked = {name: value for name, value in request.items() if name != "stream"}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:20]
    figures = prompt.after_start(min(max(1, length), limit))
    model = WEAKER if request["model"] == WEAKER else MODEL
    return ModelAnswer(f"msg_standin_{digest}", blocks, stop, figures, model)


def as_message(answer: ModelAnswer) -> Json:
    """Return the body of an answer that is not streamed."""
    return _message(answer, answer.tokens.output) | {
        "content": [_block(answer, index) for index in range(len(answer.blocks))],
        "stop_reason": answer.stop_reason,
    }


def as_events(answer: ModelAnswer) -> Iterator[Json]:
    """Yield the events of a streamed answer, in the API's order."""
    yield {"type": "message_start", "message": _message(answer, 1)}
    for index, block in enumerate(answer.blocks):
        empty: Json = {"text": ""} if isinstance(block, SayMove) else {"input": {}}
        yield {"type": "content_block_start", "index": index, "content_block": _block(answer, index) | empty}
        if index == 0:
            yield {"type": "ping"}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    figures = _figures(answer.tokens, answer.tokens.output)
    yield {
        "type": "message_delta",
        "delta": {"container": None, "stop_details": None, "stop_reason": answer.stop_reason, "stop_sequence": None},
        "usage": {name: value for name, value in figures.items() if name.endswith("tokens")},
    }
    yield {"type": "message_stop"}


def _message(answer: ModelAnswer, output: int) -> Json:
    """Return a message before its content."""
    return {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _figures(answer.tokens, output),
    }


def _figures(spent: ModelTokens, output: int) -> Json:
    return {
        "input_tokens": spent.input,
        "cache_creation_input_tokens": spent.write_5m + spent.write_1h,
        "cache_read_input_tokens": spent.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": spent.write_5m,
            "ephemeral_1h_input_tokens": spent.write_1h,
        },
        "output_tokens": output,
        "service_tier": "standard",
        "inference_geo": "global",
    }


def _block(answer: ModelAnswer, index: int) -> Json:
    match answer.blocks[index]:
        case SayMove(text):
            return {"type": "text", "text": text}
        case Use(name, arguments, raw):
            given = arguments if raw is None else {}
            return {"type": "tool_use", "id": _tool_id(answer, index), "name": name, "input": given}


def _tool_id(answer: ModelAnswer, index: int) -> str:
    return f"toolu_standin_{answer.id.removeprefix('msg_standin_')}_{index}"


def _deltas(block: SayMove | Use) -> Iterator[Json]:
    if isinstance(block, SayMove):
        yield from ({"type": "text_delta", "text": piece} for piece in _pieces(block.text))
        return
    yield {"type": "input_json_delta", "partial_json": ""}
    if block.arguments or block.raw:
        pieces = _pieces(_json(block))
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)


def _pieces(text: str) -> Iterator[str]:
    size = max(24, -(-len(text) // PIECES))
    return (text[start : start + size] for start in range(0, len(text), size))


def _json(block: Use) -> str:
    return json.dumps(block.arguments) if block.raw is None else block.raw


def _length(block: SayMove | Use) -> int:
    return tokens(block.text) if isinstance(block, SayMove) else tokens(block.name) + tokens(_json(block))


def _shortened(blocks: Move, room: int) -> Move:
    """Keep what fits into a number of bytes; the block at the limit is cut in the middle, as the API cuts it."""
    kept: list[SayMove | Use] = []
    for block in blocks:
        if (size := _length(block) * BYTES_PER_TOKEN) <= room:
            kept.append(block)
            room -= size
            continue
        if isinstance(block, SayMove) and (text := block.text.encode()[:room].decode(errors="ignore")):
            kept.append(SayMove(text))
        elif isinstance(block, Use) and room:
            kept.append(Use(block.name, raw=_json(block)[: room // 2]))
        break
    return tuple(kept)
