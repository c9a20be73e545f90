#!/usr/bin/env bash
# One would guess: a slack_sdk client that lives as long as the process keeps its connection to Slack, as the clients of
# model vendors do; making one client and sharing it between threads is at least good for that.
# What happens: WebClient opens a new connection for every call, because it calls urllib's urlopen, which asks the
# server to close. AsyncWebClient does so, too, as it makes a session of aiohttp for every call; only one that is given
# a session keeps the connection. So a turn of four calls pays four TLS handshakes.
# Versions: slack-sdk 3.48.0, aiohttp 3.14.5, Python 3.11. Seen on 2026-12-01.
# Why it matters here: each handshake is two or three ways to Slack and back before a request leaves, which people wait
# for. Deskhand sends the requests of its client on connections of its own (docs/decisions/0057).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check slack-sdk==3.48.0 aiohttp==3.14.5
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import aiohttp
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
    os.environ.pop(name, None)
    os.environ.pop(name.lower(), None)
CALLS = 4
connections = []


class Slack(BaseHTTPRequestHandler):
    """Answers as Slack does, on a connection that it would leave open."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        connections.append(self.client_address)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = b'{"ok": true}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Slack)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
where = {"token": "xoxb-none", "base_url": f"http://127.0.0.1:{server.server_address[1]}/api/"}


def counted(call):
    """Return how many connections some calls opened."""
    connections.clear()
    call()
    return len(connections)


def one_client():
    client = WebClient(**where)
    for _ in range(CALLS):
        client.api_test()


async def one_async_client(session=None):
    client = AsyncWebClient(**where, session=session)
    for _ in range(CALLS):
        await client.api_test()


async def with_a_session():
    async with aiohttp.ClientSession() as session:
        await one_async_client(session)


seen = (
    counted(one_client),
    counted(lambda: asyncio.run(one_async_client())),
    counted(lambda: asyncio.run(with_a_session())),
)
print("slack-sdk", version("slack-sdk"), "aiohttp", version("aiohttp"))
print(f"connections for {CALLS} calls of one client: WebClient %d, AsyncWebClient %d, given a session %d" % seen)
as_stated = seen == (CALLS, CALLS, 1)
print("expected: 4, 4 and 1:", as_stated)
sys.exit(0 if as_stated else 1)
PYTHON
