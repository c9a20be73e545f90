"""Makes links that open the dashboard for one person, once, within ten minutes.

A link is given only where its person alone can read it, and only to somebody who may look at the dashboard now.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot import signed_links
from bot.ground import Ground
from bot.settings import Settings
from bot.signed_links import SignedLink
from bot.store import dashboard_access
from bot.store.db import Session

LASTS = timedelta(minutes=10)
"The time until a link expires."
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class DashboardDoor:
    """Where the dashboard is, and the keys that links to it are signed with."""

    public_url: str
    "Scheme and host; without a slash at its end."
    keys: tuple[bytes, ...]
    "Newest first. Links that the others have signed are valid until they expire."
    by_sign_in: bool = False
    "Whether people sign in with Slack there, so that there are no links to give away."


def door_of(settings: Settings, ground: Ground) -> DashboardDoor | None:
    """Return the door of an installation's dashboard; None when it has no public address or no secret to sign with."""
    known = settings.link_secrets()
    if settings.deskhand_public_url is None or not known:
        return None
    by_sign_in = settings.slack_client_id is not None and settings.slack_client_secret is not None
    return DashboardDoor(settings.deskhand_public_url, signed_links.keys(known, str(ground)), by_sign_in)


def minutes(door: DashboardDoor) -> int | None:
    """Return the time until a new link expires, in minutes; None where people sign in instead."""
    return None if door.by_sign_in else int(LASTS / timedelta(minutes=1))


def make(session: Session, door: DashboardDoor, user: str) -> str:
    """Store a new link for somebody who may look at the dashboard, and return its address.

    Where people sign in with Slack, it is the address at which they do: it is no secret, and nothing is stored.

    Args:
        session: the open write transaction, in which also the message with the link is stored, if there is one.
        door: where it leads, and its key.
        user: Slack user id of the one person it is for.
    """
    if door.by_sign_in:
        return f"{door.public_url}/dashboard/sign-in"
    link = SignedLink(secrets.token_urlsafe(ID_BYTES), user, int(time.time() + LASTS.total_seconds()))
    dashboard_access.store_link(session, link.id, user, expires_at=datetime.fromtimestamp(link.expires, UTC))
    return f"{door.public_url}/dashboard/open?link={signed_links.write(door.keys, link)}"
