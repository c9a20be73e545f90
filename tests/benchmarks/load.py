"""People who ask at the same time, each again as soon as they have their answer; timed from outside.

Both ends of a request are stamps that Slack gave: of the message that asks, and of the one that answers in
its thread. Nothing of the bot's own is believed.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from bot.sandbox.demo.scenes.stage import BOT, HELP
from tests.benchmarks.outside import crowd_member
from tests.benchmarks.product_run import ProductRun
from tests.e2e.product_processes import KEYS
from tests.support.json_object import Json

QUESTION, RESET = "Who are you?", "I forgot my password, please reset it."
"One call of the model and no tool; four calls of the model, a look at the account and one change to it."
PATIENCE_SECONDS = 60.0
WATCHER = "U0PRIYA"
BIGGEST_LINE = 1 << 24


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One request with its answer."""

    number: int
    took_ms: float


@dataclass(slots=True)
class Crowd:
    """People at their keyboards, and one who watches the channel."""

    page: str
    session: aiohttp.ClientSession
    people: int
    "How many of them there are."
    threads: dict[str, asyncio.Future[str]] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    "Messages of the bot by thread: one each, or something was lost or said twice."
    numbers: int = 0
    lost: int = 0
    "Requests that were given up."

    async def ask(self, text: str) -> LoadRequest | None:
        """Ask once and wait for the answer; None when none came."""
        self.numbers += 1
        number = self.numbers
        said = {"user": crowd_member(number % self.people), "channel": HELP, "text": f"<@{BOT}> {text} #{number}"}
        async with self.session.post(f"{self.page}sandbox/say", json=said) as response:
            ts = str((await response.json())["ts"])
        try:
            answered = await asyncio.wait_for(self._thread(ts), PATIENCE_SECONDS)
        except TimeoutError:
            self.lost += 1
            return None
        return LoadRequest(number, (float(answered) - float(ts)) * 1000)

    async def keep_asking(
        self, text: str, *, at_once: int, until: Callable[[], bool], over_seconds: float = 0.0
    ) -> list[LoadRequest]:
        """Let so many people ask, each again and again; return what was answered, in that order.

        Args:
            text: what they ask.
            at_once: how many.
            until: tells when nobody asks again.
            over_seconds: the time over which their first requests are spread: people do not speak in one voice.
        """
        asked: list[LoadRequest] = []

        async def person(number: int) -> None:
            await asyncio.sleep(number / at_once * over_seconds)
            while not until():
                if (one := await self.ask(text)) is not None:
                    asked.append(one)

        await asyncio.gather(*(person(number) for number in range(at_once)))
        return asked

    def doubled(self) -> int:
        """Return how many answers came that were one too many."""
        return sum(count - 1 for count in self.answers.values())

    def _thread(self, ts: str) -> asyncio.Future[str]:
        if ts not in self.threads:
            self.threads[ts] = asyncio.get_running_loop().create_future()
        return self.threads[ts]

    async def watch(self, ready: asyncio.Event) -> None:
        """Read the channel as its page does, until cancelled."""
        url = f"{self.page}sandbox/events?user={WATCHER}"
        async with self.session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as stream:
            async for line in stream.content:
                ready.set()
                if line.startswith(b"data: "):
                    self._hear(json.loads(line[6:]))

    def _hear(self, change: Json) -> None:
        message = change.get("message") or {}
        thread = message.get("thread_ts")
        if change["type"] == "resync":
            raise RuntimeError("the watcher fell behind the workspace")
        if change["type"] != "message" or change.get("channel") != HELP or not message.get("bot_id") or not thread:
            return
        self.answers[thread] += 1
        waiting = self._thread(thread)
        if not waiting.done():
            waiting.set_result(message["ts"])


@asynccontextmanager
async def gathered(yard: ProductRun) -> AsyncIterator[Crowd]:
    """Bring the people into the workspace."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)  # else the server may hang up as we ask again
    async with aiohttp.ClientSession(connector=connector, read_bufsize=BIGGEST_LINE, headers=KEYS) as session:
        crowd, ready = Crowd(yard.site.address("slack"), session, yard.people), asyncio.Event()
        watching = asyncio.create_task(crowd.watch(ready))
        await ready.wait()
        try:
            yield crowd
        finally:
            fell_ill = watching.done()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=not fell_ill)


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Return what tells when so many seconds have passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end
