"""Who is let in, without a server: the order of the checks, and what is read of a request that Slack has signed."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request
from structlog.testing import capture_logs

from bot.errors import ConfigError
from bot.listeners.reading import Malformed
from bot.settings import Settings
from bot.web import entrance
from bot.web.app import secrets_of
from bot.web.entrance import ClientLimits, Entrance, Refusal
from bot.web.tally import Tally
from tests.support.signed_requests import FRONT_SECRET, sign

RAW = b'{"type": "event_callback"}'
SMALL = ClientLimits(body_bytes=100, body_seconds=0.05, long_bytes=40, long_bodies=1)
Chunks = list[bytes | float]
"What comes, and pauses in seconds; at its end the client leaves."


def headers_of(raw: bytes = RAW, *, at: float = 0.0, **changes: str | None) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request that was signed so many seconds from now."""
    stamp = str(int(time.time() + at))
    told = {"x-slack-request-timestamp": stamp, "x-slack-signature": sign(raw, stamp)}
    told |= {name.replace("_", "-"): value for name, value in changes.items() if value is not None}
    missing = {name.replace("_", "-") for name, value in changes.items() if value is None}
    return [(name.encode(), value.encode("latin-1")) for name, value in told.items() if name not in missing]


def enter(
    headers: list[tuple[bytes, bytes]],
    chunks: Chunks | None = None,
    *,
    limits: ClientLimits = SMALL,
    secret: str = FRONT_SECRET,
) -> tuple[Refusal | None, int]:
    """Return why a request is turned away, and how many of its chunks were asked for."""
    return asyncio.run(_enter(Entrance([secret.encode()], limits), headers, [RAW, b""] if chunks is None else chunks))


async def _enter(way_in: Entrance, headers: list[tuple[bytes, bytes]], chunks: Chunks) -> tuple[Refusal | None, int]:
    left, asked = list(chunks), 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        if left and isinstance(pause := left[0], float):
            del left[0]
            await asyncio.sleep(pause)
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": True} if len(left) > 1 else _last(left)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    _, turned = await way_in.enter(Request(scope, receive))
    return turned, asked


def _last(left: list[Any]) -> dict[str, Any]:
    last = left.pop(0)
    return {"type": "http.request", "body": last, "more_body": last != b""}


def test_what_is_signed_enters() -> None:
    """By its raw bytes, in however many pieces they come."""
    assert enter(headers_of()) == (None, 2)
    assert enter(headers_of(), [RAW[:5], RAW[5:], b""])[0] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"x_slack_signature": None},
        {"x_slack_request_timestamp": None},
        {"x_slack_signature": ""},
        {"x_slack_signature": "v0=" + "A" * 64},
        {"x_slack_signature": "v0=" + "0" * 63},
        {"x_slack_signature": "v0=" + "0" * 64 + " "},
        {"x_slack_signature": "v1=" + "0" * 64},
        {"x_slack_signature": "v0=" + "\xb2" * 64},
        {"x_slack_request_timestamp": "\xb2"},
        {"x_slack_request_timestamp": "+1764400000"},
        {"x_slack_request_timestamp": "1764400000.0"},
        {"x_slack_request_timestamp": "1_764_400_000"},
        {"x_slack_request_timestamp": "9" * 5000},
        {"x_slack_request_timestamp": "-1"},
        {"content_length": "5", "transfer_encoding": "chunked"},
        {"content_length": "\xb2"},
        {"content_length": "-5"},
    ],
)
def test_headers_of_another_shape_end_it(changes: dict[str, str | None]) -> None:
    """Nothing of the body is asked for."""
    assert enter(headers_of(RAW, at=0, **changes)) == (Refusal.HEADERS, 0)


@pytest.mark.parametrize("name", ["x-slack-signature", "x-slack-request-timestamp", "content-length"])
def test_a_header_that_is_there_twice_ends_it(name: str) -> None:
    """Even when both say the same: which one another reader took cannot be known."""
    told = [*headers_of(content_length=str(len(RAW)))]
    assert enter(told)[0] is None
    assert enter([*told, *(one for one in told if one[0] == name.encode())]) == (Refusal.HEADERS, 0)


