"""Answers to slash commands, sent to the address that came with the command, but only if it is Slack's.

The address is checked when it is stored and again when it is used. Redirects are not followed.
"""

import http.client
import json
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from bot.errors import OutcomeUnknown, Transient, kind
from bot.slack.api.client import Rejected, WebClient, code_of
from bot.slack.api.connections import Post

HOOKS = "https://hooks.slack.com/"
SLACK = "slack.com"
REST = re.compile(r"[A-Za-z0-9_/-]{1,500}")
"The path of an address: plain characters only, so that every parser reads the same address."
MOST_READ = 10_000
"The most bytes that are read of an answer; Slack answers with a word."


def is_slacks(url: str, slack_api_url: str) -> bool:
    """Return whether an answer may be sent to an address.

    Args:
        url: the address that came with a command.
        slack_api_url: the address of the Web API. If that is not Slack's, it is a local workspace, as in the demo,
            which also takes the answers.
    """
    api = urlsplit(slack_api_url)
    own = () if api.hostname == SLACK else (f"{api.scheme}://{api.netloc}/",)
    return any(url.startswith(place) and REST.fullmatch(url, len(place)) for place in (HOOKS, *own))


def respond(client: WebClient, url: str, body: dict[str, Any]) -> None:
    """Send an answer once.

    Raises:
        Rejected: Slack refuses it, or the address is not Slack's.
        Transient, OutcomeUnknown: see `bot.slack.api.client`.
    """
    if not is_slacks(url, client.base_url):
        raise Rejected("response_url_refused")
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json;charset=utf-8"}
    try:
        answer = client.send(Post(url, data, headers, most=MOST_READ))
    except (http.client.HTTPException, OSError) as error:
        raise OutcomeUnknown(f"slack: {kind(error)}") from error
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Transient(f"slack: http_{status}")
    if status != HTTPStatus.OK:
        raise Rejected(code_of(answer.body.decode("utf-8", "replace"), f"http_{status}"))
