"""The door to the model, through the vendor's SDK over real connections: `bot.agent.model`."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.agent.model import Completion, Prompt, connect, counter, knows
from bot.agent.stream import MALFORMED
from bot.budget.prices.pricing import Usage
from bot.errors import DeskhandError, OutcomeUnknown, Refused, Transient
from bot.network import DIRECT
from bot.sandbox.standin import MODEL, StandinConfig, create_app
from tests.support.json_object import Json
from tests.support.live_server import served

TOOLS: tuple[Json, ...] = tuple(
    {
        "name": name,
        "description": "A tool. " * 200,
        "strict": True,
        "input_schema": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    }
    for name in ("look_up_my_account", "unlock_my_account", "hand_off", "resolve")
)


def prompt(text: str = "I am locked out", **more: Any) -> Prompt:
    message = {"role": "user", "content": [{"type": "text", "text": f'<message from="U1" where="dm">{text}</message>'}]}
    base: Json = {"model": MODEL, "system": "Be kind.", "tools": TOOLS, "messages": (message,), "max_tokens": 300}
    return Prompt(**base | more)


def ask(url: str, sent: Prompt | None = None, *, timeout: float = 5.0) -> Completion:
    return connect(api_key="k", base_url=url, network=DIRECT, timeout=timeout)(sent or prompt())


def spoil(url: str, *faults: Json) -> None:
    httpx.put(f"{url}/faults", json=list(faults)).raise_for_status()


def last_call(url: str) -> Json:
    call: Json = httpx.get(f"{url}/calls", params={"last": 1}).json()[0]
    return call


def test_a_tool_call_comes_back_whole(standin: str) -> None:
    """Content to echo, calls to carry out, the stop reason and the vendor's figures."""
    spoil(standin)
    answer = ask(standin)
    call = answer.tool_calls[0]
    assert (call.name, call.arguments, answer.stop_reason) == ("look_up_my_account", {}, "tool_use")
    assert answer.content == ({"type": "tool_use", "id": call.id, "name": call.name, "input": {}},)
    assert answer.usage.model == MODEL
    assert answer.usage.output_tokens > 0


def test_the_content_can_be_echoed(standin: str) -> None:
    """The strict stand-in takes it back with the result, and goes on."""
    spoil(standin)
    first = ask(standin)
    result = {"type": "tool_result", "tool_use_id": first.tool_calls[0].id, "content": '{"status": "locked"}'}
    echoed = ({"role": "assistant", "content": list(first.content)}, {"role": "user", "content": [result]})
    second = ask(standin, prompt(messages=(*prompt().messages, *echoed)))
    assert [call.name for call in second.tool_calls] == ["unlock_my_account"]


def test_text_comes_back_as_text(standin: str) -> None:
    """No tool, one text."""
    spoil(standin)
    answer = ask(standin, prompt("hello"))
    assert answer.text.startswith("Hello")
    assert answer.tool_calls == ()
    assert answer.stop_reason == "end_turn"


def test_the_stable_prefix_is_written_to_the_cache_once(standin: str) -> None:
    """Tools and system are paid once and then read; strict schemas are passed through."""
    spoil(standin)
    sent = prompt(system="Be kind, and unlike any other test. " * 60)
    first, second = ask(standin, sent).usage, ask(standin, sent).usage
    assert first.cache_write_5m_tokens > 1024
    assert (second.cache_read_tokens, second.cache_write_5m_tokens) == (first.cache_write_5m_tokens, 0)
    assert first.cache_write_1h_tokens == 0
    assert all(tool["strict"] for tool in last_call(standin)["request"]["tools"])


def test_without_a_system_prompt_the_tools_are_the_prefix(standin: str) -> None:
    """The mark stands on the last tool, and the caller's own tools are left as they were."""
    spoil(standin)
    assert ask(standin, prompt(system="")).usage.cache_write_5m_tokens > 1024
    assert "system" not in last_call(standin)["request"]
    assert "cache_control" not in TOOLS[-1]


