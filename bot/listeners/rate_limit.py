"""Limits how fast one person may press, command, look, edit and stop; what is faster is acknowledged and ignored.

A form then stays open with its words. Messages and deletions are not counted here, so that none is lost
(`bot.store.tickets.shares` limits messages). The stop button has its own bucket, so that a person can always stop the
agent. Each web process counts for itself, so that a flood costs no query.
"""

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import structlog

from bot.listeners import submissions

if TYPE_CHECKING:  # importing Bolt is slow, and a job needs none of it
    from slack_bolt import BoltResponse
    from slack_bolt.async_app import AsyncBoltRequest

log = structlog.get_logger()

AT_ONCE, A_SECOND = 20, 0.5
"A person may do 20 things at once, and then one every two seconds."
TOO_FAST = "That was faster than I can follow. Please send it again in a few seconds."
MOST_BUCKETS = 10_000


class RateLimit:
    """A token bucket for each person, and another for their stops."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, bucket: str) -> bool:
        """Return whether one more act is allowed now, and count it."""
        at = time.monotonic()
        tokens, since = self._buckets.pop(bucket, (float(AT_ONCE), at))
        tokens = min(float(AT_ONCE), tokens + (at - since) * A_SECOND)
        allowed = tokens >= 1
        self._buckets[bucket] = (tokens - allowed, at)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)  # the bucket that was unused for the longest time
        return allowed


async def throttle(limit: RateLimit, request: "AsyncBoltRequest") -> "BoltResponse | None":
    """Acknowledge a request of a person who is too fast; None: it is allowed."""
    bucket, ack = counted(request.body), request.context.ack
    if bucket is None or limit.allows(bucket):
        return None
    log.warning("person.throttled", bucket=bucket)
    field = submissions.first_field(request.body)
    if field is None:
        return await ack()
    return await ack(response_action="errors", errors={field: TOO_FAST})  # a plain ack would close the form


def counted(body: dict[str, Any]) -> str | None:
    """Return the bucket that a request is counted in: its person's, or that of their stops; None for no limit."""
    event = body.get("event")
    if not isinstance(event, dict):
        return _id(body.get("user_id") or body.get("user"))
    if event.get("type") == "app_home_opened":
        return _id(event.get("user"))
    if event.get("type") == "agent_session_stopped":
        return f"{user} stops" if (user := _id(event.get("user"))) else None
    changed = event.get("message")
    if (
        event.get("subtype") == "message_changed"
        and isinstance(changed, dict)
        and changed.get("subtype") != "tombstone"
    ):
        return _id(changed.get("user"))
    return None


def _id(user: object) -> str | None:
    found = user.get("id") if isinstance(user, dict) else user
    return found if isinstance(found, str) and found else None
