"""Calls the model: one prompt in, one completion out, exactly one HTTP attempt.

The SDK never retries by itself (`bot.agent.retries` says when we do), and nothing that a model writes can raise here.
What its errors mean is said in `bot.agent.vendor_errors`, how long it is listened to in `bot.agent.bounds`.

A call sends what the call before it sent, and more at its end: all that was sent before is read from
the vendor's cache (docs/decisions/0011).

The SDK is imported by the first who asks: it costs a second and 2,900 modules, and a clock asks no model.
"""

import json
import math
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

import httpx2

from bot.agent import bounds, stream, vendor_errors
from bot.agent.stream import Json
from bot.budget.prices.pricing import DATED, Usage
from bot.errors import ConfigError, Transient

if TYPE_CHECKING:
    import anthropic

VENDOR = "https://api.anthropic.com"
"Named here because the SDK would otherwise look into the environment."
CONNECT_SECONDS = 5.0
COUNT_SECONDS = 5.0
"Longest wait for a count; a turn waits for it, and can do without."
AFTER_SECONDS = 0.2
"Longest wait for the end of a connection's answer once the answer itself is whole."
CACHED: Json = {"type": "ephemeral"}
"Five minutes: longer than a turn, cheaper to write than an hour."
LEAST_THINKING: Mapping[str, Json] = {
    "claude-opus-5": {"type": "disabled"},
    "claude-sonnet-5": {"type": "disabled"},
    "claude-haiku-5-5": {"type": "disabled"},
    "claude-sonnet-5-5": {"type": "between_tools"},
}
"For models that think unless told not to: thoughts count towards `max_tokens`, which has room for an answer only."
WHOLE = frozenset({"end_turn", "stop_sequence", "tool_use"})
"Stop reasons of an answer that came to its end by itself."

CANCELLATION: ContextVar[Callable[[], None]] = ContextVar("cancellation", default=lambda: None)
"What `check_cancelled` calls on this thread: it raises once the turn is no longer wanted."


def check_cancelled() -> None:
    """Raise if the turn on this thread is no longer wanted; called before each step and between events of an answer."""
    CANCELLATION.get()()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything that one call sends, and how long it may take."""

    model: str
    system: str
    tools: tuple[Json, ...]
    messages: tuple[Json, ...]
    max_tokens: int
    seconds: float = math.inf
    "The most of its answer's time that the caller has; a call never takes longer than the model's own limit."

    @property
    def size(self) -> int:
        """Return the UTF-8 bytes of everything sent: an upper bound of its tokens."""
        return len(json.dumps(_body(self), ensure_ascii=False).encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool that the model wants called; its arguments are untrusted."""

    id: str
    name: str
    arguments: Json
    "`{stream.MALFORMED: first characters}` when they were no JSON object."


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model answered."""

    content: tuple[Json, ...]
    "The blocks to echo back in the next prompt."
    text: str
    tool_calls: tuple[ToolCall, ...]
    stop_reason: str
    usage: Usage

    @property
    def whole(self) -> bool:
        """Say if the model came to the end of what it had to say."""
        return self.stop_reason in WHOLE

    def to_json(self) -> Json:
        """Return it for the journal."""
        return {"content": list(self.content), "stop_reason": self.stop_reason, "usage": asdict(self.usage)}

    @classmethod
    def from_json(cls, row: Json) -> "Completion":
        """Read it back from the journal, equal to what was written."""
        usage = Usage(**{**row["usage"], "iterations": _usages(row["usage"]["iterations"])})
        return _completion(tuple(row["content"]), row["stop_reason"], usage)


CallModel = Callable[[Prompt], Completion]
"""One HTTP attempt.

Raises:
    Transient: not billed, worth another try; `retry_after` in seconds where the vendor named it.
    OutcomeUnknown: the request left and no full answer came back: it may have been billed.
    Refused: asking again would not help.
"""

CountTokens = Callable[[Prompt], int | None]
"""Asks the vendor how many tokens a prompt has, which costs nothing; None when it does not say.

Raises:
    Transient: nobody could say now.
    Refused: asking again would not help.
