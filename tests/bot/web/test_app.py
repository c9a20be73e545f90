"""The web process's door: who is let in, and what is answered when something behind it is away."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Engine, event, update

from bot import durations, web
from bot.agent import card
from bot.errors import ConfigError
from bot.health import readiness
from bot.queue import RUN_TURN
from bot.releases.pairs import pair_of
from bot.settings import Settings
from bot.store.schema import InboxEvent, Turn, now
from bot.web import app as web_app
from jobs import process, upkeep
from tests.support.busy_machine import SOON
from tests.support.paths import CONFIG
from tests.support.redis_servers import RedisServer
from tests.support.release_rows import judged
from tests.support.signed_requests import FRONT_SECRET, sign
from tests.support.web_harness import FrontDoor, web_opened
from tests.support.workspace_names import BOT, HELP, TEAM

MINUTE = 60
MESSAGE: dict[str, Any] = {
    "type": "event_callback",
    "team_id": TEAM,
    "event_id": "Ev0FIRST",
    "event": {
        "type": "app_mention",
        "user": "U0MAYA",
        "text": f"<@{BOT}> I am locked out",
        "channel": HELP,
        "ts": "1700000000.000100",
        "event_ts": "1700000000.000100",
    },
}
BODY = json.dumps(MESSAGE)


def test_signed_event_is_stored_and_queued(front: FrontDoor) -> None:
    """A signed event is answered 200 once it is a row, and its turn is in the queue."""
    assert front.post(BODY)[0] == 200
    [event], [turn] = front.rows(InboxEvent), front.rows(Turn)
    assert (event.user, event.text, event.turn_id) == ("U0MAYA", "I am locked out", turn.id)
    assert front.jobs(RUN_TURN) == [turn.id]


@pytest.mark.parametrize(
    ("stamp", "signature"),
    [
        pytest.param(None, "", id="missing"),
        pytest.param(None, "v0=" + "0" * 64, id="forged"),
        pytest.param(None, sign(BODY.encode(), "1", "another-secret"), id="of another secret"),
        pytest.param(None, "no signature at all", id="not a signature"),
        pytest.param(None, "v0=\xe9", id="not even ASCII"),
        pytest.param(-5 * MINUTE - 5, None, id="older than five minutes"),
        pytest.param(10 * MINUTE, None, id="from the future"),
        pytest.param("yesterday", None, id="time stamp is no number"),
        pytest.param("", None, id="no time stamp"),
        pytest.param("9" * 5000, None, id="time stamp of 5000 digits"),
    ],
)
def test_untrusted_request_is_refused(front: FrontDoor, stamp: object, signature: str | None) -> None:
    """A request that is not signed by Slack within the last five minutes is answered 401 and leaves nothing."""
    before = front.kept()
    at = int(time.time()) + stamp if isinstance(stamp, int) else stamp
    assert front.post(BODY, at=at, signature=signature)[0] == 401
    assert front.kept() == before
    assert front.jobs(RUN_TURN) == []


def test_replayed_request_is_refused(front: FrontDoor) -> None:
    """A recorded request, right to the last byte, is refused once it is five minutes old."""
    stamp = str(int(time.time()) - 5 * MINUTE - 5)
    headers = {"Content-Type": "application/json", "X-Slack-Request-Timestamp": stamp}
    headers["X-Slack-Signature"] = sign(BODY.encode(), stamp)
    assert front.send(BODY.encode(), headers)[0] == 401
    assert front.rows(InboxEvent) == []


def test_unreadable_body_is_refused(front: FrontDoor) -> None:
    """A body that is no request is answered 400 and is no error of ours; unsigned it is not even looked at."""
    for body in (b"{", b"[]", b"payload=%7B", b"null", b"\xff\xfe"):
        assert [front.post(body, signature="v0=" + "0" * 64)[0], front.post(body)[0]] == [401, 400], body


def test_huge_body_is_refused(front: FrontDoor) -> None:
    """More than a megabyte is answered 413 before it is looked at."""
    body = json.dumps({**MESSAGE, "padding": "x" * 1_000_000})
    assert front.post(body)[0] == 413
    assert front.rows(InboxEvent) == []


def test_huge_body_of_unknown_length_is_refused(front: FrontDoor) -> None:
    """A body that is sent in chunks, so that no header tells its length, is measured while it comes."""
    raw = json.dumps({**MESSAGE, "padding": "x" * 1_000_000}).encode()
    stamp = str(int(time.time()))
    headers = {"Content-Type": "application/json", "X-Slack-Request-Timestamp": stamp}
    headers |= {"X-Slack-Signature": sign(raw, stamp), "Transfer-Encoding": "chunked"}
    assert front.send_chunks([raw[at : at + 100_000] for at in range(0, len(raw), 100_000)], headers) == 413
    assert front.rows(InboxEvent) == []


def test_address_is_verified(front: FrontDoor) -> None:
    """Slack's question whether this is our address gets its challenge back."""
    status, body = front.post(json.dumps({"type": "url_verification", "challenge": "c4t"}))
    assert (status, json.loads(body)) == (200, {"challenge": "c4t"})


def test_health_and_readiness(front: FrontDoor) -> None:
    """A process lives at once, and is ready when it can commit and queue and its agents have passed."""
    assert front.get("/healthz") == (200, "ok")
    assert front.get("/metrics")[0] == 404  # the internet reaches this port
    status, body = front.get("/readyz")
    told = json.loads(body)
    assert (status, told["ready"]) == (503, False)
    assert {name: one["ok"] for name, one in told["checks"].items()} == {
        "commit": True,
        "enqueue": True,
        "release": False,
        "token": True,
    }
    assert "every ticket goes to people" in told["checks"]["release"]["message"]
    pass_evaluation(front)
    time.sleep(web_app.READINESS_SECONDS)
    status, body = front.get("/readyz")
    assert (status, json.loads(body)["ready"]) == (200, True)


