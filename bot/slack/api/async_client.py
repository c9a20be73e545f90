"""The Web API client of the web process, which only opens modals with it.

It is a module of its own because its imports would cost every worker five megabytes.
"""

from slack_sdk.web.async_client import AsyncWebClient

from bot.network import Network

__all__ = ["AsyncWebClient", "connect"]

MODAL_SECONDS = 2
"The longest wait: a trigger lives three seconds, and the last one is for telling the presser of a failure."


def connect(*, base_url: str, network: Network) -> AsyncWebClient:
    """Return a client without a token, which gives up before a trigger expires.

    It tries once: when an answer is lost, the SDK's own handler would open the same form twice.
    """
    trusted = network.certificates()
    client = AsyncWebClient(base_url=base_url, timeout=MODAL_SECONDS, ssl=trusted, retry_handlers=[])
    client.proxy = network.proxy_url(base_url)  # not as an argument: for None, the SDK would read the environment
    return client
