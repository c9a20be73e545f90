"""Models that send something for ever: the card's time limit holds inside a call and between its tries."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.agent import bounds, model
from bot.agent.attempt import CUT_OFF
from bot.agent.loop import NeedsPerson, Reply
from bot.agent.model import CallModel, Prompt
from bot.agent.runtime import AgentRuntime
from bot.budget.prices.pricing import Usage
from bot.errors import OutcomeUnknown, Transient
from bot.evals import stage
from bot.network import DIRECT
from bot.principals import Reason
from bot.sandbox.standin import StandinConfig, create_app
from bot.sandbox.standin.answers import as_events, compose
from bot.sandbox.standin.moves import SayMove
from bot.sandbox.standin.usage import ModelTokens
from bot.store.schema import LedgerRow
from tests.support.agent_office import Office, ledger_of, play_attempt
from tests.support.busy_machine import SOON
from tests.support.json_object import Json
from tests.support.live_server import served
from tests.support.scripted_models import Script

SENT = Prompt("stand-in-1", "Be kind.", (), ({"role": "user", "content": [{"type": "text", "text": "Hello"}]},), 300)
SECONDS = 0.5
"What a call may take."
FOR_EVER = 2 * SOON
"Seconds, so that a test without its guard fails."


def event(content: Json) -> str:
    return f"event: {content['type']}\ndata: {json.dumps(content)}\n\n"


WHOLE = "".join(
    map(event, as_events(compose({"model": "stand-in-1", "max_tokens": 300}, (SayMove("Hello."),), ModelTokens())))
)
BEGUN = WHOLE[: WHOLE.index("event: content_block_delta")]
DELTA = event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "more "}})


@contextmanager
def vendor(*, first: str = "", again: str = "", every: float = 0.05, status: int = 200) -> Iterator[str]:
    """Serve a vendor that begins an answer and then sends one thing again and again; give its address."""

    async def body() -> AsyncIterator[str]:
        yield first
        end = time.monotonic() + FOR_EVER
        while time.monotonic() < end:
            yield again
            await asyncio.sleep(every)

    async def answer(_request: Request) -> Response:
        return StreamingResponse(body(), status, media_type="text/event-stream")

    paths = ("/v1/messages", "/v1/messages/count_tokens")
    with served(Starlette(routes=[Route(path, answer, methods=["POST"]) for path in paths])) as url:
        yield url


def connected(url: str, timeout: float = FOR_EVER) -> CallModel:
    return model.connect(api_key="k", base_url=url, network=DIRECT, timeout=timeout)


@contextmanager
def soon() -> Iterator[None]:
    """Fail unless it is over after a call's time."""
    began = time.monotonic()
    yield
    assert SECONDS * 0.8 <= time.monotonic() - began < SOON


@pytest.mark.parametrize(
    "stream",
    [
        {"first": BEGUN, "again": DELTA},
        {"first": BEGUN, "again": event({"type": "ping"})},
        {"first": BEGUN, "again": ": still here\n"},
        {"first": BEGUN, "again": ": still here\n\n"},
        {"first": BEGUN + "data: ", "again": "x"},
        {"first": BEGUN, "again": DELTA, "every": 0.0},
        {"first": BEGUN, "every": FOR_EVER},
        {"every": FOR_EVER},
        {"status": 500, "again": "x"},
        {"status": 400, "again": "x"},
    ],
    ids=["text", "pings", "comments", "empty events", "one line", "a flood", "silence", "nothing", "a 500", "a 400"],
)
@pytest.mark.parametrize("whose", ["the caller's", "the model's own"])
def test_no_stream_holds_a_call_longer_than_its_time(stream: Json, whose: str) -> None:
    """Whatever comes, in whatever pieces, the call ends in its time, and it may be billed."""
    with vendor(**stream) as url:
        call = connected(url, SECONDS if whose == "the model's own" else FOR_EVER)
        with soon(), pytest.raises(OutcomeUnknown):
            call(replace(SENT, seconds=SECONDS if whose == "the caller's" else FOR_EVER))


def test_headers_that_drip_hold_no_call_longer_than_its_time() -> None:
    """The time is the call's, not that of each piece."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nx-long: ")
                while not over.wait(0.05):
                    connection.sendall(b"x")

        over = threading.Event()
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with soon(), pytest.raises(OutcomeUnknown):
                connected(f"http://127.0.0.1:{server.getsockname()[1]}")(replace(SENT, seconds=SECONDS))
        finally:
            over.set()
            thread.join()


def test_a_count_that_drips_is_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn waits for it."""
    monkeypatch.setattr(model, "COUNT_SECONDS", SECONDS)
    with vendor(first="{", again=" ") as url, soon(), pytest.raises(Transient):
        model.counter(api_key="k", base_url=url, network=DIRECT, timeout=FOR_EVER)(SENT)


def test_more_than_any_answer_holds_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood fills no memory, however much time is left."""
    monkeypatch.setattr(bounds, "MOST_BYTES", 200_000)
    with vendor(first=BEGUN, again=DELTA * 100, every=0.0) as url:
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            connected(url)(SENT)
        assert time.monotonic() - began < SOON


def test_a_whole_answer_is_not_kept_by_an_open_connection() -> None:
    """What comes after the last event, or does not come, is no part of the answer."""
    with vendor(first=WHOLE, every=FOR_EVER) as url:
        began = time.monotonic()
        assert connected(url)(SENT).text == "Hello."
        assert time.monotonic() - began < SOON


def test_a_connection_is_used_again_by_a_call_with_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of one call is not the next one's."""
    with served(create_app(StandinConfig(latency=0))) as url:
        call, clock = connected(url), time.monotonic
        call(replace(SENT, seconds=SOON))
        monkeypatch.setattr(bounds, "time", SimpleNamespace(monotonic=lambda: clock() + SOON))
        assert call(replace(SENT, seconds=SOON)).text


