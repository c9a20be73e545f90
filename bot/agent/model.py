"""Calls the model: one prompt in, one completion out, exactly one HTTP request.

The SDK never retries by itself (`bot.agent.retries` says when we do), and nothing that a model writes can raise here.
`bot.agent.vendor_errors` says what its errors mean, `bot.agent.bounds` how long a call may take.

A call sends what the call before it sent, with more at the end: the vendor's cache holds all that was sent before
(docs/decisions/0011).

The SDK is imported on first use: importing it takes a second and 2,900 modules, and a clock calls no model.
"""

import json
import math
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import httpx2

from bot.agent import bounds, stream, vendor_errors
from bot.agent.stream import Json
from bot.budget.prices.pricing import DATED, Usage
from bot.errors import ConfigError, Transient
from bot.network import Network

if TYPE_CHECKING:
    import anthropic

VENDOR = "https://api.anthropic.com"
"Given explicitly, because the SDK would otherwise read the environment."
CONNECT_SECONDS = 5.0
COUNT_SECONDS = 5.0
"The longest wait for a token count; the turn waits for it, but can do without it."
AFTER_SECONDS = 0.2
"The longest wait for the end of the HTTP response once the answer itself is complete."
CACHED: Json = {"type": "ephemeral"}
"The vendor keeps it for five minutes: longer than a turn, and cheaper to write than an hour."
LEAST_THINKING: Mapping[str, Json] = {
    "claude-opus-5": {"type": "disabled"},
    "claude-sonnet-5": {"type": "disabled"},
    "claude-haiku-5-5": {"type": "disabled"},
    "claude-sonnet-5-5": {"type": "between_tools"},
}
"For models that think unless told not to: thinking counts towards `max_tokens`, which leaves room for an answer only."
WHOLE = frozenset({"end_turn", "stop_sequence", "tool_use"})
"Stop reasons of a complete answer."

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
    "How many seconds the caller has left; a call never takes longer than the timeout of `connect`."

    @property
    def size(self) -> int:
        """Return the size of everything sent, in UTF-8 bytes: an upper bound of its tokens."""
        return len(json.dumps(_body(self), ensure_ascii=False).encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call that the model asks for; its arguments are untrusted."""

    id: str
    name: str
    arguments: Json
    "`{stream.MALFORMED: first characters}` when the model sent no JSON object."


@dataclass(frozen=True, slots=True)
class Completion:
    """The model's answer."""

    content: tuple[Json, ...]
    "The blocks to echo back in the next prompt."
    text: str
    tool_calls: tuple[ToolCall, ...]
    stop_reason: str
    usage: Usage

    @property
    def whole(self) -> bool:
        """Return whether the answer is complete."""
        return self.stop_reason in WHOLE

    def to_json(self) -> Json:
        """Return it for the journal."""
        return {"content": list(self.content), "stop_reason": self.stop_reason, "usage": asdict(self.usage)}

    @classmethod
    def from_json(cls, row: Json) -> "Completion":
        """Read it back from the journal, equal to the one that was written."""
        usage = Usage(**{**row["usage"], "iterations": _usages(row["usage"]["iterations"])})
        return _completion(tuple(row["content"]), row["stop_reason"], usage)


CallModel = Callable[[Prompt], Completion]
"""Makes one HTTP request.

Raises:
    Transient: it was not billed and is worth another try; `retry_after` in seconds if the vendor gave it.
    OutcomeUnknown: the request left but no full answer came back, so it may have been billed.
    Refused: asking again would not help.
"""

CountTokens = Callable[[Prompt], int | None]
"""Asks the vendor how many tokens a prompt has, which costs nothing; None when the vendor does not say.

Raises:
    Transient: the vendor could not be reached.
    Refused: asking again would not help.
"""


def connect(
    *, api_key: str, base_url: str | None, network: Network, timeout: float, connections: int = 50
) -> CallModel:
    """Return a function that calls the real model through the vendor's SDK; its connections live as long as it does.

    Args:
        api_key: the vendor's key.
        base_url: the model's address; None for the vendor's own.
        network: how it is reached.
        timeout: seconds that one whole call may take.
        connections: how many at most; a call that gets none in time has not left and is not billed.
    """
    client = _client(api_key, base_url, network, timeout, connections=connections)
    obstacle = partial(network.obstacle, base_url or VENDOR)

    def call(prompt: Prompt) -> Completion:
        seconds = min(timeout, prompt.seconds)
        if seconds <= 0:
            raise Transient("no time is left to ask the model")
        waits = httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds), pool=min(CONNECT_SECONDS, seconds))
        with (
            vendor_errors.translated(obstacle),
            bounds.within(seconds),
            client.messages.create(**cast("Any", _body(prompt)), stream=True, timeout=waits) as answer,
        ):
            # Raw events: the SDK's own objects would drop block types that are newer than it is.
            events = answer.raw_events(answer.response)
            content, stop_reason, usage = stream.assemble(_until_cancelled(events))
            with suppress(httpx2.HTTPError), bounds.within(AFTER_SECONDS):
                next(events, None)  # only after a response is read to its end can the next call use its connection
            return _completion(content, stop_reason, usage)

    weakref.finalize(call, client.close)
    return call


