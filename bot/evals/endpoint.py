"""Asks the model's endpoint whether it is a stand-in, so that its figures are never shown as Claude's."""

import httpx2

from bot.errors import Transient, kind

SECONDS = 5.0
"The longest wait for the answer."


def is_standin(base_url: str | None) -> bool:
    """Return whether the model at an address says of itself that it is a stand-in.

    Args:
        base_url: the address; None for the vendor's own.

    Raises:
        Transient: it does not answer.
    """
    if base_url is None:
        return False
    try:
        said = httpx2.get(base_url, timeout=SECONDS)
    except httpx2.HTTPError as error:
        raise Transient(f"the model's endpoint does not answer: {kind(error)}") from error
    try:
        about = said.json()
    except ValueError:
        return False
    return isinstance(about, dict) and about.get("stand_in") is True
