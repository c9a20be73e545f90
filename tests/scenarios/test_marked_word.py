"""Somebody's words, sent through every way to fail, are in no log, no key of Redis and no text of an error.

They stand in the rows of the database, where they belong, and nowhere else.
"""

import base64
import io
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from redis import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot import logs
from bot.agent import attempt as agent_attempt
from bot.agent.model import Prompt, connect
from bot.directory.local import LocalDirectory
from bot.errors import DeskhandError, chain
from bot.network import DIRECT
from bot.queue import ANSWER_COMMAND, DELIVER, RUN_TURN
from bot.slack.outbox import outbox
from bot.store.db import Database, Session
from bot.store.schema import InboxEvent
from bot.store.tickets import tickets
from bot.store.tickets.tickets import Heard
from jobs import commands, home, process, worker
from tests.support.live_server import served
from tests.support.product_harness import Place
from tests.support.request_delivery import deliver_request
from tests.support.slack_requests import REQUEST_KINDS, SLASH_COMMAND
from tests.support.web_harness import FrontDoor, web_opened
from tests.support.worker_harness import wait_for
from tests.support.workspace_names import BOT, HELP

WORD = "marked-word"
SAID = f"my password is {WORD} and I cannot sign in"


@dataclass
class Kept:
    """What a process leaves behind beside its rows."""

    log: io.StringIO
    redis: Redis

    def is_clean(self) -> bool:
        """Tell whether the word is nowhere; that the log has something shows that it was looked at."""
        told = [self.log.getvalue().encode(), *_everything_in(self.redis)]
        return bool(told[0]) and not [one for one in told if WORD.encode() in one.lower()]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return what every log of this process is written to, from a warning of any library up."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    logs.configure("json")
    return stderr


@pytest.fixture
def listener_ctx(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str, log: io.StringIO
) -> Iterator[tuple[FrontDoor, Kept]]:
    """Open the door on both databases."""
    with web_opened(monkeypatch, database_url=database_url, redis_url=redis_url) as front:
        yield front, Kept(log, front.redis)


def _everything_in(redis: Redis) -> Iterator[bytes]:
    """Yield every key and every value of a Redis, also as they were before RQ packed them."""
    client: Any = redis
    for key in client.scan_iter():
        yield key
        for value in _values(client, key, client.type(key)):
            yield value
            for unpack in (zlib.decompress, lambda packed: zlib.decompress(base64.b64decode(packed))):
                try:
                    yield unpack(value)
                except (ValueError, zlib.error):
                    continue


def _values(client: Any, key: bytes, kind: bytes) -> list[bytes]:
    match kind:
        case b"string":
            return [client.get(key)]
        case b"hash":
            return [part for pair in client.hgetall(key).items() for part in pair]
        case b"list":
            return list(client.lrange(key, 0, -1))
        case b"set":
            return list(client.smembers(key))
        case b"zset":
            return list(client.zrange(key, 0, -1))
        case b"stream":
            return [part for _, fields in client.xrange(key) for pair in fields.items() for part in pair]
        case _:
            raise AssertionError(kind)


def crash(*_given: object, **_named: object) -> None:
    """Fail as a bug does, with the words in the error, in what caused it and beside it."""
    nothing: dict[str, str] = {}
    try:
        nothing[SAID]
    except KeyError as error:
        error.add_note(SAID)
        raise ValueError(SAID) from error


def event(**changes: Any) -> dict[str, Any]:
    """Return somebody's message."""
    said = {**REQUEST_KINDS["mention"]["event"], "text": f"<@{BOT}> {SAID}", **changes}
    return {**REQUEST_KINDS["mention"], "event": said}