def test_both_ends_are_marked_for_the_cache(standin: str) -> None:
    """Of the stable prefix, which every turn shares, and of all that is sent, which the next call looks back to."""
    spoil(standin)
    sent = prompt(system="Be kind, and mark both ends. " * 60)
    ask(standin, sent)
    request = last_call(standin)["request"]
    assert request["cache_control"] == request["system"][-1]["cache_control"] == {"type": "ephemeral"}
    assert str(request).count("cache_control") == 2
    more = ({"role": "assistant", "content": [{"type": "text", "text": "Hm."}]}, *prompt("and now?").messages)
    usage = ask(standin, prompt(system=sent.system, messages=(*sent.messages, *more))).usage
    assert usage.cache_read_tokens > usage.cache_write_5m_tokens > 0
    assert usage.input_tokens == 0


@pytest.mark.parametrize(
    ("name", "thinking"),
    [
        ("claude-sonnet-5-5", {"type": "between_tools"}),
        ("claude-sonnet-5-latest", {"type": "disabled"}),
        ("claude-opus-5-20260724", {"type": "disabled"}),
        ("claude-opus-5-5", None),
        ("claude-sonnet-4-6", None),
        (MODEL, None),
    ],
)
def test_a_model_thinks_as_little_as_it_can(standin: str, name: str, thinking: Json | None) -> None:
    """Thoughts would use up the short answer's tokens; where the field is not needed, or not taken, none is sent."""
    spoil(standin)
    ask(standin, prompt(model=name))
    assert last_call(standin)["request"].get("thinking") == thinking


def test_a_count_is_the_vendors_own(standin: str) -> None:
    """It equals what the same prompt is then billed, tools, system and cache marks included, and calls no model."""
    spoil(standin)
    before = len(httpx.get(f"{standin}/calls").json())
    for sent in (prompt(), prompt("\N{KEY} パスワード" * 50, system="")):
        counted = counter(api_key="k", base_url=standin, network=DIRECT, timeout=5)(sent)
        assert len(httpx.get(f"{standin}/calls").json()) == before
        assert counted == ask(standin, sent).usage.prompt_tokens
        before += 1


@pytest.mark.parametrize(
    "answer", ['{"input_tokens": "many"}', '{"input_tokens": 0}', "{}", "[]", "<html>a proxy's page</html>"]
)
def test_nonsense_is_no_count(answer: str) -> None:
    """Only a number of tokens is one."""

    async def count(_request: Request) -> Response:
        kind = "text/html" if answer.startswith("<") else "application/json"
        return Response(answer, media_type=kind)

    with served(Starlette(routes=[Route("/v1/messages/count_tokens", count, methods=["POST"])])) as url:
        assert counter(api_key="k", base_url=url, network=DIRECT, timeout=5)(prompt()) is None


