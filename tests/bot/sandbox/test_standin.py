"""The stand-in's doors, knocked at by the vendor's own SDK on a real port: `bot.sandbox.standin`."""

import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import httpx2
import pytest

from bot.sandbox.standin import MODEL, StandinConfig, create_app
from bot.sandbox.standin.answers import WEAKER
from bot.sandbox.standin.usage import CLEARED_EVERY, ModelTokens, PromptCache
from tests.support.json_object import Json
from tests.support.live_server import served

TOOLS: list[Json] = [
    {
        "name": name,
        "description": "A tool.",
        "strict": True,
        "input_schema": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    }
    for name in ("look_up_my_account", "unlock_my_account", "hand_off", "resolve")
]
LOCKED_OUT = [{"role": "user", "content": '<message from="U0MAYA" where="dm">I am locked out</message>'}]
WEAK_NAME = "Weaker stand-in model (not Claude)"
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def client(standin: str) -> Iterator[anthropic.Anthropic]:
    httpx.put(f"{standin}/faults", json=[]).raise_for_status()
    with anthropic.Anthropic(api_key="any", base_url=standin, max_retries=0, timeout=60) as made:
        yield made


def spoil(standin: str, *faults: Json) -> None:
    httpx.put(f"{standin}/faults", json=list(faults)).raise_for_status()


def ask(client: anthropic.Anthropic, **more: Any) -> anthropic.types.Message:
    body: Any = {"model": MODEL, "max_tokens": 400, "messages": LOCKED_OUT, "tools": TOOLS} | more
    answer: anthropic.types.Message = client.messages.create(**body)
    return answer


def test_a_plain_answer_has_the_apis_shape(client: anthropic.Anthropic) -> None:
    """The SDK reads a tool call, its stop reason and its usage."""
    message = ask(client)
    assert message.model == MODEL
    assert message.id.startswith("msg_standin_")
    assert message.stop_reason == "tool_use"
    call = message.content[0]
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("look_up_my_account", {})
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0


def test_a_streamed_answer_says_the_same_as_a_plain_one(client: anthropic.Anthropic) -> None:
    """The SDK's own accumulation of the events gives the message that is not streamed."""
    for messages in (LOCKED_OUT, HELLO):
        body: Any = {"model": MODEL, "max_tokens": 400, "messages": messages, "tools": TOOLS}
        with client.messages.stream(**body) as stream:
            streamed = stream.get_final_message()
        plain = ask(client, messages=messages)
        assert [b.to_dict() for b in streamed.content] == [b.to_dict() for b in plain.content]
        assert (streamed.stop_reason, streamed.usage.output_tokens) == (plain.stop_reason, plain.usage.output_tokens)


def test_the_events_come_in_the_apis_order(standin: str, client: anthropic.Anthropic) -> None:
    """Start, blocks with their deltas, a ping, the last figures, stop."""
    body = {"model": MODEL, "max_tokens": 400, "messages": HELLO, "stream": True}
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    text = httpx.post(f"{standin}/v1/messages", json=body, headers=headers).text
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert events[0]["message"]["usage"]["cache_creation"] == {
        "ephemeral_5m_input_tokens": 0,
        "ephemeral_1h_input_tokens": 0,
    }
    assert events[0]["message"]["usage"]["output_tokens"] == 1
    assert events[-2]["usage"]["output_tokens"] > 1
    assert text.startswith("event: message_start\n")


def test_the_same_request_gets_the_same_answer(client: anthropic.Anthropic) -> None:
    """Deterministic down to the ids."""
    assert ask(client).to_dict() == ask(client).to_dict()


