"""The Web API as the house calls it: one attempt a call, vendor errors translated.

Transient        Slack did not take it: rate limit, its own trouble, our token, no way to it, a proxy that says no
OutcomeUnknown   it may have been done: the answer was lost on the way
Rejected         Slack will never take it: no such channel, wrong blocks
"""

import http.client
import math
import re
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot import durations
from bot.errors import DeskhandError, OutcomeUnknown, Transient

__all__ = [
    "NOT_SENT",
    "Rejected",
    "SlackMember",
    "WebClient",
    "call",
    "connect",
    "permalink",
    "person",
]

LONGEST_WAIT = 600.0
"Seconds: the most that Slack can put us off at once."
NOT_TAKEN = frozenset({"ratelimited", "rate_limited", "service_unavailable", "request_timeout"})
PERHAPS_TAKEN = frozenset({"fatal_error", "internal_error"})
"Slack's own words for these: some aspect of the operation may have succeeded."
NOT_SENT = (urllib.error.URLError, http.client.InvalidURL, UnicodeEncodeError)
"""Slack has not heard the whole request: no way to it, a proxy that says no to CONNECT, a header that is none.

urllib has an error of its own for what fails until the request is written; what fails later comes as it is.
"""
OURS_TO_MEND = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
)
"An operator mends these; what is owed waits until then."


_CODE = re.compile(r"""(?:^|"error": ?")([a-z][a-z0-9_]{1,60})(?:"|$)""")
"A bare word, or that of a JSON object."


class Rejected(DeskhandError):
    """Slack refuses this for good.

    Attributes:
        code: Slack's own error name.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"slack: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class SlackMember:
    """A member of the workspace."""

    id: str
    name: str
    image: str | None
    usable: bool
    "A living person: no bot, not deactivated."


def connect(*, token: str, base_url: str, seconds: int = durations.SLACK_ANSWER) -> WebClient:
    """Return a client that tries once: tries, order and doubt belong to the outbox.

    Args:
        token: of our bot.
        base_url: of the Web API.
        seconds: the longest wait for one answer.
    """
    client = WebClient(token=token, base_url=base_url, timeout=seconds)
    client.retry_handlers.clear()
    return client


def call(method: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """Call a Web API method once.

    Raises:
        Transient, OutcomeUnknown, Rejected: see the module.
    """
    try:
        answer = method(**arguments).data
    except SlackApiError as error:
        raise _translated(error) from error
    except NOT_SENT as error:
        raise Transient("slack: no connection") from error
    except (http.client.HTTPException, OSError, ValueError, AttributeError) as error:
        # The last two are the SDK's own, on a body that is no JSON object.
        raise OutcomeUnknown(f"slack: {type(error).__name__}") from error
    except SlackClientError as error:
        raise Transient(f"slack: {type(error).__name__}") from error
    if not isinstance(answer, dict):  # the SDK passes a compressed body on as bytes
        raise OutcomeUnknown("slack: an answer that is no JSON object")
    return answer


def person(client: WebClient, user: str) -> SlackMember | None:
    """Look a member up, or None when the workspace does not know the id."""
    try:
        found = call(client.users_info, user=user)["user"]
    except Rejected as error:
        if error.code in ("user_not_found", "user_not_visible"):
            return None
        raise
    profile = found.get("profile", {})
    return SlackMember(
        id=user,
        name=profile.get("real_name") or found.get("real_name") or found.get("name") or user,
        image=profile.get("image_72"),
        usable=not found.get("is_bot") and not found.get("deleted"),
    )


def permalink(client: WebClient, channel: str, ts: str) -> str | None:
    """Return the address of a message, or None when Slack does not give it now."""
    try:
        return str(call(client.chat_getPermalink, channel=channel, message_ts=ts)["permalink"])
    except (Rejected, Transient):
        return None  # the card stands without a link; no one waits for one


def code_of(said: object, otherwise: str) -> str:
    """Return Slack's word for what went wrong, and never a text that may repeat what it was handed."""
    found = _CODE.search(str(said or ""))
    return found[1] if found else otherwise


def _seconds(after: object) -> float:
    """Return how long Slack asks us to wait; one second where it says nothing that can be waited."""
    try:
        seconds = float(str(after))
    except ValueError:
        return 1.0
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else 1.0


def _translated(error: SlackApiError) -> DeskhandError:
    response = error.response
    status = getattr(response, "status_code", http.client.OK)
    code = code_of(response.get("error"), "") if hasattr(response, "get") else ""
    if status == http.client.TOO_MANY_REQUESTS or code in NOT_TAKEN:
        after = response.headers.get("Retry-After") or response.headers.get("retry-after")
        return Transient(f"slack: {code or status}", retry_after=_seconds(after))
    if code in OURS_TO_MEND:
        return Transient(f"slack: {code}")
    if status >= http.client.INTERNAL_SERVER_ERROR or code in PERHAPS_TAKEN or not code:
        return OutcomeUnknown(f"slack: {code or status}")
    return Rejected(code)