UNHEARD = ("another event", "question", "options")
"What no listener asks the database about."
TURNED_AWAY: dict[str, tuple[Callable[[FrontDoor], int], int]] = {
    "signature": (lambda front: front.post(json.dumps(event()), signature="v0=" + "0" * 64)[0], 401),
    "no signature": (lambda front: front.post(json.dumps(event()), signature="")[0], 401),
    "the word for a signature": (lambda front: front.post(json.dumps(event()), signature=WORD)[0], 401),
    "late": (lambda front: front.post(json.dumps(event()), at=1)[0], 401),
    "the word for a time": (lambda front: front.post(json.dumps(event()), at=WORD)[0], 401),
    "a header": (lambda front: front.send(b"{}", {WORD: WORD, "Content-Type": WORD})[0], 401),
    "a path": (lambda front: front.get(f"/{WORD}?{WORD}={WORD}")[0], 404),
    "too long": (lambda front: front.post(SAID * 30_000)[0], 413),
    "no JSON": (lambda front: front.post(f'{{"type": {SAID}')[0], 400),
    "no UTF-8": (lambda front: front.post(SAID.encode() + b"\xff")[0], 400),
    "another kind of content": (lambda front: front.post(SAID, kind=f"text/{WORD}")[0], 400),
    "an odd field": (lambda front: front.post(json.dumps(event(ts=[SAID])))[0], 400),
    "an odd id": (lambda front: front.post(json.dumps(event(channel=SAID)))[0], 400),
    "an unknown kind": (lambda front: front.post(json.dumps({"type": WORD, "text": SAID}))[0], 200),
    "an unknown event": (lambda front: front.post(json.dumps(event(type=WORD)))[0], 200),
    "an unknown button": (
        lambda front: front.payload({**REQUEST_KINDS["claim"], "actions": [{"action_id": WORD, "value": SAID}]})[0],
        200,
    ),
    "a suggestion": (lambda front: front.payload({**REQUEST_KINDS["options"], "value": SAID})[0], 200),
    "another place": (lambda front: front.form({**SLASH_COMMAND, "response_url": f"https://{WORD}.example/"})[0], 400),
}


def test_what_is_turned_away_leaves_nothing(listener_ctx: tuple[FrontDoor, Kept]) -> None:
    """Unsigned, late, odd or unknown."""
    front, kept = listener_ctx
    for name, (send, status) in TURNED_AWAY.items():
        assert (name, send(front)) == (name, status)
    assert kept.is_clean()


