"""How Slack reaches the bot: over an open Socket Mode link, or else by signed HTTP.

Events of one channel are sent in order: the next one leaves when the last one was answered, or after `next_seconds`, so
that a slow bot delays others only briefly. An event that is not answered in time is sent again after each of
`retry_delays`, out of order, as Slack does.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack.faults import EVENTS, SlackFaults
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.journal import Journal
from bot.sandbox.slack.seed import Json, WorkspaceConfig

OK = 200
REUSE_SECONDS = 2.0
"""For how long a connection to the bot is used again.

The bot closes one that is idle for a few seconds, and a request that meets its end on the way is lost.
"""


@dataclass(frozen=True, slots=True)
class DeliveryAnswer:
    """The bot's answer, or why there is none."""

    status: int
    """The HTTP status; 0 without an answer."""
    body: str
    ms: float
    error: str | None = None
    """http_timeout, http_error or connection_failed, as Slack names them; None after a good answer."""
    no_retry: bool = False


class Links(Protocol):
    """The open Socket Mode connections."""

    def connected(self) -> bool:
        """Return whether the bot is connected."""

    async def send(self, kind: str, payload: Json, *, retry: tuple[int, str], seconds: float) -> DeliveryAnswer:
        """Send an envelope and wait for its acknowledgement."""


def sign(secret: str, timestamp: str, body: str) -> str:
    """Return the v0 signature of a request body.

    See docs.slack.dev/authentication/verifying-requests-from-slack.
    """
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256)
    return f"v0={digest.hexdigest()}"


@dataclass(slots=True)
class EventDelivery:
    """Sends events and interactions to the bot."""

    config: WorkspaceConfig
    links: Links
    faults: SlackFaults
    journal: Journal
    _session: aiohttp.ClientSession | None = None
    _queues: dict[str, asyncio.Queue[Callable[[], Awaitable[None]]]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def event(self, channel: str | None, envelope: Json) -> None:
        """Send an event_callback soon, in the order of its channel."""
        self.journal.keep_event(channel, envelope)
        faults = self.faults.take(EVENTS, channel)
        slow = sum(fault.seconds or 0.0 for fault in faults if fault.kind == "slow")
        lost = any(fault.kind in {"fail", "http_500", "drop_answer"} for fault in faults)
        self._enqueue(channel, lambda: self._first_try(envelope, slow=slow, lost=lost))
        for fault in faults:
            if fault.kind == "deliver_twice":
                self._enqueue(channel, lambda: self._first_try(envelope))
            elif fault.kind == "new_event_id":
                again = {**envelope, "event_id": new_id("Ev")}
                self.journal.keep_event(channel, again)
                self._enqueue(channel, lambda again=again: self._first_try(again))  # type: ignore[misc]

    def again(self, channel: str | None, envelope: Json) -> None:
        """Send a past event again, ignoring faults."""
        self.journal.keep_event(channel, envelope)
        self._enqueue(channel, lambda: self._first_try(envelope))

    async def interaction(self, kind: str, name: str, payload: Json) -> DeliveryAnswer:
        """Send a slash command or an interaction, and wait for the bot's answer for at most three seconds."""
        answer = await self._send(kind, payload, retry=(0, ""))
        self.journal.note(
            kind,
            name,
            ok=answer.error is None,
            error=answer.error,
            status=answer.status,
            ms=round(answer.ms, 2),
        )
        return answer

    async def close(self) -> None:
        """Drop what is still to be sent."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _enqueue(self, channel: str | None, send: Callable[[], Awaitable[None]]) -> None:
        key = channel or ""
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = asyncio.Queue()
            self._spawn(self._drain(queue))
        queue.put_nowait(send)

    async def _drain(self, queue: asyncio.Queue[Callable[[], Awaitable[None]]]) -> None:
        while True:
            send = await queue.get()
            task = self._spawn(send())
            await asyncio.wait({task}, timeout=self.config.next_seconds)

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _first_try(self, envelope: Json, *, slow: float = 0.0, lost: bool = False) -> None:
        if slow:
            await asyncio.sleep(slow)
        answer = DeliveryAnswer(0, "", 0.0, "connection_failed") if lost else await self._try(envelope, (0, ""))
        if lost:
            self._note(envelope, 0, answer)
        if answer.error and not answer.no_retry:
            self._spawn(self._retries(envelope, answer))

    async def _retries(self, envelope: Json, answer: DeliveryAnswer) -> None:
        for number, delay in enumerate(self.config.retry_delays, start=1):
            await asyncio.sleep(delay)
            answer = await self._try(envelope, (number, answer.error or ""))
            if answer.error is None or answer.no_retry:
                return

    async def _try(self, envelope: Json, retry: tuple[int, str]) -> DeliveryAnswer:
        answer = await self._send("events_api", envelope, retry=retry)
        self._note(envelope, retry[0], answer)
        return answer

    def _note(self, envelope: Json, attempt: int, answer: DeliveryAnswer) -> None:
        event = envelope["event"]
        said = event.get("message", event)  # of an edit, the message as it is now
        self.journal.note(
            "event",
            event["type"],
            event_id=envelope["event_id"],
            channel=event.get("channel"),
            thread=said.get("thread_ts", said.get("ts")) if isinstance(said, dict) else None,
            attempt=attempt,
            ok=answer.error is None,
            error=answer.error,
            status=answer.status,
            ms=round(answer.ms, 2),
        )

    async def _send(self, kind: str, payload: Json, *, retry: tuple[int, str]) -> DeliveryAnswer:
        if self.links.connected():
            return await self.links.send(kind, payload, retry=retry, seconds=self.config.answer_seconds)
        if self.config.deliver_to is None:
            return DeliveryAnswer(0, "", 0.0, "connection_failed")
        return await self._post(self.config.deliver_to, kind, payload, retry)

    async def _post(self, url: str, kind: str, payload: Json, retry: tuple[int, str]) -> DeliveryAnswer:
        body, content_type = _encoded(kind, payload)
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (local workspace)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self.config.signing_secret, timestamp, body),
        }
        if retry[0]:
            headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
        started = time.perf_counter()
        try:
            timeout = aiohttp.ClientTimeout(total=self.config.answer_seconds)
            async with self._http().post(url, data=body, headers=headers, timeout=timeout) as response:
                text = await response.text()
        except TimeoutError:
            return DeliveryAnswer(0, "", _ms_since(started), "http_timeout")
        except aiohttp.ClientError:
            return DeliveryAnswer(0, "", _ms_since(started), "connection_failed")
        error = None if response.status == OK else "http_error"
        no_retry = response.headers.get("X-Slack-No-Retry") == "1"
        return DeliveryAnswer(response.status, text, _ms_since(started), error, no_retry)

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=REUSE_SECONDS))
        return self._session


def _encoded(kind: str, payload: Json) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form), "application/x-www-form-urlencoded"


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