def test_many_who_ask_at_once_cost_one_look(front: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask: a hundred requests commit one row, not a hundred."""
    monkeypatch.setattr(web_app, "READINESS_SECONDS", 600.0)
    committed: list[object] = []
    note = committed.append  # one object, by which the listener is found again
    event.listen(Engine, "commit", note)
    try:
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: front.get("/readyz")[0], range(100)))
    finally:
        event.remove(Engine, "commit", note)
    assert set(answers) == {503}
    assert 1 <= len(committed) <= 2  # a look writes in one transaction and reads in another


def test_readiness_does_not_wait_behind_the_listeners(front: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are threads for wait for a database that hangs: the look has a thread of its own."""
    monkeypatch.setattr(readiness, "SECONDS", 1.0)
    assert front.post(BODY)[0] == 200  # Slack is asked who we are by now
    events = [{**MESSAGE["event"], "ts": f"{number}.1"} for number in range(40)]
    with ThreadPoolExecutor(40) as pool:
        with front.database.write() as session:
            session.execute(update(Turn).values(queued_at=now()))
            waiting = [pool.submit(front.event, event, event_id=f"Ev{event['ts']}") for event in events]
            time.sleep(0.3)
            status, _ = front.get("/readyz")
            assert sum(one.done() for one in waiting) == 0
        assert {one.result() for one in waiting} == {200}
    assert status == 503


def test_a_suspended_agent_keeps_nobody_from_being_ready(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Only what is to serve must have passed."""
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    file = config / "agents/access/card.yaml"
    file.write_text(file.read_text().replace("status: active", "status: suspended"))
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis_url, config=config) as front:
        assert front.get("/readyz")[0] == 200


@pytest.mark.unpooled("it lets its clients wait for a server that refuses it")
def test_database_away_is_answered_500(monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str) -> None:
    """While the row cannot be written Slack is answered 500 and so sends it again; then it is stored once."""
    with web_opened(monkeypatch, database_url=postgres_url, redis_url=redis_url) as front:
        assert front.event({**MESSAGE["event"], "ts": "1.1"}, event_id="Ev0WARM") == 200
        with _closed(postgres_url):
            assert front.post(BODY)[0] == 500
            status, body = front.get("/readyz")
            assert status == 503
            assert json.loads(body)["checks"]["commit"]["ok"] is False
        assert [event.event_id for event in front.rows(InboxEvent)] == ["Ev0WARM"]
        assert [front.post(BODY)[0], front.post(BODY)[0]] == [200, 200]
        assert [event.event_id for event in front.rows(InboxEvent)] == ["Ev0WARM", "Ev0FIRST"]


def test_redis_away_is_answered_200(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, redis_server: Callable[[int | None], RedisServer]
) -> None:
    """Without Redis the request is still stored and acknowledged in time; upkeep queues its turn later."""
    redis = redis_server(None)
    with web_opened(monkeypatch, database_url=sqlite_url, redis_url=redis.url) as front:
        redis.kill()
        began = time.monotonic()
        assert front.post(BODY)[0] == 200
        assert time.monotonic() - began < SOON
        [turn] = front.rows(Turn)
        status, body = front.get("/readyz")
        assert (status, json.loads(body)["checks"]["enqueue"]["ok"]) == (503, False)
        redis_server(int(redis.url.rsplit(":", 1)[1].removesuffix("/0")))
        assert front.jobs(RUN_TURN) == []
        with front.database.write() as session:
            session.execute(update(Turn).values(queued_at=now() - timedelta(seconds=durations.ON_ITS_WAY)))
        upkeep.requeue_turns(process.current())
        assert front.jobs(RUN_TURN) == [turn.id]


def test_slack_away_loses_nothing(front: FrontDoor) -> None:
    """The first event needs auth.test; while Slack fails that, the answer is 500 and Slack sends the event again."""
    front.faults({"method": "auth.test", "kind": "fail", "error": "internal_error", "times": 1})
    assert front.post(BODY)[0] == 500
    assert front.rows(InboxEvent) == []
    assert front.post(BODY)[0] == 200
    assert len(front.rows(InboxEvent)) == 1


@pytest.mark.parametrize("name", ["SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"])
def test_missing_secret_refuses_to_start(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, name: str) -> None:
    """Without its secrets the process does not start, and names the variable."""
    for secret in {"SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"} - {name}:
        monkeypatch.setenv(secret, FRONT_SECRET)
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    with pytest.raises(ConfigError, match=name):
        web.create_app(Settings.from_environment())


def pass_evaluation(front: FrontDoor) -> None:
    """Let the release that this process would serve have passed its evaluation."""
    settings = Settings.from_environment()
    pair = pair_of(settings, card.load_all(settings.deskhand_config)["access"])
    with front.database.write() as session:
        judged(session, *pair)


@contextmanager
def _closed(url: str) -> Iterator[None]:
    """Throw everybody out of a PostgreSQL database and keep it shut, as a restart of the server does."""
    address = sqlalchemy.make_url(url)
    engine = sqlalchemy.create_engine(address.set(database="postgres"), isolation_level="AUTOCOMMIT")
    others = sqlalchemy.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {address.database} ALLOW_CONNECTIONS false")
        connection.execute(others, {"name": address.database})
        yield
        connection.exec_driver_sql(f"ALTER DATABASE {address.database} ALLOW_CONNECTIONS true")
    engine.dispose()
