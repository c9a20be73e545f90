"""The connections to Slack: opened by our rule (`bot.network`), kept open after an answer and used again.

A new one costs two or three round trips before a request can leave, and a turn makes about four calls. What is known
of a request that fails is as certain on a kept connection as on a new one:

- A connection that the other side has closed meanwhile has something to read, and another one is opened.
- A request that was not written to its end is written once more, on a new connection: nobody can have acted on it.
- When the other side hangs up without a byte of an answer, it may have acted. So only a request that reads is sent
  once more, on a new connection (RFC 9112, 9.3.1), within the time that the first try has left; any other fails.

No redirect is followed: it would take our token along. No thread watches over what is kept, and no lock guards it: a
thread may hold a lock while another one forks, and the child would wait for it for ever.
"""

import base64
import http.client
import os
import select
import ssl
import time
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self
from urllib.parse import urldefrag, urlsplit

from bot import network as routing
from bot.errors import Transient
from bot.network import PORTS, Network, Proxy

REUSE_SECONDS = 4.0
"""For how long after its last answer a connection is used again.

The servers that close an idle one soonest do so after five seconds by default: Apache (`KeepAliveTimeout`), Node.js
(`server.keepAliveTimeout`) and uvicorn (`timeout_keep_alive`). The last second is for the way there and back, so that
a server seldom hangs up while a request is on its way to it.
"""
MOST_IDLE = 20
"The most connections that are kept to one place: the turns of a worker call now and then, not all at the same time."
SHORTEST_TRY = 0.1
"Seconds that a second try has at least."
_NOT_SENT = (OSError, http.client.HTTPException, UnicodeError)
"What goes wrong before a request is written to its end: no connection, a proxy that refuses, an invalid header."


@dataclass(frozen=True, slots=True)
class Post:
    """A request."""

    url: str
    body: bytes | None
    headers: Mapping[str, str]
    only_reads: bool = False
    "Whether it changes nothing, so that it may be made twice."
    most: int | None = None
    "The most bytes that are read of its answer; None for all."


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """What the other side has answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def is_success(self) -> bool:
        """Return whether it is what was asked for; a redirect is not."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a connection leads, and by which proxy."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None

    @classmethod
    def of(cls, network: Network, url: str) -> Self:
        """Return the place of an address.

        Raises:
            Transient: it has no place that can be reached.
        """
        try:
            parts = urlsplit(url)
            if not parts.hostname:
                raise ValueError  # noqa: TRY301 - told below, as every other fault of an address
            return cls(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], network.proxy_for(url))
        except (ValueError, KeyError) as error:
            raise Transient(f"slack: {network.obstacle(url, error)}") from error

    @property
    def is_tunnelled(self) -> bool:
        """Return whether its proxy connects us through; it is told of each plain HTTP request instead."""
        return self.proxy is not None and self.scheme != "http"

    def connection(self, network: Network, seconds: float) -> http.client.HTTPConnection:
        """Return a connection that is opened when it is first used."""
        where = f"{self.host}:{self.port}" if self.proxy is None else self.proxy.place
        connection = http.client.HTTPConnection(where, timeout=seconds)
        if PORTS[self.scheme] == PORTS["https"]:
            connection = http.client.HTTPSConnection(where, timeout=seconds, context=network.certificates())
        if self.proxy is not None and self.is_tunnelled:
            connection.set_tunnel(self.host, self.port, _credentials(self.proxy))
        return connection


@dataclass(frozen=True, slots=True)
class _Idle:
    """A connection that waits for its next request."""

    connection: http.client.HTTPConnection
    since: float = field(default_factory=time.monotonic)
    owner: int = field(default_factory=os.getpid)
    "The process that opened it; one that was forked of it has a copy, and both would write to the same server."

    @property
    def is_young(self) -> bool:
        """Return whether the other side has surely not given it up yet."""
        return time.monotonic() - self.since < REUSE_SECONDS

    def is_usable(self) -> bool:
        """Return whether a request may be sent on it."""
        return self.owner == os.getpid() and self.is_young and not _has_something_to_read(self.connection)


class _HungUpError(Exception):
    """The other side has closed a kept connection, and the request may be sent on another one."""


