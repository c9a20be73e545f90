"""Who is let in. Nothing of a request is read before Slack's signature over its raw bytes has been checked.

In this order, each step cheaper than the next: the headers and the time stamp, the length that is told, the body
within its time and length, the signature, and only then what it says. Anybody may send anything here.
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

from bot.listeners.reading import Malformed, whole

Json = dict[str, Any]

STAMP = re.compile(r"\d{1,12}", re.ASCII)
"Seconds, for some thousand years; another alphabet's digits are none of Slack's."
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
LENGTH = re.compile(r"\d{1,18}", re.ASCII)
STAMP_SECONDS = 5 * 60
"How far a time stamp may be from now, either way: a recorded request is worth nothing after that."
FORM_FIELDS = 100
"Slack's own forms have a dozen."


class Turned(StrEnum):
    """Why a request is turned away."""

    HEADERS = "headers"
    "One of the two headers of a signature is missing, there twice, or not of its shape."
    STAMP = "stamp"
    "It was signed more than five minutes from now."
    LENGTH = "length"
    "It is longer than any of Slack's."
    CROWD = "crowd"
    "Too many long ones are being read."
    SLOW = "slow"
    "It did not come within its time."
    LEFT = "left"
    "Who sent it hung up half-way."
    SIGNATURE = "signature"
    "None of our secrets has signed these bytes."
    UNREADABLE = "unreadable"
    "It is signed, and none of the things that Slack says."


STATUS = {
    Turned.HEADERS: 401,
    Turned.STAMP: 401,
    Turned.LENGTH: 413,
    Turned.CROWD: 503,
    Turned.SLOW: 408,
    Turned.LEFT: 400,
    Turned.SIGNATURE: 401,
    Turned.UNREADABLE: 400,
}


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What one client, and all of them, may take of the web process; a test makes them small."""

    body_bytes: int = 1_000_000
    "Slack's own requests are far smaller."
    body_seconds: float = 3.0
    "Slack gives up after three seconds."
    long_bytes: int = 64_000
    long_bodies: int = 32
    "Bodies over `long_bytes` that are held at a time: with `body_bytes` that bounds the memory that strangers take."
    head_seconds: float = 5.0
    "From the connection, or the end of the last answer, to the end of the headers."
    answer_seconds: float = 30.0
    "From the end of a request to the end of its answer, should nobody read it."
    idle_seconds: int = 5
    "An open connection without a request."
    connections: int = 400
    "Beyond them a request is answered 503; beyond twice as many, a connection is closed at once."
    backlog: int = 512
    "Connections that the system may hold for us."


@dataclass(slots=True)
class Entrance:
    """What stands before Bolt."""

    secrets: Sequence[bytes]
    "Any of them may have signed: while one replaces another, both are good."
    limits: ClientLimits = field(default_factory=ClientLimits)
    _long: int = 0

    async def enter(self, request: Request) -> tuple[bytes, Turned | None]:
        """Read a request's raw bytes as far as they may come in; return them, and why it is turned away."""
        stamp, signature = signature_of(request.headers)
        turned = before_the_body(request.headers, stamp, signature, now=time.time(), most=self.limits.body_bytes)
        if turned is not None:
            return b"", turned
        body = bytearray()
        turned = await self._read(request, body)
        raw = bytes(body)
        if turned is None and not is_signed(self.secrets, stamp, signature, raw):
            turned = Turned.SIGNATURE
        return raw, turned

    async def _read(self, request: Request, body: bytearray) -> Turned | None:
        """Read the body, all of it within its time; a header that tells its length may be missing or lie."""
        held = False
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self.limits.body_bytes:
                        return Turned.LENGTH
                    if len(body) > self.limits.long_bytes and not held:
                        if self._long >= self.limits.long_bodies:
                            return Turned.CROWD
                        held, self._long = True, self._long + 1
        except TimeoutError:
            return Turned.SLOW
        except ClientDisconnect:
            return Turned.LEFT
        finally:
            self._long -= held
        return None


def signature_of(headers: Headers) -> tuple[str, str]:
    """Return time stamp and signature; empty unless each header is there exactly once and has its shape."""
    stamps, signatures = headers.getlist("x-slack-request-timestamp"), headers.getlist("x-slack-signature")
    shaped = len(stamps) == len(signatures) == 1 and STAMP.fullmatch(stamps[0]) and SIGNATURE.fullmatch(signatures[0])
    return (stamps[0], signatures[0]) if shaped else ("", "")


def before_the_body(headers: Headers, stamp: str, signature: str, *, now: float, most: int) -> Turned | None:
    """Return why a request is turned away before any of its body is read."""
    if not (stamp and signature):
        return Turned.HEADERS
    if abs(now - int(stamp)) > STAMP_SECONDS:
        return Turned.STAMP
    lengths = headers.getlist("content-length")
    if len(lengths) > 1 or (lengths and "transfer-encoding" in headers):
        return Turned.HEADERS  # a proxy may have read another length than we would
    if lengths and not LENGTH.fullmatch(lengths[0]):
        return Turned.HEADERS
    return Turned.LENGTH if lengths and int(lengths[0]) > most else None


def is_signed(secrets: Sequence[bytes], stamp: str, signature: str, raw: bytes) -> bool:
    """Return whether one of these secrets has signed these bytes at this time; a near miss takes no longer."""
    signed = b"v0:" + stamp.encode() + b":" + raw
    right = [f"v0={hmac.new(secret, signed, hashlib.sha256).hexdigest()}" for secret in secrets]
    return any([hmac.compare_digest(one, signature) for one in right])  # noqa: C419 - every one is compared


def read(content_type: str, raw: bytes) -> Json:
    """Return what a request says: JSON, or a form with JSON in its `payload`, or a command's form.

    Raises:
        Malformed: it is none of these; nothing else is raised, whatever the bytes are.
    """
    # Not UTF-8, no JSON, nested too deep, a number of a thousand digits, too many fields, an odd one:
    with suppress(Exception):
        return whole(_parsed(content_type.partition(";")[0].strip().lower(), raw.decode()))
    raise Malformed  # outside, so that what was wrong, which holds the body, does not come along


def _parsed(kind: str, text: str) -> object:
    if kind == "application/json":
        return json.loads(text, parse_constant=_no_number)
    if kind != "application/x-www-form-urlencoded":
        raise Malformed
    form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS))
    return json.loads(form["payload"], parse_constant=_no_number) if "payload" in form else form


def _no_number(_name: str) -> None:
    raise Malformed  # NaN and Infinity are no JSON
