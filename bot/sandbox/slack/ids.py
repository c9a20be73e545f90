"""Ids in Slack's format: random, so that none occurs again after a restart."""

import secrets
import string
from typing import Any

_ALPHABET = string.ascii_uppercase + string.digits


def app(name: str, team: str) -> dict[str, Any]:
    """Return the fields with which Slack names the app that posted a message."""
    bot_id, app_id = new_id("B"), new_id("A")
    profile = {"id": bot_id, "app_id": app_id, "name": name, "deleted": False, "team_id": team}
    return {"bot_id": bot_id, "app_id": app_id, "bot_profile": profile}


def new_id(prefix: str) -> str:
    """Make an id: a prefix and ten random characters."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(10))
