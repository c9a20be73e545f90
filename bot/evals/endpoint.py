"""Asks the model's endpoint whether it is a stand-in, so that its figures are never shown as Claude's."""

import httpx2

from bot.errors import Transient
from bot.network import Network

SECONDS = 5.0
"The longest wait for the answer."


def is_standin(base_url: str | None, network: Network) -> bool:
    """Return whether the model at an address says of itself that it is a stand-in.

    Args:
        base_url: the address; None for the vendor's own.
        network: how it is reached.

    Raises:
        Transient: it does not answer.
    """
    if base_url is None:
        return False
    try:
        trusted, proxy = network.certificates(), network.proxy_url(base_url)
        said = httpx2.get(base_url, timeout=SECONDS, verify=trusted, proxy=proxy, trust_env=False)
    except httpx2.HTTPError as error:
        why = network.obstacle(base_url, error)
        raise Transient(f"the model's endpoint does not answer: {why}") from error
    try:
        about = said.json()
    except ValueError:
        return False
    return isinstance(about, dict) and about.get("stand_in") is True
