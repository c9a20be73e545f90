#!/usr/bin/env bash
# One would guess: slack_sdk's `View` passes a block type that is newer than the SDK on to Slack as it is, as
# `chat_postMessage` does with the same dict; or it leaves the block out, as its log line says ("detected and skipped").
# What happens: neither. The block becomes a null between the others, in `to_dict()` and so in what a call of
# `views_publish` or `views_open` sends; even the validation of the view takes it for a block.
# Versions: slack-sdk 3.47.0, Python 3.11. Seen on 2026-12-01.
# Why it matters here: Deskhand's App Home and modals are plain dicts and never `View`s, or Slack's native chart
# (`data_visualization`) could not be shown in them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check slack-sdk==3.47.0
"$folder/venv/bin/python" - <<'PYTHON'
import json
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from urllib.parse import parse_qs

from slack_sdk import WebClient
from slack_sdk.models.views import View

CHART = {
    "type": "data_visualization",
    "title": "Requests a day",
    "chart": {
        "type": "bar",
        "axis_config": {"categories": ["Monday", "Tuesday"]},
        "series": [{"name": "requests", "data": [{"label": "Monday", "value": 3}, {"label": "Tuesday", "value": 5}]}],
    },
}
TEXT = {"type": "section", "text": {"type": "mrkdwn", "text": "This week"}}
sent = []


class Slack(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        is_json = self.headers["content-type"].startswith("application/json")
        fields = json.loads(body) if is_json else {name: values[0] for name, values in parse_qs(body).items()}
        value = fields.get("view", fields)
        value = json.loads(value) if isinstance(value, str) else value
        blocks = value["blocks"]
        sent.append(json.loads(blocks) if isinstance(blocks, str) else blocks)
        answer = b'{"ok": true}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Slack)
threading.Thread(target=server.serve_forever, daemon=True).start()
warnings = []
handler = logging.Handler()
handler.emit = lambda record: warnings.append(record.getMessage())
logging.getLogger("slack_sdk").addHandler(handler)
client = WebClient("xoxb-none", base_url=f"http://127.0.0.1:{server.server_address[1]}/")
view = View(type="home", blocks=[TEXT, CHART])
view.validate_json()
client.chat_postMessage(channel="C1", text="This week", blocks=[TEXT, CHART])
client.views_publish(user_id="U1", view={"type": "home", "blocks": [TEXT, CHART]})
client.views_publish(user_id="U1", view=view)
message, plain, of_class = ([block and block["type"] for block in blocks] for blocks in sent)
print("slack-sdk", version("slack-sdk"))
print("a message of dicts sends", message)
print("a view that is a dict sends", plain)
print("a `View` sends", of_class, "and logs", [line[:34] for line in warnings])
as_stated = (
    message == plain == ["section", "data_visualization"]
    and of_class == ["section", None]
    and any(line.startswith("Unknown block detected and skipped") for line in warnings)
)
print("expected: both block types, both block types, the section and a null:", as_stated)
sys.exit(0 if as_stated else 1)
PYTHON