def test_what_cannot_be_counted_says_why() -> None:
    """A vendor that is busy, a gateway without the door and a closed port raise what a call would."""

    async def busy(_request: Request) -> Response:
        return JSONResponse({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, 529)

    with served(Starlette(routes=[Route("/v1/messages/count_tokens", busy, methods=["POST"])])) as url:
        with pytest.raises(Transient, match="529"):
            counter(api_key="k", base_url=url, network=DIRECT, timeout=5)(prompt())
        with pytest.raises(Refused, match="404"):
            counter(api_key="k", base_url=f"{url}/elsewhere", network=DIRECT, timeout=5)(prompt())
    with pytest.raises(Transient, match="could not be reached"):
        counter(api_key="k", base_url="http://127.0.0.1:9", network=DIRECT, timeout=5)(prompt())


def test_the_size_is_at_least_the_bytes_sent(standin: str) -> None:
    """An upper bound of the tokens that the vendor may count, for any script."""
    spoil(standin)
    sent = prompt("🔑 パスワードを忘れた " * 50)
    usage = ask(standin, sent).usage
    request = last_call(standin)["request"]
    request.pop("stream")
    assert sent.size >= len(json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode())
    assert sent.size >= usage.prompt_tokens


def test_a_completion_survives_the_journal(standin: str) -> None:
    """What a later attempt reads back equals what was written, iterations included."""
    spoil(standin)
    answer = ask(standin)
    assert Completion.from_json(json.loads(json.dumps(answer.to_json()))) == answer
    part = Usage("a", 1, 2, 3, 4, 5)
    nested = Completion(({"type": "text", "text": "x"},), "x", (), "end_turn", Usage("m", iterations=(part, part)))
    assert Completion.from_json(json.loads(json.dumps(nested.to_json()))) == nested


def test_the_connection_is_kept_between_calls() -> None:
    """One handshake for many calls."""
    ports = set()

    async def note(scope: Any, receive: Any, send: Any) -> None:
        ports.add(scope["client"][1])
        await app(scope, receive, send)

    app = create_app(StandinConfig(latency=0))
    with served(note) as url:
        call = connect(api_key="k", base_url=url, network=DIRECT, timeout=5)
        for _ in range(3):
            call(prompt())
    assert len(ports) == 1


@pytest.mark.parametrize(("kind", "wait"), [("429", 3.5), ("529", 2.0), ("500", None)])
def test_a_busy_model_is_transient_and_not_asked_again(standin: str, kind: str, wait: float | None) -> None:
    """One attempt, no billing, and the wait that the vendor asked for."""
    spoil(standin, {"kind": kind, "seconds": wait, "times": 5})
    with pytest.raises(Transient) as caught:
        ask(standin)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert caught.value.retry_after == wait
    assert httpx.get(f"{standin}/faults").json()[0]["times"] == 4


def test_a_cut_stream_leaves_the_outcome_unknown(standin: str) -> None:
    """The request left, half an answer came: it may be billed."""
    spoil(standin, {"kind": "cut_stream"})
    with pytest.raises(OutcomeUnknown):
        ask(standin)


def test_no_answer_in_time_leaves_the_outcome_unknown(standin: str) -> None:
    """A read timeout after the request left."""
    spoil(standin, {"kind": "slow", "seconds": 2})
    with pytest.raises(OutcomeUnknown):
        ask(standin, timeout=0.2)


def test_a_refused_connection_is_transient() -> None:
    """Nothing left this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Transient) as caught:
        ask(f"http://127.0.0.1:{port}")
    assert not isinstance(caught.value, OutcomeUnknown)


def test_malformed_arguments_are_marked_not_raised(standin: str) -> None:
    """The loop can answer them as a tool's error, and the echo is still a request that the API takes."""
    spoil(standin, {"kind": "malformed_tool"})
    answer = ask(standin)
    call = answer.tool_calls[0]
    assert call.arguments == {MALFORMED: '{"reason": "requested", "summ'}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "not JSON", "is_error": True}
    echoed = ({"role": "assistant", "content": list(answer.content)}, {"role": "user", "content": [result]})
    assert ask(standin, prompt(messages=(*prompt().messages, *echoed))).tool_calls[0].arguments == {}


def test_hostile_calls_pass_as_data(standin: str) -> None:
    """They are reported as the model wrote them; it is others who refuse."""
    spoil(standin, {"kind": "hostile_tool"})
    assert ask(standin).tool_calls[0].arguments == {"user": "U0SAM"}


def test_an_empty_answer_is_an_answer(standin: str) -> None:
    """No content, no text, no calls."""
    spoil(standin, {"kind": "empty"})
    answer = ask(standin)
    assert (answer.content, answer.text, answer.tool_calls) == ((), "", ())