def counter(*, api_key: str, base_url: str | None, network: Network, timeout: float) -> CountTokens:
    """Return a function that asks the vendor to count a prompt's tokens, over a new connection each time: it is rare.

    Args:
        api_key: the vendor's key.
        base_url: the model's address; None for the vendor's own.
        network: how it is reached.
        timeout: seconds that a count may take, at most `COUNT_SECONDS`.
    """
    obstacle = partial(network.obstacle, base_url or VENDOR)

    def count(prompt: Prompt) -> int | None:
        sent = {name: value for name, value in _body(prompt).items() if name != "max_tokens"}
        seconds = min(timeout, COUNT_SECONDS)
        client = _client(api_key, base_url, network, seconds)
        with vendor_errors.translated(obstacle), bounds.within(seconds), client:
            answer: object = client.messages.count_tokens(**cast("Any", sent))
        found = getattr(answer, "input_tokens", None)
        return found if isinstance(found, int) and found > 0 else None

    return count


def knows(name: str, *, api_key: str, base_url: str | None, network: Network, timeout: float) -> bool:
    """Return whether the vendor offers a model for this key; asking costs nothing.

    Raises:
        Transient: the vendor could not be reached.
        Refused: the key does not work.
    """
    import anthropic  # noqa: PLC0415 - see above

    obstacle, client = partial(network.obstacle, base_url or VENDOR), _client(api_key, base_url, network, timeout)
    with vendor_errors.translated(obstacle), bounds.within(timeout), client:
        try:
            client.models.retrieve(name)
        except anthropic.NotFoundError:
            return False
    return True


def _client(
    api_key: str, base_url: str | None, network: Network, timeout: float, *, connections: int = 1
) -> "anthropic.Anthropic":
    """Return the vendor's client, which tries once, notes when a request begins to leave, and keeps to its bounds.

    Raises:
        ConfigError: ANTHROPIC_BASE_URL is not a URL.
    """
    import anthropic  # noqa: PLC0415 - see above

    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    # A transport of our own: the SDK's would read the proxy variables in its own way.
    way = httpx2.HTTPTransport(
        verify=network.certificates(), trust_env=False, limits=limits, proxy=network.proxy_url(base_url or VENDOR)
    )
    http = anthropic.DefaultHttpxClient(transport=way, trust_env=False, event_hooks={"request": [_watch]})
    try:
        return anthropic.Anthropic(
            api_key=api_key,
            base_url=base_url or VENDOR,
            timeout=timeout,
            max_retries=0,
            http_client=http,
            # We make the span of a call ourselves, with its usage; the vendor is told nothing of our traces.
            open_telemetry={"traces": False, "propagation": False},
        )
    except httpx2.InvalidURL as error:
        raise ConfigError("environment: ANTHROPIC_BASE_URL is not a URL") from error


def _body(prompt: Prompt) -> Json:
    """Build the request's body, with two cache marks: at the end of the stable prefix, and at the end of all of it.

    Every turn of the agent shares the prefix (tools, then system). The request's own `cache_control` marks its last
    block, up to which the next call of the turn reads from the cache.
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
    """Note when a request begins to leave, and bound what is read; an event hook of the client."""
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
