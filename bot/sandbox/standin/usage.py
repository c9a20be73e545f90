"""How many tokens a request has, and how many of them a prompt cache would hold.

A token counts as four bytes of compact JSON, so a count never exceeds the bytes sent. The cache follows the API's
rules: prefixes in the order tools, system, messages, equal byte for byte; entries only at a `cache_control`, and only
once their answer begins; a mark looks back over 20 positions; the longest entry found is read, and the rest up to the
last mark is written.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

Json = dict[str, Any]

BYTES_PER_TOKEN = 4
CACHED_AT_LEAST = 1024
"Tokens; a shorter prefix is not cached. This is the limit of claude-sonnet-5; that of claude-sonnet-5-5 is half of it."
SECONDS = {"5m": 300.0, "1h": 3600.0}
LOOKBACK = 20
"Positions at which a mark looks for an entry, its own included; consecutive tool calls are one, and so are results."
RUNS = frozenset({"tool_use", "tool_result"})
CLEARED_EVERY = 60.0
"Seconds between two removals of expired entries."


@dataclass(frozen=True, slots=True)
class ModelTokens:
    """The token counts of one answer; no token is counted twice."""

    input: int = 0
    cache_read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    output: int = 0

    def after_start(self, output: int) -> "ModelTokens":
        """Return these counts with the length of the output."""
        return replace(self, output=output)


def tokens(text: str) -> int:
    """Return the length of a text in tokens, rounded up."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def count(request: Json) -> int:
    """Return the length of a whole prompt."""
    return sum(tokens(segment.text) for segment in _segments(request))


@dataclass(frozen=True, slots=True)
class Segment:
    """One block of a prompt."""

    kind: str
    text: str
    "Compact JSON, keys in the order in which they were sent, without the mark."
    ttl: str | None
    "The time to live of its cache mark, if it has one."


@dataclass(frozen=True, slots=True)
class Measured:
    """What a request reads from the cache and writes to it."""

    tokens: ModelTokens
    entries: tuple[tuple[str, float, str], ...]
    "The entries that it creates or keeps alive: a prefix's name, its end, and its time to live."


class PromptCache:
    """The prefixes that were sent recently."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, at_least: int = CACHED_AT_LEAST) -> None:
        self._clock = clock
        self._at_least = at_least
        self._entries: dict[str, tuple[float, str]] = {}
        "When it ends, and its time to live."
        self._clear_at = clock() + CLEARED_EVERY

    def __len__(self) -> int:
        """Return how many entries it holds, expired ones that were not removed yet included."""
        return len(self._entries)

    def measure(self, request: Json) -> Measured:
        """Return what a request reads and writes; its own entries can be read only after `keep`."""
        segments = list(_segments(request))
        sizes = list(accumulate((tokens(segment.text) for segment in segments), initial=0))
        names = list(accumulate((segment.text for segment in segments), _chained, initial=str(request["model"])))
        marks = [end for end, segment in enumerate(segments, 1) if segment.ttl and sizes[end] >= self._at_least]
        last, now = max(marks, default=0), self._clock()
        known = self._longest(segments, marks, names, now)
        written, done = {"5m": 0, "1h": 0}, known
        for end in marks:
            if end > done:
                written[str(segments[end - 1].ttl)] += sizes[end] - sizes[done]
                done = end
        entries = [(names[end], str(segments[end - 1].ttl)) for end in marks]
        if known:
            entries.append((names[known], self._entries[names[known]][1]))
        figures = ModelTokens(sizes[-1] - sizes[last], sizes[known], written["5m"], written["1h"])
        return Measured(figures, tuple((name, now + SECONDS[ttl], ttl) for name, ttl in entries))

    def keep(self, measured: Measured) -> None:
        """Store what a request wrote or read, when its answer begins."""
        now = self._clock()
        if now >= self._clear_at:
            self._entries = {name: entry for name, entry in self._entries.items() if entry[0] > now}
            self._clear_at = now + CLEARED_EVERY
        self._entries.update({name: (until, ttl) for name, until, ttl in measured.entries})

    def _longest(self, segments: Sequence[Segment], marks: Sequence[int], names: Sequence[str], now: float) -> int:
        """Return the end of the longest cached prefix that a mark finds looking back; 0 for none."""
        for mark in reversed(marks):
            for end in _looked_at(segments, mark):
                if self._entries.get(names[end], (now, ""))[0] > now:
                    return end
        return 0


def _looked_at(segments: Sequence[Segment], mark: int) -> Iterator[int]:
    """Yield the ends of the prefixes that a mark looks back to, longest first."""
    positions = 0
    for end in range(mark, 0, -1):
        kind = segments[end - 1].kind
        if end == mark or kind not in RUNS or kind != segments[end].kind:
            positions += 1
        if positions > LOOKBACK:
            return
        yield end


def _segments(request: Json) -> Iterator[Segment]:
    """Yield each block of the prompt in the order in which it is cached."""
    blocks = [*request.get("tools", ()), *_blocks(request.get("system", "")), *_messages(request)]
    whole = request.get("cache_control")
    for index, block in enumerate(blocks):
        mark = block.get("cache_control") or (whole if index == len(blocks) - 1 else None)
        bare = {name: value for name, value in block.items() if name != "cache_control"}
        yield Segment(str(block.get("type", "")), _compact(bare), mark.get("ttl", "5m") if mark else None)


def _messages(request: Json) -> Iterator[Json]:
    for message in request["messages"]:
        for block in _blocks(message["content"]):
            yield {"role": message["role"], **block}


def _blocks(content: str | list[Json]) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


def _compact(block: Json) -> str:
    return json.dumps(block, ensure_ascii=False, separators=(",", ":"))


def _chained(before: str, text: str) -> str:
    return hashlib.sha256(f"{before}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
