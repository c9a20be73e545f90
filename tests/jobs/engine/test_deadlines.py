"""How long a job may take on its thread, and how it is asked to stop: `jobs.engine.deadlines`."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from bot.agent import model
from bot.agent.model import Prompt
from bot.network import DIRECT
from jobs.engine import deadlines
from jobs.engine.deadlines import Deadline, StopAsked, TimeIsUp
from tests.support.busy_machine import SOON
from tests.support.live_server import served


def spin(seconds: float) -> None:
    """Work in Python for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.001)


def on_threads(count: int, work: Callable[[], object]) -> list[BaseException]:
    """Do something on so many threads; return what escaped from it."""
    escaped: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            escaped.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return escaped


def test_a_block_that_takes_too_long_is_ended() -> None:
    """In its own thread, soon after its time, with a sentence that says how long it had."""

    def work() -> None:
        with Deadline(0.1):
            spin(2 * SOON)

    began = time.monotonic()
    [error] = on_threads(1, work)
    assert time.monotonic() - began < SOON
    assert isinstance(error, TimeIsUp)
    assert str(error) == "It took more than 0.1 s."


def test_a_time_limit_ends_a_call_of_the_model() -> None:
    """The vendor's SDK does not take it for an error of its connection, after which the turn would go on."""
    deadline = Deadline(4 * SOON)

    async def answer(_scope: Any, _receive: Any, send: Any) -> None:
        deadline.throw()  # the call waits for this answer by now
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with served(answer) as url:
        call = model.connect(api_key="k", base_url=url, network=DIRECT, timeout=60)

        def work() -> None:
            with deadline:
                call(Prompt("claude-haiku-5-5", "", (), ({"role": "user", "content": "hello"},), 10))

        [error] = on_threads(1, work)
    assert (type(error), str(error)) == (TimeIsUp, "It took more than 120 s.")


def test_each_block_has_its_own_time() -> None:
    """Of many at once only those that take too long are ended."""
    kinds = iter([(2 * SOON, 0.1), (0.4, 2 * SOON)] * 10)
    escaped = on_threads(20, lambda: _take(*next(kinds)))
    assert [str(error) for error in escaped] == ["It took more than 0.1 s."] * 10


def _take(seconds: float, limit: float) -> None:
    with Deadline(limit):
        spin(seconds)


def test_nothing_reaches_past_the_block() -> None:
    """Thousands of blocks end just as their time does: each times out inside or not at all."""
    inside, outside, ended = [], [], []

    def work() -> None:
        for number in range(1500):
            try:
                try:
                    with Deadline(0.0005):
                        until = time.monotonic() + 0.0003 + number % 40 * 0.00001
                        while time.monotonic() < until:
                            pass
                    ended.append(number)
                except TimeIsUp:
                    inside.append(number)
                for _ in range(100):  # here it would hit the next job
                    pass
            except TimeIsUp:
                outside.append(number)

    assert on_threads(2, work) == []
    assert outside == []
    assert len(inside) + len(ended) == 3000
    assert inside
    assert ended


def test_a_throw_that_comes_late_hits_nobody() -> None:
    """The watchdog has chosen the block and the block is over before it throws."""

    def work() -> None:
        deadline = Deadline(4 * SOON)
        with deadline:
            pass
        deadline.throw()
        spin(0.05)

    assert on_threads(1, work) == []


def test_what_is_thrown_just_as_the_block_ends_has_missed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread waits for the watchdog to be done throwing: what then arrives is nobody's."""
    deadline, go, ends, escaped = Deadline(4 * SOON), threading.Event(), threading.Event(), []
    turn = deadline._turn

    def wanted(_deadline: Deadline) -> threading.Lock:
        ends.set()
        return turn

    monkeypatch.setattr(Deadline, "_turn", property(wanted), raising=False)

    def work() -> None:
        try:
            with deadline:
                go.wait()
            spin(0.05)
        except TimeIsUp as error:
            escaped.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    with turn:
        go.set()
        assert ends.wait(SOON)
        deadline._thrown = TimeIsUp
        deadlines._raise_in(thread.ident or 0, TimeIsUp)
    thread.join()
    assert escaped == []
    assert deadline.over


@pytest.mark.parametrize("seconds", [None, -1, 0])
def test_a_block_may_have_no_limit(seconds: float | None) -> None:
    """RQ writes -1 for a job without one."""
    with Deadline(seconds):
        spin(0.05)


def test_a_job_that_looks_up_learns_that_it_should_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees it at its next look, and `check` raises."""
    monkeypatch.setattr(deadlines, "STOP_SECONDS", 2 * SOON)  # nobody else stops it
    deadline = Deadline(4 * SOON)

    def work() -> None:
        with deadline:
            while not deadlines.stop_asked():
                time.sleep(0.001)
            deadlines.check()

    began = time.monotonic()
    threading.Timer(0.1, deadline.ask_to_stop).start()
    [error] = on_threads(1, work)
    assert isinstance(error, StopAsked)
    assert time.monotonic() - began < SOON


def test_a_job_that_does_not_look_up_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its grace, wherever it is; what it does for its own bugs does not keep it."""
    monkeypatch.setattr(deadlines, "STOP_SECONDS", 0.2)
    deadline = Deadline(4 * SOON)

    def work() -> None:
        with deadline, suppress(Exception):
            spin(2 * SOON)

    began = time.monotonic()
    threading.Timer(0.1, deadline.ask_to_stop).start()
    [error] = on_threads(1, work)
    assert isinstance(error, StopAsked)
    assert 0.2 < time.monotonic() - began < SOON


def test_a_job_is_asked_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stop comes between the pop and the first line."""
    monkeypatch.setattr(deadlines, "STOP_SECONDS", 0.1)
    deadline = Deadline(4 * SOON)
    deadline.ask_to_stop()

    def work() -> None:
        with deadline:
            assert deadlines.stop_asked()
            spin(2 * SOON)

    [error] = on_threads(1, work)
    assert isinstance(error, StopAsked)


def test_only_the_job_that_was_meant_is_asked() -> None:
    """Its neighbour on another thread goes on, and so does whoever comes after it on the same."""
    first, second = Deadline(4 * SOON), Deadline(4 * SOON)
    first.ask_to_stop()
    seen: list[bool] = []

    def work() -> None:
        for deadline in (first, second):
            with deadline:
                seen.append(deadlines.stop_asked())
        seen.append(deadlines.stop_asked())
        deadlines.check()

    assert on_threads(1, work) == []
    assert seen == [True, False, False]