def test_a_request_that_the_api_refuses_is_an_error() -> None:
    """A 400 is our bug: no use to ask again."""
    with served(create_app(StandinConfig(latency=0))) as url, pytest.raises(Refused) as caught:
        ask(url, prompt(messages=({"role": "user", "content": ""},)))
    assert caught.value.reason == "error"


def failing(status: int, headers: dict[str, str] | None = None) -> Starlette:
    """Return a vendor that answers one status to everything."""

    async def answer(_request: Request) -> Response:
        body = {"type": "error", "error": {"type": "some_error", "message": "secret details"}}
        return JSONResponse(body, status, headers)

    return Starlette(routes=[Route("/v1/messages", answer, methods=["POST"])])


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, Refused, "error"),
        (401, Refused, "model_unavailable"),
        (402, Refused, "model_unavailable"),
        (403, Refused, "model_unavailable"),
        (404, Refused, "model_unavailable"),
        (413, Refused, "error"),
        (422, Refused, "error"),
        (408, Transient, None),
        (409, Transient, None),
        (429, Transient, None),
        (502, Transient, None),
        (504, Transient, None),
        (529, Transient, None),
    ],
)
def test_each_status_answers_what_now(status: int, kind: type[DeskhandError], reason: str | None) -> None:
    """Try again, or fetch a person and say why; the vendor's own words stay here."""
    with served(failing(status)) as url, pytest.raises(DeskhandError) as caught:
        ask(url)
    assert type(caught.value) is kind
    assert getattr(caught.value, "reason", None) == reason
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "4"}, 4.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_the_wait_is_read_in_seconds(headers: dict[str, str], wait: float | None) -> None:
    """Milliseconds first; a date or nonsense is no number."""
    with served(failing(429, headers)) as url, pytest.raises(Transient) as caught:
        ask(url)
    assert caught.value.retry_after == wait


def streaming(*chunks: str, every: float = 0.0, times: int = 1) -> Starlette:
    """Return a vendor that streams what it is given."""

    async def body() -> AsyncIterator[str]:
        for _ in range(times):
            for chunk in chunks:
                yield chunk
                await asyncio.sleep(every)

    async def answer(_request: Request) -> Response:
        return StreamingResponse(body(), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/messages", answer, methods=["POST"])])


@pytest.mark.parametrize("sent", ["", "<html>a proxy's page</html>", "event: message_start\ndata: {broken\n\n"])
def test_an_answer_of_another_kind_leaves_the_outcome_unknown(sent: str) -> None:
    """200 with something else in it is neither an answer nor a crash."""
    with served(streaming(sent)) as url, pytest.raises(OutcomeUnknown):
        ask(url)


def test_an_error_in_the_middle_of_a_stream_leaves_the_outcome_unknown() -> None:
    """The status was 200 long ago."""
    error = 'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}\n\n'
    with served(streaming(error)) as url, pytest.raises(OutcomeUnknown, match="overloaded_error"):
        ask(url)


def test_a_model_is_looked_up_without_being_called(standin: str) -> None:
    """It is there or not, for nothing; a key that is no good and a door that is shut are neither."""

    async def no_good(_request: Request) -> Response:
        return JSONResponse({"type": "error", "error": {"type": "authentication_error", "message": "no"}}, 401)

    shut = Starlette(routes=[Route("/v1/models/{name}", no_good)])
    before = len(httpx.get(f"{standin}/calls").json())
    assert knows(MODEL, api_key="k", base_url=standin, network=DIRECT, timeout=5)
    assert not knows("another", api_key="k", base_url=standin, network=DIRECT, timeout=5)
    assert len(httpx.get(f"{standin}/calls").json()) == before
    with served(shut) as url, pytest.raises(Refused, match="401"):
        knows(MODEL, api_key="k", base_url=url, network=DIRECT, timeout=5)
    with pytest.raises(Transient, match="could not be reached"):
        knows(MODEL, api_key="k", base_url="http://127.0.0.1:9", network=DIRECT, timeout=5)
