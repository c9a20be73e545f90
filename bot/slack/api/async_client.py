"""The Web API client of the web process, which only opens modals with it.

It is a module of its own because its imports would cost every worker five megabytes.
"""

from slack_sdk.web.async_client import AsyncWebClient

__all__ = ["AsyncWebClient", "connect"]

MODAL_SECONDS = 2
"The longest wait: a trigger lives three seconds, and the last one is for telling the presser of a failure."


def connect(*, token: str, base_url: str) -> AsyncWebClient:
    """Return a client that gives up before a trigger expires."""
    return AsyncWebClient(token=token, base_url=base_url, timeout=MODAL_SECONDS)
