"""Ids as Slack writes them: random, so that none comes back after a restart."""

import secrets
import string

_ALPHABET = string.ascii_uppercase + string.digits


def new_id(prefix: str) -> str:
    """Make an id: a prefix and ten random characters."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(10))