def test_a_prefix_is_written_to_the_cache_once_and_then_read(client: anthropic.Anthropic) -> None:
    """The second call reads what the first one wrote, and pays only for what is new."""
    system = [{"type": "text", "text": "be kind " * 1000, "cache_control": {"type": "ephemeral"}}]
    first, second = ask(client, system=system).usage, ask(client, system=system).usage
    assert first.cache_creation is not None
    assert first.cache_creation.ephemeral_5m_input_tokens == first.cache_creation_input_tokens
    assert first.cache_creation_input_tokens > 1024
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.cache_creation_input_tokens == 0
    assert second.input_tokens == first.input_tokens
    assert ask(client, system=system, messages=HELLO).usage.cache_read_input_tokens == first.cache_creation_input_tokens


def taken(cache: PromptCache, request: Json) -> ModelTokens:
    """Return the figures of a request that is answered at once."""
    measured = cache.measure(request)
    cache.keep(measured)
    return measured.tokens


def growing(blocks: list[Json], *, system: str = "s") -> Json:
    """Return a request whose system prompt and last block are marked, with so many blocks between them."""
    mark = {"cache_control": {"type": "ephemeral"}}
    return {"model": "m", "system": [TEXT | {"text": system} | mark], "messages": turns(blocks), **mark}


@pytest.mark.parametrize(("added", "found"), [(19, True), (20, False)])
def test_a_mark_looks_back_over_twenty_blocks(added: int, found: bool) -> None:  # noqa: FBT001 - a case
    """Itself included; an entry further back is as good as none, and the mark before it is looked at instead."""
    cache = PromptCache(at_least=1)
    first = [TEXT | {"text": "begin"}]
    before = taken(cache, growing(first))
    after = taken(cache, growing([*first, *(TEXT | {"text": f"{n}"} for n in range(added))]))
    stable = taken(cache, growing([TEXT | {"text": "another"}])).cache_read
    assert after.cache_read == (before.write_5m if found else stable)
    assert 0 < stable < before.write_5m


def test_tool_calls_in_a_row_are_one_position() -> None:
    """Thirty calls at once, and their thirty results, do not push the entry before them out of sight."""
    cache = PromptCache(at_least=1)
    calls = [USE | {"id": f"t{n}"} for n in range(30)]
    results = [RESULT | {"tool_use_id": f"t{n}"} for n in range(30)]
    before = taken(cache, growing([TEXT]))
    request = growing([TEXT])
    request["messages"] = turns([TEXT], calls, results)
    assert taken(cache, request).cache_read == before.write_5m


def test_only_equal_bytes_are_read() -> None:
    """A changed letter, and the same fields in another order, are another prefix."""
    cache = PromptCache(at_least=1)
    request = growing([TEXT])
    request["tools"] = [{"name": "a", "description": "b"}]
    assert taken(cache, request).cache_read == 0
    assert taken(cache, request).cache_read > 0
    assert taken(cache, request | {"tools": [{"description": "b", "name": "a"}]}).cache_read == 0
    assert taken(cache, request | {"tools": [{"name": "a", "description": "B"}]}).cache_read == 0
    assert taken(cache, request | {"model": "n"}).cache_read == 0


def test_an_entry_can_be_read_once_its_answer_begins() -> None:
    """Two requests at the same time both write; the third reads."""
    cache = PromptCache(at_least=1)
    one, two = cache.measure(growing([TEXT])), cache.measure(growing([TEXT]))
    assert one.tokens == two.tokens
    assert one.tokens.cache_read == 0
    cache.keep(one)
    assert cache.measure(growing([TEXT])).tokens.cache_read > 0


def test_reading_an_entry_keeps_it_alive() -> None:
    """Also one that stands before the mark which found it; what nobody reads is over, and is forgotten."""
    now = [0.0]
    cache = PromptCache(clock=lambda: now[0], at_least=1)
    first = taken(cache, growing([TEXT]))
    now[0] = 250
    longer = growing([TEXT, TEXT | {"text": "more"}])
    assert taken(cache, longer).cache_read == first.write_5m
    now[0] = 500
    assert taken(cache, growing([TEXT])).cache_read == first.write_5m
    assert len(cache) == 3
    now[0] = 500 + 301 + CLEARED_EVERY
    assert taken(cache, growing([TEXT], system="other")).cache_read == 0
    assert len(cache) == 2


