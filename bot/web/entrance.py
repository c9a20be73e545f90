"""Lets requests of Slack in. No body is parsed before Slack's signature over its raw bytes has been checked.

The checks run in this order, each cheaper than the next: headers and time stamp, declared length, the body within its
time and length, the signature, and only then the content. Anybody may send anything here.
"""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from bot.listeners.reading import Malformed, validated

Json = dict[str, Any]

STAMP = re.compile(r"\d{1,12}", re.ASCII)
"Seconds since 1970, in ASCII digits; twelve digits last some thousand years."
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
LENGTH = re.compile(r"\d{1,18}", re.ASCII)
STAMP_SECONDS = 5 * 60
"The largest difference between a time stamp and now: a recorded request cannot be replayed later."
FORM_FIELDS = 100
"The most fields of a form; Slack's own have about a dozen."


class Refusal(StrEnum):
    """Why a request is refused."""

    HEADERS = "headers"
    "One of the two signature headers is missing, repeated or malformed."
    STAMP = "stamp"
    "Its time stamp is more than five minutes away from now."
    LENGTH = "length"
    "It is longer than any request of Slack."
    CROWD = "crowd"
    "Too many long requests are being read."
    SLOW = "slow"
    "Its body did not arrive in time."
    LEFT = "left"
    "Its sender hung up half-way."
    SIGNATURE = "signature"
    "None of our secrets has signed these bytes."
    UNREADABLE = "unreadable"
    "It is signed, but it is nothing that Slack sends."


STATUS = {
    Refusal.HEADERS: 401,
    Refusal.STAMP: 401,
    Refusal.LENGTH: 413,
    Refusal.CROWD: 503,
    Refusal.SLOW: 408,
    Refusal.LEFT: 400,
    Refusal.SIGNATURE: 401,
    Refusal.UNREADABLE: 400,
}


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What one client, and all clients together, may take of the web process; tests make these limits small."""

    body_bytes: int = 1_000_000
    "Slack's own requests are far smaller."
    body_seconds: float = 3.0
    "Slack gives up after three seconds."
    long_bytes: int = 64_000
    "A body over this size is a long one."
    long_bodies: int = 32
    "Long bodies held at a time: with `body_bytes`, this bounds the memory that unauthenticated clients can take."
    head_seconds: float = 5.0
    "From the connection, or the end of the last answer, to the end of the headers."
    answer_seconds: float = 30.0
    "From the end of a request until the client has read its answer."
    idle_seconds: int = 5
    "How long a connection without a request stays open (`DESKHAND_IDLE`)."
    connections: int = 400
    "Above this number requests are answered 503; above twice this number connections are closed at once."
    backlog: int = 512
    "Connections that the operating system queues before we accept them."


@dataclass(slots=True)
class Entrance:
    """The checks that a request must pass before Bolt sees it."""

    secrets: Sequence[bytes]
    "A request may be signed with any of them: both are valid while one replaces the other."
    limits: ClientLimits = field(default_factory=ClientLimits)
    _long: int = 0

    async def enter(self, request: Request) -> tuple[bytes, Refusal | None]:
        """Read a request's raw bytes within the limits; return them, and why the request is refused, if it is."""
        stamp, signature = signature_of(request.headers)
        refusal = before_the_body(request.headers, stamp, signature, now=time.time(), most=self.limits.body_bytes)
        if refusal is not None:
            return b"", refusal
        body = bytearray()
        refusal = await self._read(request, body)
        raw = bytes(body)
        if refusal is None and not is_signed(self.secrets, stamp, signature, raw):
            refusal = Refusal.SIGNATURE
        return raw, refusal

    async def _read(self, request: Request, body: bytearray) -> Refusal | None:
        """Read the body into `body` within time and length; the declared length may be missing or wrong."""
        held = False
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self.limits.body_bytes:
                        return Refusal.LENGTH
                    if len(body) > self.limits.long_bytes and not held:
                        if self._long >= self.limits.long_bodies:
                            return Refusal.CROWD
                        held, self._long = True, self._long + 1
        except TimeoutError:
            return Refusal.SLOW
        except ClientDisconnect:
            return Refusal.LEFT
        finally:
            self._long -= held
        return None


def signature_of(headers: Headers) -> tuple[str, str]:
    """Return time stamp and signature, or two empty texts unless each header occurs once and is well-formed."""
    stamps, signatures = headers.getlist("x-slack-request-timestamp"), headers.getlist("x-slack-signature")
    shaped = len(stamps) == len(signatures) == 1 and STAMP.fullmatch(stamps[0]) and SIGNATURE.fullmatch(signatures[0])
    return (stamps[0], signatures[0]) if shaped else ("", "")


def before_the_body(headers: Headers, stamp: str, signature: str, *, now: float, most: int) -> Refusal | None:
    """Return why a request is refused by its headers alone, or None."""
    if not (stamp and signature):
        return Refusal.HEADERS
    if abs(now - int(stamp)) > STAMP_SECONDS:
        return Refusal.STAMP
    lengths = headers.getlist("content-length")
    if len(lengths) > 1 or (lengths and "transfer-encoding" in headers):
        return Refusal.HEADERS  # a proxy may understand another length than we do
    if lengths and not LENGTH.fullmatch(lengths[0]):
        return Refusal.HEADERS
    return Refusal.LENGTH if lengths and int(lengths[0]) > most else None


def is_signed(secrets: Sequence[bytes], stamp: str, signature: str, raw: bytes) -> bool:
    """Return whether one of these secrets has signed these bytes with this time stamp, in constant time."""
    signed = b"v0:" + stamp.encode() + b":" + raw
    expected = [f"v0={hmac.new(secret, signed, hashlib.sha256).hexdigest()}" for secret in secrets]
    return any([hmac.compare_digest(one, signature) for one in expected])  # noqa: C419 - every one is compared


def read(content_type: str, raw: bytes) -> Json:
    """Return a request's content: JSON, a form with JSON in its `payload`, or a command's form.

    Raises:
        Malformed: it is none of these; nothing else is raised, whatever the bytes are.
    """
    # Not UTF-8, not JSON, too deeply nested, a number of a thousand digits, too many fields:
    with suppress(Exception):
        return validated(_parsed(content_type.partition(";")[0].strip().lower(), raw.decode()))
    raise Malformed  # outside the `with`, so that the first error, which quotes the body, is not its context


def _parsed(kind: str, text: str) -> object:
    if kind == "application/json":
        return json.loads(text, parse_constant=_no_number)
    if kind != "application/x-www-form-urlencoded":
        raise Malformed
    form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS))
    return json.loads(form["payload"], parse_constant=_no_number) if "payload" in form else form


def _no_number(_name: str) -> None:
    raise Malformed  # NaN and Infinity are not JSON
