"""How long Slack waits for its 200, at 20 messages a second, and that the web process never asks the model.

The real web process on SQLite and Redis; no worker runs, so that whoever calls the model would be the web
process. Beside it, in the same run, a plain Bolt app that stores nothing.
"""

import asyncio
import hashlib
import hmac
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import aiohttp
from sqlalchemy import func, select

from bot.sandbox.demo.processes import Program, Supervisor, free_port
from bot.store import db
from bot.store.installation import revisions
from bot.store.schema import InboxEvent, Turn
from tests.e2e.product_processes import TOKENS, Site, direct
from tests.support.json_object import Json

PER_SECOND = 20
SECONDS = 20
WARM_UP = 20
"Messages that are sent and not counted: Bolt asks Slack who it is, SQLite opens its file."
TARGET_P99_MS = 100.0


def run(say: Callable[[str], None]) -> Json:
    """Measure both doors; the result is in milliseconds unless a name says otherwise."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database_url = f"sqlite:///{folder / 'deskhand.db'}"
        revisions.migrate(database_url)
        site = Site.choose(database_url)
        plain = Site({**site.ports, "web": free_port()}, site.environment)
        with Supervisor(folder / "logs") as supervisor:
            supervisor.start(site.redis(folder), site.model(0.0), site.slack(socket_mode=True), site.web())
            say(f"ack: {PER_SECOND} messages/s for {SECONDS} s to the web process")
            ours = asyncio.run(_load(f"{site.address('web')}slack/events"))
            stored, turns = _kept(database_url)
            calls = len(direct(f"{site.address('model')}calls"))
            say(f"ack: p99 {ours['p99_ms']} ms; now the same to a plain Bolt app that stores nothing")
            supervisor.start(_plain_bolt(plain))
            theirs = asyncio.run(_load(f"{plain.address('web')}slack/events"))
    sent = WARM_UP + PER_SECOND * SECONDS
    return {
        **ours,
        "messages_per_second": PER_SECOND,
        "plain_bolt": theirs,
        "p50_ratio": round(ours["p50_ms"] / theirs["p50_ms"], 2),
        "p99_ratio": round(ours["p99_ms"] / theirs["p99_ms"], 2),
        "messages_sent": sent,
        "messages_stored": stored,
        "turns_waiting": turns,
        "model_calls": calls,
        "target_p99_ms": TARGET_P99_MS,
        "met": ours["p99_ms"] < TARGET_P99_MS and not ours["failed"] and stored == turns == sent and calls == 0,
    }


def _plain_bolt(site: Site) -> Program:
    return site.python("plain-bolt", ["tests.benchmarks.plain_bolt"], port="web", path="healthz")


async def _load(url: str) -> Json:
    """Send messages at their times, whether earlier ones are answered or not."""
    async with aiohttp.ClientSession() as session:
        for number in range(WARM_UP):
            await _send(session, url, number)
        began = time.perf_counter()
        sending = []
        for number in range(PER_SECOND * SECONDS):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
            sending.append(asyncio.create_task(_send(session, url, WARM_UP + number)))
        answered = await asyncio.gather(*sending)
    took = sorted(ms for ms, _ in answered)
    return {
        "p50_ms": round(took[len(took) // 2], 2),
        "p99_ms": round(took[int(len(took) * 0.99)], 2),
        "max_ms": round(took[-1], 2),
        "failed": sum(status != 200 for _, status in answered),
    }


async def _send(session: aiohttp.ClientSession, url: str, number: int) -> tuple[float, int]:
    """Send one direct message as Slack does; return milliseconds and status."""
    raw, stamp = json.dumps(_message(number)).encode(), str(int(time.time()))
    secret = TOKENS["SLACK_SIGNING_SECRET"].encode()
    digest = hmac.new(secret, b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Slack-Request-Timestamp": stamp}
    began = time.perf_counter()
    async with session.post(url, data=raw, headers={**headers, "X-Slack-Signature": f"v0={digest}"}) as answer:
        await answer.read()
        return (time.perf_counter() - began) * 1000, answer.status


def _message(number: int) -> Json:
    ts = f"1700000000.{number:06}"
    said = {"user": f"U{number % 50:03}", "channel": f"D{number % 50:03}", "text": "I'm locked out of my account."}
    event = {"type": "message", "channel_type": "im", "ts": ts, "event_ts": ts, **said}
    return {"type": "event_callback", "team_id": "T0DESKHAND", "event_id": f"Ev{number}", "event": event}


def _kept(database_url: str) -> tuple[int, int]:
    """Return how many messages are stored and how many turns wait for a worker."""
    with closing(db.connect(database_url)) as database, database.read() as session:
        messages = select(func.count()).select_from(InboxEvent)
        turns = select(func.count()).select_from(Turn).where(Turn.state == "waiting")
        return session.scalars(messages).one(), session.scalars(turns).one()