def test_a_call_without_time_does_not_leave() -> None:
    """It costs nothing, so its reservation is given back."""
    with pytest.raises(Transient) as refused:
        connected("http://127.0.0.1:9")(replace(SENT, seconds=0.0))
    assert not isinstance(refused.value, OutcomeUnknown)


@pytest.fixture
def hurried(office: Office) -> Callable[..., AgentRuntime]:
    """Return a function that puts an agent of little time to work."""

    def runtime(call: CallModel, seconds: float, **changes: Any) -> AgentRuntime:
        limits = office.agent.card.limits.model_copy(update={"seconds": seconds})
        agent = replace(office.agent, card=office.agent.card.model_copy(update={"limits": limits}))
        return office.runtime(call, agent=agent, sleep=time.sleep, **changes)

    return runtime


@pytest.mark.parametrize("kind", ["endless_stream", "endless_pings"])
def test_the_cards_seconds_hold_inside_one_call(
    office: Office, hurried: Callable[..., AgentRuntime], standin: str, kind: str
) -> None:
    """A model that streams without end keeps nobody longer, and what may have been billed is charged."""
    httpx.put(f"{standin}/faults", json=[{"kind": kind, "times": -1}]).raise_for_status()
    subject, attempt = office.account("kim"), office.begin(office.asks())
    runtime = hurried(connected(standin), SECONDS)
    with soon():
        assert play_attempt(runtime, attempt, subject) == CUT_OFF
    assert CUT_OFF.reason is Reason.NO_PROGRESS
    [sent] = ledger_of(office)
    assert (sent.state, sent.cost_nusd) == ("sent", 0)
    with office.database.write() as session:
        session.execute(update(LedgerRow).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    assert runtime.meter.sweep() == 1
    [charged] = ledger_of(office)
    assert (charged.state, charged.cost_nusd) == ("charged", charged.reserved_nusd)
    most = Usage(charged.model, input_tokens=10, output_tokens=runtime.agent.card.limits.answer_tokens)
    assert runtime.meter.prices.cost(most, at=charged.at) <= charged.reserved_nusd


def test_the_cards_seconds_hold_between_tries(
    office: Office, hurried: Callable[..., AgentRuntime], standin: str
) -> None:
    """The time is that of all tries with their pauses, not of each; every one of them may have been billed."""
    httpx.put(f"{standin}/faults", json=[{"kind": "cut_stream"}, {"kind": "endless_stream", "times": -1}])
    runtime = hurried(connected(standin), 2.0)
    attempt, subject, began = office.begin(office.asks()), office.account("kim"), time.monotonic()
    assert play_attempt(runtime, attempt, subject) == CUT_OFF
    assert 1.6 < time.monotonic() - began < SOON
    assert [row.state for row in ledger_of(office)] == ["sent", "sent"]


def test_no_pause_is_longer_than_the_time_that_is_left(office: Office, hurried: Callable[..., AgentRuntime]) -> None:
    """A vendor who asks us to wait longer is not waited for: a person has it sooner."""
    script = Script([Transient("529", retry_after=2 * SOON), ("Hello.",)])
    began = time.monotonic()
    outcome = play_attempt(hurried(script, 2.0), office.begin(office.asks()), office.account("kim"))
    assert time.monotonic() - began < SOON
    assert outcome == NeedsPerson(Reason.MODEL_UNAVAILABLE, "the model was asked once and did not answer")
    assert [(row.state, row.cost_nusd) for row in ledger_of(office)] == [("settled", 0)]


def test_a_tool_is_not_tried_longer_either(office: Office, hurried: Callable[..., AgentRuntime]) -> None:
    """A directory that is away is a person's business in the time of the card, with what was tried on record."""

    class Away:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def unlock(self, *_: object, **__: object) -> None:
            raise Transient("directory: away", retry_after=2 * SOON)

    runtime = hurried(Script([(("unlock_my_account", {}),)]), 2.0)
    real = runtime.directory
    began = time.monotonic()
    outcome = play_attempt(replace(runtime, directory=Away()), office.begin(office.asks()), office.account("kim"))  # type: ignore[arg-type]
    assert time.monotonic() - began < SOON
    assert outcome == NeedsPerson(
        Reason.REPEATED_FAILURE, "unlock_my_account failed once: the directory does not answer."
    )


def test_every_call_knows_how_much_time_is_left(office: Office, hurried: Callable[..., AgentRuntime]) -> None:
    """Never more than the card's, and less at the second call."""
    script = Script([(("look_up_my_account", {}),), ("Hello.",)])
    assert play_attempt(hurried(script, 9.0), office.begin(office.asks()), office.account("kim")) == Reply(
        "Hello.", None
    )
    first, second = (prompt.seconds for prompt in script.prompts)
    assert 9.0 > first > second > 0


def test_an_evaluation_does_not_blame_the_agent_for_it() -> None:
    """A vendor that stalls is an outage there, as one that is away."""
    assert stage.is_outage(CUT_OFF)
    assert not stage.is_outage(
        NeedsPerson(Reason.NO_PROGRESS, "The agent stopped at its step limit without an answer.")
    )