def test_a_crash_in_a_listener_leaves_its_kind(
    listener_ctx: tuple[FrontDoor, Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every listener: Slack is answered 5xx and sends it again, and the log has where it was."""
    front, kept = listener_ctx
    assert deliver_request(front, REQUEST_KINDS["stop"]) == 200  # Slack is asked who we are by now

    @contextmanager
    def broken(_database: Database) -> Iterator[Session]:
        crash()
        yield Session()

    monkeypatch.setattr(Database, "write", broken)
    monkeypatch.setattr(Database, "read", broken)
    for kind, body in REQUEST_KINDS.items():
        told = json.loads(json.dumps(body).replace('"locked"', json.dumps(SAID)).replace('"words"', json.dumps(SAID)))
        assert (kind, deliver_request(front, told)) == (kind, 200 if kind in UNHEARD else 500)
    assert kept.log.getvalue().count('"request.crashed"') == len(REQUEST_KINDS) - len(UNHEARD)
    assert "ValueError" in kept.log.getvalue()
    assert "caused by KeyError" in kept.log.getvalue()
    assert kept.is_clean()


def test_a_violated_constraint_leaves_its_name(
    listener_ctx: tuple[FrontDoor, Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that cannot be written is not repeated, though the database itself would show all of it."""
    front, kept = listener_ctx

    def violate(session: Session, heard: Heard, **_more: object) -> None:
        told = {"event_id": "Ev", "kind": "message", "team": "T", "channel": heard.channel, "ts": heard.ts}
        session.add(InboxEvent(**told, user=None, text=SAID))
        session.flush()

    monkeypatch.setattr(tickets, "accept", violate)
    assert front.post(json.dumps(event()))[0] == 500
    assert "IntegrityError" in kept.log.getvalue()
    assert kept.is_clean()


def run(job: str, argument: int | str) -> None:
    """Let a worker's thread run a job to its end, whatever that is."""
    ctx = process.current()
    hands = worker._worker(ctx, 1)
    ctx.queue.put(job, argument)
    [waiting] = [one for one in ctx.queue.queue.get_jobs() if one.func_name == job]
    hands.queues[0].remove(waiting)
    assert hands._slots.acquire(timeout=1)
    hands.execute_job(waiting, hands.queues[0])
    wait_for("its end", lambda: not hands.in_hand)
    hands.connection.close()


def test_a_crash_in_a_job_leaves_its_kind(place: Place, monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    """A turn, a tool, the saying, a command, a home, and a worker that keeps what failed for a week."""
    kept = Kept(log, place.front.redis)
    with monkeypatch.context() as broken:
        broken.setattr(LocalDirectory, "find_by_email", crash)
        place.asks("U0MAYA", f"<@{BOT}> {SAID}")
    with monkeypatch.context() as broken:
        broken.setattr(LocalDirectory, "account", crash)
        place.asks("U0NOOR", f"<@{BOT}> {SAID}")
    with monkeypatch.context() as broken:
        broken.setattr(agent_attempt, "run_loop", crash)
        place.asks("U0LENA", f"<@{BOT}> {SAID}")
    with monkeypatch.context() as broken:
        broken.setattr(commands, "_report", crash)
        broken.setattr(home, "_publish", crash)
        place.front.act("command", "U0OLIVIA", channel=HELP, command="/agent-cost", text=SAID)
        home.show("U0MAYA")
        place.front.work()
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "_send", crash)
        place.front.act("command", "U0OLIVIA", channel=HELP, command="/agent-eval", text=SAID)
        place.front.work()
    with monkeypatch.context() as broken:
        for name in ("look", "read", "write"):
            broken.setattr(Database, name, crash)
        for job in (RUN_TURN, DELIVER, ANSWER_COMMAND):
            run(job, 1)
    place.front.faults({"method": "chat.postMessage", "kind": "fail", "error": f"said: {SAID}", "times": 1})
    place.asks("U0MAYA", f"<@{BOT}> again: {SAID}")
    written = log.getvalue()
    assert {"turn.crashed", "command.crashed", "home.crashed", "message.crashed", "job.failed"} <= _events(written)
    failed = process.current().queue.queue.failed_job_registry.get_job_ids()
    assert len(failed) == 3
    assert kept.is_clean()


def _events(written: str) -> set[str]:
    return {json.loads(line)["event"] for line in written.splitlines()}


async def repeat(request: Request) -> Response:
    """Answer as a vendor that says back what it was told."""
    said, how = (await request.body()).decode(), request.url.path.split("/")[1]
    error = {"type": "error", "error": {"type": said, "message": said}, "request_id": said}
    if how == "text":
        return PlainTextResponse(said, 400)
    if how == "stream":
        return Response(f"event: error\ndata: {json.dumps(error)}\n\n", media_type="text/event-stream")
    if how == "nonsense":
        return Response(f"event: {said}\ndata: {said}\n\n", media_type="text/event-stream")
    return JSONResponse(error, int(how))


@pytest.mark.parametrize("how", ["400", "401", "404", "429", "500", "529", "text", "stream", "nonsense"])
def test_what_a_vendor_says_back_is_in_no_error(how: str) -> None:
    """An error of the model's vendor may quote the prompt; ours, and all that is logged of it, does not."""
    message = {"role": "user", "content": [{"type": "text", "text": SAID}]}
    prompt = Prompt(model="stand-in-1", system=SAID, tools=(), messages=(message,), max_tokens=10)
    vendor = Starlette(routes=[Route("/{path:path}", repeat, methods=["POST"])])
    with served(vendor) as url, pytest.raises(DeskhandError) as caught:
        connect(api_key="k", base_url=f"{url}/{how}", network=DIRECT, timeout=5)(prompt)
    assert WORD not in str(caught.value)
    assert WORD not in logs.described(caught.value)
    assert all(WORD not in str(one) for one in chain(caught.value) if isinstance(one, DeskhandError))


def test_the_word_would_be_found(redis_url: str) -> None:
    """In any kind of key, packed or not: the search is not blind."""
    packed = zlib.compress(SAID.encode())
    puts: list[tuple[str, tuple[Any, ...]]] = [
        ("set", (WORD, "1")),
        ("set", ("a", SAID)),
        ("hset", ("a", WORD, "1")),
        ("rpush", ("a", SAID)),
        ("sadd", ("a", SAID)),
        ("zadd", ("a", {SAID: 1})),
        ("xadd", ("a", {"exc_string": base64.b64encode(packed)})),
        ("hset", ("a", "data", packed)),
    ]
    with Redis.from_url(redis_url) as redis:
        for command, arguments in puts:
            assert Kept(io.StringIO("{}"), redis).is_clean()
            getattr(redis, command)(*arguments)
            assert not Kept(io.StringIO("{}"), redis).is_clean()
            redis.flushall()
