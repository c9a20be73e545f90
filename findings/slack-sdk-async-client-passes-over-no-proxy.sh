#!/usr/bin/env bash
# One would guess: slack_sdk's WebClient and AsyncWebClient, which have the same arguments and read the same proxy
# variables, send a call the same way; at least, a host in NO_PROXY is reached directly by both.
# What happens: WebClient reaches it directly, because urllib's ProxyHandler looks at NO_PROXY once more.
# AsyncWebClient gives the variable's address to aiohttp, which looks at nothing more, and the call goes to the proxy.
# Both take HTTPS_PROXY for an address that is plain http.
# Versions: slack-sdk 3.48.0, aiohttp 3.14.5, Python 3.11. Seen on 2026-12-01.
# Why it matters here: listeners are asynchronous and jobs are not, so behind a company's proxy answers arrived while
# forms did not open. Deskhand reads the variables once and gives every client its proxy (docs/decisions/0054).
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

from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"):
    os.environ.pop(name, None)
    os.environ.pop(name.lower(), None)


def serving(name, heard):
    """Answer as Slack does, and keep who was asked for what; a proxy is asked for a whole address."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            heard.append(name)
            answer = b'{"ok": true}'
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


heard = []
slack, proxy = serving("Slack", heard), serving("the proxy", heard)
os.environ["HTTPS_PROXY"] = proxy


def asked():
    """Call api.test by both clients; return who was asked by each."""
    heard.clear()
    WebClient("xoxb-none", base_url=f"{slack}/api/").api_test()
    asyncio.run(AsyncWebClient("xoxb-none", base_url=f"{slack}/api/").api_test())
    return tuple(heard)


without = asked()
os.environ["NO_PROXY"] = "127.0.0.1"
exempt = asked()
print("slack-sdk", version("slack-sdk"), "aiohttp", version("aiohttp"))
print("HTTPS_PROXY, a plain http address: WebClient asks %s, AsyncWebClient %s" % without)
print("the host also in NO_PROXY: WebClient asks %s, AsyncWebClient %s" % exempt)
as_stated = without == ("the proxy", "the proxy") and exempt == ("Slack", "the proxy")
print("expected: the proxy and the proxy, then Slack and the proxy:", as_stated)
sys.exit(0 if as_stated else 1)
PYTHON