"""


def connect(*, api_key: str, base_url: str | None, timeout: float, connections: int = 50) -> CallModel:
    """Return the real model behind the vendor's SDK; its connections last as long as the function does.

    Args:
        api_key: the vendor's key.
        base_url: where the model answers; None is the vendor's own address.
        timeout: seconds that one whole call may take.
        connections: at most; a call that finds none free in its time has not left.
    """
    client = _client(api_key, base_url, timeout, connections=connections)

    def call(prompt: Prompt) -> Completion:
        seconds = min(timeout, prompt.seconds)
        if seconds <= 0:
            raise Transient("no time is left to ask the model")
        waits = httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds), pool=min(CONNECT_SECONDS, seconds))
        with (
            vendor_errors.translated(),
            bounds.within(seconds),
            client.messages.create(**cast("Any", _body(prompt)), stream=True, timeout=waits) as answer,
        ):
            # Raw events: the SDK's own objects would drop block types that are newer than it is.
            events = answer.raw_events(answer.response)
            content, stop_reason, usage = stream.assemble(_until_cancelled(events))
            with suppress(httpx2.HTTPError), bounds.within(AFTER_SECONDS):
                next(events, None)  # a body read to its end keeps the connection for the next call
            return _completion(content, stop_reason, usage)

    weakref.finalize(call, client.close)
    return call


def counter(*, api_key: str, base_url: str | None, timeout: float) -> CountTokens:
    """Return the vendor's own count of a prompt, over a connection of its own: it is seldom asked.

    Args:
        api_key: the vendor's key.
        base_url: where the model answers; None is the vendor's own address.
        timeout: seconds that one whole call may take; a count may take `COUNT_SECONDS` of them.
    """

    def count(prompt: Prompt) -> int | None:
        sent = {name: value for name, value in _body(prompt).items() if name != "max_tokens"}
        seconds = min(timeout, COUNT_SECONDS)
        with vendor_errors.translated(), bounds.within(seconds), _client(api_key, base_url, seconds) as client:
            answer: object = client.messages.count_tokens(**cast("Any", sent))
        found = getattr(answer, "input_tokens", None)
        return found if isinstance(found, int) and found > 0 else None

    return count


def knows(name: str, *, api_key: str, base_url: str | None, timeout: float) -> bool:
    """Ask whether a model is there for this key, which costs nothing.

    Raises:
        Transient: nobody could say now.
        Refused: the key is no good.
    """
    import anthropic  # noqa: PLC0415 - see above

    with vendor_errors.translated(), bounds.within(timeout), _client(api_key, base_url, timeout) as client:
        try:
            client.models.retrieve(name)
        except anthropic.NotFoundError:
            return False
    return True


def _client(api_key: str, base_url: str | None, timeout: float, *, connections: int = 1) -> "anthropic.Anthropic":
    """Return the vendor's client, which tries once, notes when a request begins to leave and keeps to its bounds.

    Raises:
        ConfigError: the address is none.
    """
    import anthropic  # noqa: PLC0415 - see above

    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    http = anthropic.DefaultHttpxClient(limits=limits, event_hooks={"request": [_watch]})
    try:
        return anthropic.Anthropic(
            api_key=api_key, base_url=base_url or VENDOR, timeout=timeout, max_retries=0, http_client=http
        )
    except httpx2.InvalidURL as error:
        raise ConfigError("environment: ANTHROPIC_BASE_URL is no address") from error


def _body(prompt: Prompt) -> Json:
    """Build the request's body, with two ends marked for the cache: of the stable prefix, and of all of it.

    The prefix (tools, then system) is what every turn of the agent shares. The field of the whole
    request marks its last block, which the next call of the turn looks back to.
    """
    tools = [dict(tool) for tool in prompt.tools]
    body: Json = {
        "model": prompt.model,
        "max_tokens": prompt.max_tokens,
        "cache_control": CACHED,
        "messages": list(prompt.messages),
    }
    if prompt.system:
        body["system"] = [{"type": "text", "text": prompt.system, "cache_control": CACHED}]
    elif tools:
        tools[-1]["cache_control"] = CACHED
    if tools:
        body["tools"] = tools
    if thinking := LEAST_THINKING.get(DATED.sub("", prompt.model)):
        body["thinking"] = thinking
    return body


def _watch(request: httpx2.Request) -> None:
    """Watch what becomes of a request on its way; a hook of the client."""
    request.extensions["trace"] = _note


def _note(step: str, about: Mapping[str, Any]) -> None:
    vendor_errors.note(step, about)
    bounds.note(step, about)


def _until_cancelled(events: Iterator[Any]) -> Iterator[tuple[str, str]]:
    """Pass the stream's events on; raise once the turn is no longer wanted."""
    for event in events:
        check_cancelled()
        yield event.event or "", event.data


def _completion(content: tuple[Json, ...], stop_reason: str, usage: Usage) -> Completion:
    return Completion(
        content=content,
        text="".join(block["text"] for block in content if block["type"] == "text"),
        tool_calls=tuple(
            ToolCall(block["id"], block["name"], block["input"]) for block in content if block["type"] == "tool_use"
        ),
        stop_reason=stop_reason,
        usage=usage,
    )


def _usages(rows: list[Json]) -> tuple[Usage, ...]:
    return tuple(Usage(**{**row, "iterations": _usages(row["iterations"])}) for row in rows)