@pytest.mark.parametrize(
    ("at", "turned"),
    [(-301, Refusal.STAMP), (302, Refusal.STAMP), (-1.7e9, Refusal.STAMP), (-298, None), (298, None)],
)
def test_a_time_stamp_counts_for_five_minutes(at: float, turned: Refusal | None) -> None:
    """Either way, signed as well as can be: a record of a request is worth nothing, nor is one for later."""
    assert enter(headers_of(at=at)) == (turned, 0 if turned else 2)


def test_a_length_that_is_too_long_is_not_read() -> None:
    """What is told is believed when it is too long, and measured when it is not."""
    assert enter(headers_of(content_length="101")) == (Refusal.LENGTH, 0)
    assert enter(headers_of(content_length="1" * 18)) == (Refusal.LENGTH, 0)
    assert enter(headers_of(content_length="3"), [b"x" * 60, b"x" * 60, b"x" * 60]) == (Refusal.LENGTH, 2)


def test_a_body_has_one_time_for_all_of_it() -> None:
    """One that comes in pieces, each of them in time, does not have a new time with every piece."""
    assert enter(headers_of(), [b"x", 0.03, b"x", 0.03, b"x", 0.03, b"x", b""])[0] is Refusal.SLOW


def test_who_leaves_half_way_is_no_error() -> None:
    """It is one of the ways to be turned away."""
    assert enter(headers_of(), [b"x"])[0] is Refusal.LEFT


def test_long_bodies_share_what_memory_there_is() -> None:
    """One of two that are long at a time is turned away; a short one beside it enters."""
    narrow = Entrance(
        [FRONT_SECRET.encode()], ClientLimits(body_bytes=100, body_seconds=5, long_bytes=40, long_bodies=1)
    )
    long = b"x" * 50

    async def all_at_once(*coming: Awaitable[tuple[Refusal | None, int]]) -> list[Refusal | None]:
        return [turned for turned, _ in await asyncio.gather(*coming)]

    first = _enter(narrow, headers_of(long), [long, 0.05, b""])
    second = _enter(narrow, headers_of(long), [long, b""])
    short = _enter(narrow, headers_of(), [RAW, b""])
    assert asyncio.run(all_at_once(first, second, short)) == [None, Refusal.CROWD, None]
    assert asyncio.run(_enter(narrow, headers_of(long), [long, b""]))[0] is None


def test_a_signature_is_of_these_bytes_at_this_time_by_our_secret() -> None:
    """Another body, another time or another secret is another signature."""
    stamp = str(int(time.time()))
    signed = sign(RAW, stamp)
    assert enter(headers_of(), [RAW + b" ", b""])[0] is Refusal.SIGNATURE
    assert (
        enter(headers_of(x_slack_request_timestamp=str(int(stamp) + 1), x_slack_signature=signed))[0]
        is Refusal.SIGNATURE
    )
    assert enter(headers_of(), secret="another")[0] is Refusal.SIGNATURE


def secrets(told: str | None) -> tuple[bytes, ...]:
    return secrets_of(Settings(slack_signing_secret=None if told is None else SecretStr(told)))


def test_two_secrets_are_good_while_one_replaces_the_other() -> None:
    """Parted by a comma; none is none, and an empty one would be a secret that anybody knows."""
    found = secrets(" old , new ")
    stamp = "1764400000"
    assert [entrance.is_signed(found, stamp, sign(RAW, stamp, key), RAW) for key in ("old", "new", "", " old ")] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(ConfigError, match="SLACK_SIGNING_SECRET is not set"):
        secrets(None)
    for wrong in ("", " ", "old,", ",", "old,,new"):
        with pytest.raises(ValidationError, match="slack_signing_secret"):
            secrets(wrong)


def test_headers_are_read_as_they_come() -> None:
    """Names in any case, as HTTP has it."""
    stamp = "1764400000"
    told = Headers({"X-Slack-Request-Timestamp": stamp, "X-SLACK-SIGNATURE": sign(RAW, stamp)})
    assert entrance.signature_of(told) == (stamp, sign(RAW, stamp))


