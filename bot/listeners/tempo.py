"""How fast one person may press, command, look, edit and stop: what comes faster is acknowledged and left undone.

A form stays open then, with what was written in it. Messages are not counted here, and deletions never are: nothing
that somebody said or took back is lost to it (`bot.store.tickets.shares` bounds what they say). Slack's stop button
has a bucket of its own, so that the agent is stopped however much else a person has pressed. Each web process counts
for itself, so that a flood costs no query.
"""

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:  # a process that only hears with these needs no Bolt
    from collections.abc import Awaitable, Callable

    from slack_bolt import BoltResponse
    from slack_bolt.async_app import AsyncAck, AsyncApp

log = structlog.get_logger()

AT_ONCE, A_SECOND = 20, 0.5
"That many things at once, then one in two seconds: faster than a person reads what comes of them."
TOO_FAST = "That was faster than I can follow. Please send it again in a few seconds."
MOST_PEOPLE = 10_000


class Tempo:
    """One bucket of tokens a person, and one for what they stop."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, bucket: str) -> bool:
        """Return whether one more thing may be done now, and count it."""
        at = time.monotonic()
        tokens, since = self._buckets.pop(bucket, (float(AT_ONCE), at))
        tokens = min(float(AT_ONCE), tokens + (at - since) * A_SECOND)
        allowed = tokens >= 1
        self._buckets[bucket] = (tokens - allowed, at)
        if len(self._buckets) > MOST_PEOPLE:
            self._buckets.popitem(last=False)  # who has done nothing for the longest time
        return allowed


def register(app: "AsyncApp") -> None:
    """Put the tempo before every listener of an app."""
    tempo = Tempo()

    @app.middleware
    async def keep_tempo(
        body: dict[str, Any], ack: "AsyncAck", next_: "Callable[[], Awaitable[BoltResponse]]"
    ) -> "BoltResponse":
        bucket = counted(body)
        if bucket is None or tempo.allows(bucket):
            return await next_()
        log.warning("person.throttled", bucket=bucket)
        field = _field(body)
        if field is None:
            return await ack()
        return await ack(response_action="errors", errors={field: TOO_FAST})  # else the form closes, its words lost


def counted(body: dict[str, Any]) -> str | None:
    """Return the bucket that a request is counted in: its person, or their stops; None for what is always heard."""
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


def _field(body: dict[str, Any]) -> str | None:
    """Return a field of the form that somebody has sent, None for what is no form."""
    return next(iter(body["view"]["state"]["values"]), None) if body.get("type") == "view_submission" else None


def _id(user: object) -> str | None:
    found = user.get("id") if isinstance(user, dict) else user
    return found if isinstance(found, str) and found else None
