"""How many tokens a request would be, and which of them a prompt cache would hold.

A token is taken as four bytes of canonical JSON, so a count never exceeds the bytes sent. The cache
follows the API's rules: prefixes in the order tools, system, messages; entries only where a
`cache_control` stands; the longest known prefix is read, the rest up to the last mark is written.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

Json = dict[str, Any]

BYTES_PER_TOKEN = 4
CACHED_AT_LEAST = 1024
"Tokens; a shorter prefix is not cached."
SECONDS = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The figures of one answer; none counts a token twice."""

    input: int = 0
    cache_read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    output: int = 0

    def after_start(self, output: int) -> "Tokens":
        """Return the same with the output's length known."""
        return replace(self, output=output)


def tokens(text: str) -> int:
    """Return the length of a text in tokens, rounded up."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def count(request: Json) -> int:
    """Return the length of a whole prompt."""
    return sum(tokens(text) for text, _ in _segments(request))


class PromptCache:
    """The prefixes that were sent lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, at_least: int = CACHED_AT_LEAST) -> None:
        self._clock = clock
        self._at_least = at_least
        self._until: dict[str, float] = {}

    def measure(self, request: Json) -> Tokens:
        """Say what a request reads and writes, and remember what it wrote."""
        segments = list(_segments(request))
        sizes = list(accumulate((tokens(text) for text, _ in segments), initial=0))
        names = list(accumulate((text for text, _ in segments), _chained, initial=str(request["model"])))
        marks = [(end, ttl) for end, (_, ttl) in enumerate(segments, 1) if ttl and sizes[end] >= self._at_least]
        now = self._clock()
        self._until = {name: until for name, until in self._until.items() if until > now}
        last = marks[-1][0] if marks else 0
        known = next((end for end in range(last, 0, -1) if names[end] in self._until), 0)
        written, done = {"5m": 0, "1h": 0}, known
        for end, ttl in marks:
            self._until[names[end]] = now + SECONDS[ttl]
            if end > done:
                written[ttl] += sizes[end] - sizes[done]
                done = end
        return Tokens(sizes[-1] - sizes[last], sizes[known], written["5m"], written["1h"])


def _segments(request: Json) -> Iterator[tuple[str, str | None]]:
    """Yield each block of the prompt as canonical text, with the time to live of its cache mark."""
    blocks = [*request.get("tools", ()), *_blocks(request.get("system", "")), *_messages(request)]
    whole = request.get("cache_control")
    for index, block in enumerate(blocks):
        mark = block.get("cache_control") or (whole if index == len(blocks) - 1 else None)
        bare = {name: value for name, value in block.items() if name != "cache_control"}
        yield _canonical(bare), mark.get("ttl", "5m") if mark else None


def _messages(request: Json) -> Iterator[Json]:
    for message in request["messages"]:
        for block in _blocks(message["content"]):
            yield {"role": message["role"], **block}


def _blocks(content: str | list[Json]) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


def _canonical(block: Json) -> str:
    return json.dumps(block, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _chained(before: str, text: str) -> str:
    return hashlib.sha256(f"{before}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