class Connections:
    """Sends requests, each on a connection of its own for as long as it takes; any thread may do so."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._idle: dict[_Place, deque[_Idle]] = {}
        weakref.finalize(self, _close_all, self._idle)

    def send(self, post: Post, *, seconds: float) -> PostAnswer:
        """Send a request, and return its answer, whatever its status.

        Args:
            post: the request.
            seconds: the longest wait for the connection, and for each piece of the answer.

        Raises:
            Transient: it was not written to its end, or a proxy refuses it.
            HTTPException, OSError: its answer was lost.
        """
        place, began = _Place.of(self._network, post.url), time.monotonic()
        if (kept := self._take(place)) is not None:
            with suppress(_HungUpError):
                kept.sock.settimeout(seconds)
                return self._exchange(kept, place, post, is_kept=True)
            seconds = max(began + seconds - time.monotonic(), SHORTEST_TRY)
        return self._exchange(place.connection(self._network, seconds), place, post)

    def _exchange(
        self, connection: http.client.HTTPConnection, place: _Place, post: Post, *, is_kept: bool = False
    ) -> PostAnswer:
        keep = False
        try:
            self._write(connection, place, post, is_kept=is_kept)
            try:
                response = connection.getresponse()
            except ConnectionError as error:
                if is_kept and post.only_reads:
                    raise _HungUpError from error
                raise
            with response:
                body = response.read(post.most)
                # Only a plain answer that was read to its end leaves no doubt where the next one begins.
                keep = response.status == HTTPStatus.OK and response.isclosed() and connection.sock is not None
        finally:
            if keep:
                self._keep(connection, place)
            else:
                connection.close()
        if response.status == routing.WANTS_CREDENTIALS:
            raise Transient(f"slack: {routing.refusal(place.proxy, response.status)}")
        return PostAnswer(response.status, response.headers, body)

    def _write(self, connection: http.client.HTTPConnection, place: _Place, post: Post, *, is_kept: bool) -> None:
        target, headers = _path(post.url), dict(post.headers)
        if place.proxy is not None and not place.is_tunnelled:
            target, headers = urldefrag(post.url).url, headers | _credentials(place.proxy)
        try:
            connection.request("POST", target, post.body, headers)
        except _NOT_SENT as error:
            if is_kept and not isinstance(error, TimeoutError):
                raise _HungUpError from error
            raise Transient(f"slack: {self._network.obstacle(post.url, error)}") from error

    def _take(self, place: _Place) -> http.client.HTTPConnection | None:
        """Return the connection to a place that was used last, if it may be used again; close those that may not."""
        kept = self._idle.setdefault(place, deque())
        with suppress(IndexError):  # none is left
            while True:
                last = kept.pop()
                if last.is_usable():
                    return last.connection
                last.connection.close()
        return None

    def _keep(self, connection: http.client.HTTPConnection, place: _Place) -> None:
        """Keep a connection for the next request, and close those that are old or too many."""
        self._idle.setdefault(place, deque()).append(_Idle(connection))
        for kept in list(self._idle.values()):
            with suppress(IndexError):  # other threads have taken the rest
                while not ((first := kept.popleft()).is_young and len(kept) < MOST_IDLE):
                    first.connection.close()
                kept.appendleft(first)


def reach(network: Network, url: str, *, seconds: float) -> None:
    """Open a connection to an address, with TLS where it has it, and close it: nothing is sent on it.

    Raises:
        Transient: it cannot be opened.
    """
    with closing(_Place.of(network, url).connection(network, seconds)) as connection:
        try:
            connection.connect()
        except _NOT_SENT as error:
            raise Transient(f"slack: {network.obstacle(url, error)}") from error


def _has_something_to_read(connection: http.client.HTTPConnection) -> bool:
    """Return whether an idle connection was closed by the other side, or has bytes that nobody asked for."""
    if isinstance(connection.sock, ssl.SSLSocket) and connection.sock.pending():
        return True
    looking = select.poll()
    looking.register(connection.sock, select.POLLIN)
    return bool(looking.poll(0))


def _close_all(idle: Mapping[_Place, deque[_Idle]]) -> None:
    for kept in list(idle.values()):
        with suppress(IndexError):
            while True:
                kept.pop().connection.close()


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _credentials(proxy: Proxy) -> dict[str, str]:
    """Return the header that shows a proxy the user name and password that it wants, if it has one."""
    if proxy.user is None:
        return {}
    who = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
    return {"Proxy-Authorization": f"Basic {who}"}
