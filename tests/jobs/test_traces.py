"""One turn is one trace: model calls, tools, the handoff and what Slack shows, whatever goes wrong: `bot.telemetry`."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot.agent import model
from bot.principals import Reason
from bot.store.tickets import turns
from bot.telemetry import attributes as named
from bot.telemetry import span_export, spans
from bot.telemetry.spans import SpanRecord, Tracing
from bot.telemetry.trace_ids import TraceIds
from jobs import undeliverable
from tests.support.busy_machine import SOON
from tests.support.otlp_receiver import receiving
from tests.support.product_harness import LOCKED, Place
from tests.support.redis_servers import free_port
from tests.support.workspace_names import BOT

IDS = TraceIds.of("xoxb-test", "deskhand:1:")


@pytest.fixture
def made(place: Place) -> Iterator[list[SpanRecord]]:
    """Return the spans that are made in this test, with the place in which they are."""
    found: list[SpanRecord] = []
    spans.switch(Tracing(IDS, found.append))
    yield found
    spans.switch(None)


def names(made: list[SpanRecord]) -> Counter[str]:
    """Count spans by their names."""
    return Counter(one.name for one in made)


def of_one_turn(place: Place, made: list[SpanRecord]) -> SpanRecord:
    """Return the turn's own span, below which all others are."""
    turn = place.last_turn().id
    [root] = [one for one in made if one.parent_id is None]
    assert (root.trace_id, root.span_id) == IDS.of_turn(turn)
    assert {(one.trace_id, one.parent_id) for one in made if one is not root} == {(root.trace_id, root.span_id)}
    return root


def test_a_turn_can_be_followed_from_the_model_to_slack(place: Place, made: list[SpanRecord]) -> None:
    """Each model call, each tool and the answer in Slack, with what they used and how they ended."""
    place.asks("U0MAYA", LOCKED)
    root, calls = of_one_turn(place, made), len(place.calls())
    assert names(made) == {
        "chat stand-in-1": calls,
        "execute_tool look_up_my_account": 1,
        "execute_tool unlock_my_account": 1,
        "execute_tool resolve": 1,
        "slack post": 1,
        "invoke_agent access": 1,
    }
    turn = place.last_turn()
    assert root.attributes == {
        named.OPERATION: "invoke_agent",
        named.PROVIDER: "anthropic",
        named.AGENT_NAME: "access",
        named.AGENT_ID: "access",
        named.AGENT_VERSION: turn.release,
        named.CONVERSATION: IDS.conversation(turn.ticket_id),
        named.REQUEST_MODEL: "stand-in-1",
        named.ATTEMPT: 1,
        named.OUTCOME: "reply",
        named.TURNS: calls,
        named.TOOL_SEQUENCE: ("look_up_my_account", "unlock_my_account", "resolve"),
    }
    [post] = [one for one in made if one.name == "slack post"]
    assert (post.kind, post.attributes) == (
        "client",
        {named.MESSAGE_KIND: "reply", named.MESSAGE_OP: "post", named.MESSAGE_TRIES: 1},
    )
    first = next(one for one in made if one.kind == "client")
    assert first.attributes[named.RESPONSE_MODEL] == "stand-in-1"
    assert first.attributes[named.FINISH_REASONS] == ("tool_use",)
    used = {name: first.attributes[name] for name in (named.INPUT_TOKENS, named.OUTPUT_TOKENS, named.CACHE_READ_TOKENS)}
    assert all(isinstance(count, int) for count in used.values())
    assert first.attributes[named.INPUT_TOKENS] > first.attributes[named.CACHE_READ_TOKENS]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (f"<@{BOT}> I lost my phone", Reason.OUT_OF_POLICY),
        (f"<@{BOT}> please let me talk to a human", Reason.REQUESTED),
    ],
)
def test_a_handoff_is_in_the_trace_whoever_decided_it(
    place: Place, made: list[SpanRecord], words: str, reason: Reason
) -> None:
    """The model by its tool, or code before the model was asked: one span, and the messages that tell of it."""
    place.asks("U0LENA", words)
    root = of_one_turn(place, made)
    assert (root.attributes[named.OUTCOME], root.attributes[named.HANDOFF_REASON]) == ("handoff", reason)
    [handoff] = [one for one in made if one.name == "execute_tool hand_off"]
    assert handoff.attributes[named.HANDOFF_SOURCE] == "access"
    assert handoff.attributes[named.HANDOFF_TARGET] == "responders"
    assert handoff.attributes[named.HANDOFF_REASON] == reason
    kinds = {one.attributes[named.MESSAGE_KIND] for one in made if one.name == "slack post"}
    assert {"card", "notice"} <= kinds


def test_no_span_holds_what_anybody_wrote(place: Place, made: list[SpanRecord]) -> None:
    """Neither the request nor the answer, nor who asked, where, or for which account."""
    place.asks("U0MAYA", f"{LOCKED}, my cat is called Wolpertinger")
    place.asks("U0LENA", f"<@{BOT}> I lost my phone in Nibelheim")
    told = repr([(one.name, dict(one.attributes)) for one in made])
    for word in ("Wolpertinger", "Nibelheim", "locked out", "unlocked your", "U0MAYA", "U0LENA", "acc-", "C0HELP"):
        assert word not in told, word


