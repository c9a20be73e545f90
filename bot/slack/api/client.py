"""Calls the Web API: one attempt for each call, with Slack's errors translated.

Transient        Slack did not do it: rate limit, an outage, no connection, a proxy that refuses
NotAuthorized    Slack did not do it, and does not until an operator mends the token or the app
OutcomeUnknown   Slack may have done it: the answer was lost
Rejected         Slack will never do it: no such channel, wrong blocks
"""

import http.client
import io
import math
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import slack_sdk
from slack_sdk.errors import SlackApiError, SlackClientError

from bot import durations
from bot.errors import DeskhandError, OutcomeUnknown, Transient
from bot.network import Network
from bot.slack.api.connections import Connections, Post, PostAnswer

LONGEST_WAIT = 600.0
"The longest pause, in seconds, that we take from Slack's `Retry-After`."
NOT_TAKEN = frozenset({"ratelimited", "rate_limited", "service_unavailable", "request_timeout", "team_added_to_org"})
PERHAPS_TAKEN = frozenset({"fatal_error", "internal_error"})
"By Slack's documentation of these errors, some aspect of the operation may have succeeded."
READS = frozenset(
    {
        "auth.test",
        "chat.getPermalink",
        "conversations.history",
        "conversations.info",
        "conversations.list",
        "conversations.members",
        "conversations.replies",
        "users.info",
        "users.lookupByEmail",
    }
)
"The methods that change nothing, so that Slack may be asked twice."
FOR_AN_OPERATOR = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
"Errors that an operator must fix; messages wait until then."


_CODE = re.compile(r"""(?:^|"error": ?")([a-z][a-z0-9_]{1,60})(?:"|$)""")
"An error code, alone or in a JSON object."


class Rejected(DeskhandError):
    """Slack refuses a call for good.

    Attributes:
        code: Slack's error code.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"slack: {code}")
        self.code = code


class NotAuthorized(Transient):
    """Slack refuses our token, and will until an operator mends it or the app; what we say waits until then.

    Attributes:
        code: Slack's error code.
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
    "Whether it is a person who is not deactivated."


class WebClient(slack_sdk.WebClient):
    """The SDK's client; its requests leave by our rule, which the SDK would read from the environment in its own way.

    It tries once, because the outbox handles retries.
    """

    def __init__(self, *, token: str, base_url: str, seconds: int, network: Network) -> None:
        super().__init__(token=token, base_url=base_url, timeout=seconds, retry_handlers=[])
        self.proxy = None  # the SDK has read one from the environment
        self._connections = Connections(network)

    def send(self, post: Post) -> PostAnswer:
        """Send a request to any address of Slack's, and return its answer, whatever its status.

        Raises:
            Transient: it has not left.
            HTTPException, OSError: its answer was lost.
        """
        return self._connections.send(post, seconds=self.timeout)

    def _perform_urllib_http_request_internal(self, url: str, req: urllib.request.Request) -> dict[str, Any]:
        """Send a call of the Web API; the SDK's own reads the environment, and opens a connection for each."""
        body: Any = req.data  # the SDK makes it of bytes
        only_reads = url.removeprefix(self.base_url) in READS
        answer = self.send(Post(url, body, dict(req.header_items()), only_reads=only_reads))
        if not answer.is_success:  # the SDK reads it as urllib's
            raise urllib.error.HTTPError(url, answer.status, "", answer.headers, io.BytesIO(answer.body))
        return {"status": answer.status, "headers": answer.headers, "body": answer.body.decode()}


def connect(*, token: str, base_url: str, network: Network, seconds: int = durations.SLACK_ANSWER) -> WebClient:
    """Return a client of the Web API.

    Args:
        token: our bot's token.
        base_url: the address of the Web API.
        network: how it is reached.
        seconds: the longest wait for one answer.
    """
    return WebClient(token=token, base_url=base_url, seconds=seconds, network=network)


def call(method: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """Call a Web API method once.

    Raises:
        Transient, NotAuthorized, OutcomeUnknown, Rejected: see the module.
    """
    try:
        answer = method(**arguments).data
    except SlackApiError as error:
        raise translated(error) from error
    except UnicodeEncodeError as error:  # the SDK cannot write such a text down
        raise Transient("slack: no connection") from error
    except (http.client.HTTPException, OSError, ValueError, AttributeError) as error:
        # The SDK itself raises the last two for a body that is not a JSON object.
        raise OutcomeUnknown(f"slack: {type(error).__name__}") from error
    except SlackClientError as error:
        raise Transient(f"slack: {type(error).__name__}") from error
    if not isinstance(answer, dict):  # the SDK passes a compressed body on as bytes
        raise OutcomeUnknown("slack: an answer that is no JSON object")
    return answer


def person(client: WebClient, user: str) -> SlackMember | None:
    """Look a member up; return None when the workspace does not know the id."""
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
    """Return the permalink of a message, or None when Slack does not give it now."""
    try:
        return str(call(client.chat_getPermalink, channel=channel, message_ts=ts)["permalink"])
    except (Rejected, Transient):
        return None  # a message without a link is better than one that waits for it


def translated(error: SlackApiError) -> DeskhandError:
    """Return our error for one of Slack's."""
    response = error.response
    status = getattr(response, "status_code", http.client.OK)
    code = code_of(response.get("error"), "") if hasattr(response, "get") else ""
    if status == http.client.TOO_MANY_REQUESTS or code in NOT_TAKEN:
        after = response.headers.get("Retry-After") or response.headers.get("retry-after")
        return Transient(f"slack: {code or status}", retry_after=_seconds(after))
    if code in FOR_AN_OPERATOR:
        return NotAuthorized(code)
    if status >= http.client.INTERNAL_SERVER_ERROR or code in PERHAPS_TAKEN or not code:
        return OutcomeUnknown(f"slack: {code or status}")
    return Rejected(code)


def code_of(said: object, otherwise: str) -> str:
    """Return Slack's error code from an answer, or `otherwise`; never a text that may quote the request."""
    found = _CODE.search(str(said or ""))
    return found[1] if found else otherwise


def _seconds(after: object) -> float:
    """Return the seconds of a `Retry-After` header, at most `LONGEST_WAIT`; one second if it is no number."""
    try:
        seconds = float(str(after))
    except ValueError:
        return 1.0
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else 1.0