def test_the_cache_forgets_after_five_minutes_and_longer_when_asked() -> None:
    """Five minutes or an hour, from the last use."""
    now = [0.0]
    cache = PromptCache(clock=lambda: now[0], at_least=1)
    short: Json = {"model": "m", "system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}
    short["messages"] = HELLO
    long = json.loads(json.dumps(short).replace('"ephemeral"', '"ephemeral", "ttl": "1h"').replace('"a"', '"b"'))
    assert taken(cache, short).write_5m > 0
    assert taken(cache, long).write_1h > 0
    now[0] = 299
    assert taken(cache, short).cache_read > 0
    now[0] = 299 + 301
    assert taken(cache, short).cache_read == 0
    assert taken(cache, long).cache_read > 0


def test_a_count_is_the_sum_of_what_the_call_reports(client: anthropic.Anthropic) -> None:
    """`count_tokens` agrees with the usage of the same prompt, and never exceeds its bytes."""
    body: Any = {"model": MODEL, "messages": LOCKED_OUT, "tools": TOOLS}
    counted = client.messages.count_tokens(**body).input_tokens
    assert counted == ask(client).usage.input_tokens
    assert counted <= len(json.dumps(body))


def test_max_tokens_cuts_the_answer(client: anthropic.Anthropic) -> None:
    """The stop reason says so, and the figures keep to the limit."""
    message = ask(client, messages=HELLO, max_tokens=3)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 3
    assert message.content[0].type == "text"
    assert len(message.content[0].text) <= 12


def test_the_list_of_models_and_the_front_door_name_the_stand_in(standin: str, client: anthropic.Anthropic) -> None:
    """Nobody can take it for Claude."""
    assert [model.id for model in client.models.list()] == [MODEL, WEAKER]
    assert [client.models.retrieve(WEAKER).display_name, ask(client, model=WEAKER).model] == [WEAK_NAME, WEAKER]
    assert client.models.retrieve(MODEL).display_name == "Stand-in model (not Claude)"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-sonnet-5-5")
    assert "not Claude" in httpx.get(standin).json()["about"]


TEXT: Json = {"type": "text", "text": "x"}
USE: Json = {"type": "tool_use", "id": "t1", "name": "resolve", "input": {}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}


def turns(*contents: Any) -> list[Json]:
    return [{"role": ("user", "assistant")[i % 2], "content": content} for i, content in enumerate(contents)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater"),
        ({"model": ""}, "model: Input"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": {}, "content": "x"}]}, "messages.0.role"),
        ({"messages": turns([{"type": []}])}, "Input tag '[]'"),
        ({"tool_choice": {"type": {}}}, "tool_choice"),
        ({"messages": turns("")}, "non-empty content"),
        ({"messages": turns([{"type": "text", "text": ""}])}, "text content blocks must be non-empty"),
        ({"messages": turns([{"type": "text", "text": " \n"}])}, "non-whitespace"),
        ({"messages": turns([{"type": "video"}])}, "Input tag 'video'"),
        ({"messages": turns([USE])}, "Input tag 'tool_use'"),
        ({"messages": turns("x", "y")}, "must end with a user message"),
        ({"messages": turns([RESULT])}, "unexpected `tool_use_id`"),
        ({"messages": turns("x", [USE], "y")}, "without `tool_result` blocks immediately after: t1"),
        ({"messages": turns("x", [USE], [TEXT, RESULT])}, "without `tool_result`"),
        ({"messages": turns("x", [USE], [RESULT, RESULT])}, "single result"),
        ({"messages": turns("x", [USE, USE], [RESULT])}, "unique"),
        ({"messages": turns("x", [USE | {"input": "{}"}], [RESULT])}, "tool_use.input"),
        ({"tools": [TOOLS[0], TOOLS[0]]}, "unique"),
        ({"tools": [TOOLS[0] | {"name": "not a name"}]}, "tools.0.custom.name"),
        ({"tools": [TOOLS[0] | {"input_schema": {"type": "object"}}]}, "additionalProperties"),
        ({"tool_choice": {"type": "any"}}, "auto or none"),
        ({"extra_body": {"temperature": 1}}, "temperature: Extra inputs are not permitted"),
        ({"system": [TEXT | {"cache_control": {"type": "ephemeral"}}] * 5}, "A maximum of 4"),
        ({"system": [TEXT | {"cache_control": {"type": "ephemeral", "ttl": "2h"}}]}, "cache_control"),
    ],
)
def test_what_the_api_refuses_is_refused(client: anthropic.Anthropic, wrong: Json, said: str) -> None:
    """A 400 in the API's error shape, which the SDK turns into its own error."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        ask(client, **wrong)
    assert caught.value.type == "invalid_request_error"
    assert said in str(caught.value.api_message)


def test_neighbours_of_one_role_are_one_turn(client: anthropic.Anthropic) -> None:
    """Messages need not alternate, as in the API."""
    parallel = [USE, USE | {"id": "t2"}]
    results = [{"role": "user", "content": [RESULT | {"tool_use_id": name}]} for name in ("t2", "t1")]
    assert ask(client, messages=[*HELLO, *HELLO, {"role": "assistant", "content": parallel}, *results])


def test_missing_headers_and_broken_json_are_refused(standin: str) -> None:
    """No key is 401; no version, no JSON and no max_tokens are 400; an unknown door is 404."""
    url, headers = f"{standin}/v1/messages", {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    body = {"model": MODEL, "max_tokens": 9, "messages": HELLO}

    def kind(response: httpx.Response) -> tuple[int, str]:
        return response.status_code, response.json()["error"]["type"]

    assert kind(httpx.post(url, json=body)) == (401, "authentication_error")
    assert kind(httpx.post(url, json=body, headers={"x-api-key": "k"})) == (400, "invalid_request_error")
    assert kind(httpx.post(url, content="{", headers=headers)) == (400, "invalid_request_error")
    assert kind(httpx.post(url, json=[1], headers=headers)) == (400, "invalid_request_error")
    body.pop("max_tokens")
    assert kind(httpx.post(url, json=body, headers=headers)) == (400, "invalid_request_error")
    assert kind(httpx.get(f"{standin}/v1/nothing", headers=headers)) == (404, "not_found_error")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", anthropic.RateLimitError),
        ("529", anthropic.OverloadedError),
        ("500", anthropic.InternalServerError),
    ],
)
def test_an_error_fault_spoils_as_many_calls_as_asked(
    standin: str, client: anthropic.Anthropic, kind: str, error: type[anthropic.APIStatusError]
) -> None:
    """The first k pass, the next n fail, then all is well."""
    spoil(standin, {"kind": kind, "after": 1, "times": 2, "seconds": 7})
    assert ask(client)
    for _ in range(2):
        with pytest.raises(error) as caught:
            ask(client)
        assert caught.value.response.headers.get("retry-after") == (None if kind == "500" else "7")
    assert ask(client)
    assert httpx.get(f"{standin}/faults").json() == []


def test_a_fault_until_cleared_stays(standin: str, client: anthropic.Anthropic) -> None:
    """`times: -1` spoils every call until the list is replaced."""
    spoil(standin, {"kind": "empty", "times": -1})
    assert [ask(client).content for _ in range(3)] == [[], [], []]
    spoil(standin)
    assert ask(client).content


def test_a_slow_answer_takes_its_time(standin: str, client: anthropic.Anthropic) -> None:
    """A caller with less patience gives up."""
    spoil(standin, {"kind": "slow", "seconds": 0.5, "times": 2})
    started = time.monotonic()
    assert ask(client)
    assert time.monotonic() - started >= 0.5
    with pytest.raises(anthropic.APITimeoutError):
        ask(client.with_options(timeout=0.1))


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_stream_breaks_the_connection(standin: str, client: anthropic.Anthropic, stream: bool) -> None:  # noqa: FBT001 - a case
    """The answer never comes to its end."""
    spoil(standin, {"kind": "cut_stream"})
    body: Any = {"model": MODEL, "max_tokens": 400, "messages": HELLO, "stream": stream}
    with pytest.raises((anthropic.APIConnectionError, httpx2.RemoteProtocolError)) as caught:
        list(client.messages.create(**body))
    assert "RemoteProtocolError" in repr(caught.value) + repr(caught.value.__cause__)


def test_hostile_and_endless_tools(standin: str, client: anthropic.Anthropic) -> None:
    """Forged targets, unknown tools, and one call again and again."""
    spoil(standin, {"kind": "hostile_tool"}, {"kind": "endless_tool", "times": 2})
    calls = {b.name: b.input for b in ask(client).content if b.type == "tool_use"}
    assert calls["unlock_my_account"] == {"user": "U0SAM"}
    assert "delete_every_account" in calls
    first, second = (ask(client, messages=HELLO).content[0] for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert first.type == "tool_use"
    assert first.name == "look_up_my_account"


def test_a_malformed_tool_streams_half_an_object(standin: str, client: anthropic.Anthropic) -> None:
    """The input is no JSON."""
    spoil(standin, {"kind": "malformed_tool"})
    body: Any = {"model": MODEL, "max_tokens": 400, "messages": HELLO, "tools": TOOLS, "stream": True}
    events = [event.to_dict() for event in client.messages.create(**body)]
    sent = "".join(e["delta"]["partial_json"] for e in events if e["type"] == "content_block_delta")
    with pytest.raises(json.JSONDecodeError):
        json.loads(sent)


def test_a_promise_and_a_huge_text_are_only_text(standin: str, client: anthropic.Anthropic) -> None:
    """A promised colleague without the tool call; more text than a chat takes, counted within the limit."""
    spoil(standin, {"kind": "promise"}, {"kind": "huge_text"})
    promise = ask(client).content
    assert [b.type for b in promise] == ["text"]
    huge = ask(client)
    assert huge.content[0].type == "text"
    assert len(huge.content[0].text) == 60_000
    assert huge.usage.output_tokens == 400


def test_a_wrong_fault_is_refused_and_changes_nothing(standin: str, client: anthropic.Anthropic) -> None:
    """An unknown kind or field is a 400."""
    spoil(standin, {"kind": "empty"})
    for wrong in ([{"kind": "fire"}], [{"kind": "500", "often": 3}], {"kind": "500"}, [{"kind": "500", "times": -2}]):
        assert httpx.put(f"{standin}/faults", json=wrong).status_code == 400
    assert [row["kind"] for row in httpx.get(f"{standin}/faults").json()] == ["empty"]


def test_past_calls_can_be_read(standin: str, client: anthropic.Anthropic) -> None:
    """The last requests with their answers and the fault that spoiled them."""
    spoil(standin, {"kind": "529"})
    with pytest.raises(anthropic.OverloadedError):
        ask(client)
    ask(client)
    spoiled, fine = httpx.get(f"{standin}/calls", params={"last": 2}).json()
    assert spoiled["fault"] == "529"
    assert fine["request"]["messages"] == LOCKED_OUT
    assert fine["stop_reason"] == "tool_use"


def test_an_answer_takes_its_latency() -> None:
    """Half before it begins, half while it is streamed."""
    with (
        served(create_app(StandinConfig(latency=0.2))) as url,
        anthropic.Anthropic(api_key="k", base_url=url) as client,
    ):
        started = time.monotonic()
        ask(client)
        assert time.monotonic() - started >= 0.2
