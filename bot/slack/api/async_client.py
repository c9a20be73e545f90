"""The Web API for the web process, which opens modals with it and nothing else.

A room of its own: what it brings along would take five megabytes of every worker.
"""

from slack_sdk.web.async_client import AsyncWebClient

__all__ = ["AsyncWebClient", "connect"]

MODAL_SECONDS = 2
"A trigger lives three, as long as a press waits to be acknowledged; who pressed is told in what is left."


def connect(*, token: str, base_url: str) -> AsyncWebClient:
    """Return a client that waits less long than a trigger lives."""
    return AsyncWebClient(token=token, base_url=base_url, timeout=MODAL_SECONDS)