READ: list[tuple[str, bytes, object]] = [
    ("application/json", b'{"type": "x"}', {"type": "x"}),
    ("Application/JSON; charset=utf-8", b'{"type": "x"}', {"type": "x"}),
    ("application/x-www-form-urlencoded", b"payload=%7B%22type%22%3A%22x%22%7D", {"type": "x"}),
    ("application/x-www-form-urlencoded", b"ssl_check=1&token=x", {"ssl_check": "1", "token": "x"}),
    ("application/json", b'{"type": "x", "type": "y"}', {"type": "y"}),
    ("application/json", b'{"text": "a\\u0000b\\ud800c", "\\udfff": ["\\u0000"]}', {"text": "ab?c", "?": [""]}),
    ("application/json", b'{"text": "\\ud83d\\ude00"}', {"text": "\U0001f600"}),
    ("application/x-www-form-urlencoded", b"text=%00%ED%A0%80", {"text": "���"}),
]


@pytest.mark.parametrize(("kind", "raw", "said"), READ)
def test_what_slack_sends_is_read(kind: str, raw: bytes, said: object) -> None:
    """JSON, a form with JSON in it, a form; in characters that a database can hold."""
    assert entrance.read(kind, raw) == said


NOT_READ: list[tuple[str, bytes]] = [
    ("application/json", b""),
    ("application/json", b"null"),
    ("application/json", b"[]"),
    ("application/json", b'"x"'),
    ("application/json", b"{"),
    ("application/json", b"\xff\xfe{\x00}\x00"),
    ("application/json", b"\xef\xbb\xbf{}"),
    ("application/json", b'{"a": NaN}'),
    ("application/json", b'{"a": -Infinity}'),
    ("application/json", b'{"a": ' + b"9" * 5000 + b"}"),
    ("application/json", b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    ("application/json", b'{"a": "\\u0000", "b": ' + b"[" * 900 + b"]" * 900 + b"}"),
    ("application/json", b'{"a": ' * 100_000),
    ("application/json", b"\x1f\x8b\x08\x00"),
    ("application/json", b"payload=%7B%7D"),
    ("application/x-www-form-urlencoded", b"payload="),
    ("application/x-www-form-urlencoded", b"payload=%7B"),
    ("application/x-www-form-urlencoded", b"payload=%FF%FE"),
    ("application/x-www-form-urlencoded", b"payload=[]"),
    ("application/x-www-form-urlencoded", b'payload={"a": NaN}'),
    ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(200))),
    ("application/x-www-form-urlencoded", b"\xff"),
    ("text/plain", b"{}"),
    ("multipart/form-data; boundary=x", b"{}"),
    ("", b"{}"),
]


@pytest.mark.parametrize(("kind", "raw"), NOT_READ, ids=[f"{kind[-4:]} {raw[:12]!r}" for kind, raw in NOT_READ])
def test_what_is_none_of_it_is_malformed(kind: str, raw: bytes) -> None:
    """Nothing else is ever raised, and the error has no word of it."""
    with pytest.raises(Malformed) as malformed:
        entrance.read(kind, raw)
    assert malformed.value.args == ()
    assert malformed.value.__cause__ is None


def test_the_tally_has_two_lines_a_minute() -> None:
    """The first of a kind is told at once, ten thousand more with the next round, and the end leaves none untold."""

    async def flood() -> None:
        tally = Tally()
        for _ in range(10_000):
            tally.add(Refusal.SIGNATURE, 10)
        tally.add(Refusal.STAMP)
        tally._round()
        tally.add(Refusal.SIGNATURE, 10)
        tally.close()

    with capture_logs() as said:
        asyncio.run(flood())
    assert [(one["event"], one.get("reason") or one["counts"], one["bytes"]) for one in said] == [
        ("request.refused", "signature", 10),
        ("request.refused", "stamp", 0),
        ("requests.refused", {"signature": 9_999}, 99_990),
        ("requests.refused", {"signature": 1}, 10),
    ]