def test_each_model_call_is_one_client_span_whatever_is_installed(
    place: Place, made: list[SpanRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor's SDK makes none of its own, even where a provider is set for all; and is sent no ids of ours."""
    theirs, headers = InMemorySpanExporter(), list[httpx2.Headers]()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(theirs))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", "true")
    watch = model._watch

    def noted(request: httpx2.Request) -> None:
        headers.append(request.headers)
        watch(request)

    monkeypatch.setattr(model, "_watch", noted)
    place.ctx.runtimes.clear()
    with trace.get_tracer("others").start_as_current_span("outer"):
        place.asks("U0MAYA", LOCKED)
    assert len(headers) == len(place.calls()) > 1
    assert [one.name for one in made if one.kind == "client"].count("chat stand-in-1") == len(headers)
    assert [one.name for one in theirs.get_finished_spans()] == ["outer"]
    assert not [one for one in headers if "traceparent" in one or "tracestate" in one or "baggage" in one]


def test_a_call_that_fails_is_a_span_with_its_error(place: Place, made: list[SpanRecord]) -> None:
    """Each try is a request of its own, and so a span of its own."""
    httpx2.put(f"{place.model}/faults", json=[{"kind": "529", "seconds": 0}]).raise_for_status()
    place.asks("U0MAYA", LOCKED)
    calls = [one for one in made if one.name == "chat stand-in-1"]
    assert len(calls) == len(place.calls())
    assert [one.attributes.get(named.ERROR_TYPE) for one in calls][:2] == ["Transient", None]
    assert of_one_turn(place, made).attributes[named.OUTCOME] == "reply"


def test_an_attempt_that_was_killed_is_in_the_trace_of_the_one_that_followed(
    place: Place, made: list[SpanRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it did before it died counts, nothing is there twice, and the turn has one span of its own."""

    class Killed(BaseException):
        """The worker's process ends here."""

    def die(*_arguments: object, **_more: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("bot.agent.loop._resolve", die)
        with pytest.raises(Killed):
            place.asks("U0MAYA", LOCKED)
    before = names(made)
    assert before["chat stand-in-1"] >= 2
    assert before["invoke_agent access"] == 0
    lose_the_lease(place)
    root = of_one_turn(place, made)
    assert root.attributes[named.ATTEMPT] == 2
    assert names(made)["execute_tool unlock_my_account"] == 1
    assert names(made)["chat stand-in-1"] == len(place.calls())
    assert root.attributes[named.TOOL_SEQUENCE] == ("look_up_my_account", "unlock_my_account", "resolve")


def lose_the_lease(place: Place) -> None:
    """Let another worker take the turn over."""
    from jobs.turn import run_turn  # noqa: PLC0415 - beside what it is for
    from tests.support.factories import expire  # noqa: PLC0415 - beside what it is for

    expire(place.front.database, place.last_turn().id)
    run_turn(place.last_turn().id)


def test_a_turn_that_was_stopped_ends_its_trace_too(place: Place, made: list[SpanRecord]) -> None:
    """Its outcome is that it was withdrawn, and what it had done by then is below it."""

    def stop() -> None:
        with place.front.database.write() as session:
            turns.stop(session, place.last_turn().ticket_id)

    place.ctx.runtime("access")
    place.while_thinking(stop)
    place.asks("U0MAYA", LOCKED)
    assert place.last_turn().outcome == "withdrawn"
    assert of_one_turn(place, made).attributes[named.OUTCOME] == "withdrawn"
    assert names(made)["chat stand-in-1"] == 1


def test_a_message_that_another_process_posts_is_in_the_trace(
    place: Place, made: list[SpanRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock says what the worker could not: it knows the turn from the row."""
    with monkeypatch.context() as patch:
        patch.setattr(undeliverable, "deliver", lambda _ticket: None)
        place.asks("U0MAYA", LOCKED)
    assert names(made)["slack post"] == 0
    undeliverable.deliver(place.last_turn().ticket_id)
    assert names(made)["slack post"] == 1
    of_one_turn(place, made)


@pytest.mark.parametrize("trouble", ["off", "refused", "hanging", "broken", "slow"])
def test_a_turn_never_waits_for_a_collector(place: Place, monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    """Whatever the collector does, nothing is sent to it on the thread that plays the turn."""
    how: dict[str, Any] = {"hanging": {"seconds": 30.0}, "broken": {"status": 500}, "slow": {"seconds": 0.3}}
    real, sent_on = span_export.sender, set[int]()

    def sender(*given: Any) -> Callable[[Sequence[SpanRecord]], bool]:
        send = real(*given)

        def noted(batch: Sequence[SpanRecord]) -> bool:
            sent_on.add(threading.get_ident())
            return send(batch)

        return noted

    monkeypatch.setattr(span_export, "sender", sender)
    with receiving(**how.get(trouble, {})) as collector:
        url = f"http://127.0.0.1:{free_port()}" if trouble == "refused" else collector.url
        settings = place.ctx.settings.model_copy(
            update={
                "otel_exporter_otlp_endpoint": None if trouble == "off" else url,
                "slack_bot_token": place.ctx.settings.slack_bot_token,
            }
        )
        stop = span_export.start("worker", settings, installation=place.ctx.queue.prefix)
        try:
            place.asks_anew("U0MAYA", f"<@{BOT}> hello")
        finally:
            stop()
        until = time.monotonic() + 4 * SOON
        while trouble != "off" and not sent_on and time.monotonic() < until:
            time.sleep(0.01)
    assert place.last_turn().outcome == "reply"
    assert bool(sent_on) is (trouble != "off")
    assert threading.get_ident() not in sent_on
