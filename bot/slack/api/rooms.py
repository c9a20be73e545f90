"""Who can read a queue channel: looked up before what was said in private is shown there, and by the doctor.

Invariant: a channel is fit for private words only if a look-up that succeeded lately says that no one reads it but
the agent's responders and owners. What cannot be looked up is not fit.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import structlog

from bot import rights
from bot.agent.card import Agent
from bot.errors import DeskhandError
from bot.slack.api import client as slack
from bot.slack.api.client import WebClient

log = structlog.get_logger()

KEEP_SECONDS = 60.0
"How long a look-up is good for."
MOST_PAGES = 10
"Of a thousand members each; a channel with more is read by others."
_NAMED = 5


@dataclass(frozen=True, slots=True)
class ChannelReaders:
    """A channel, as far as it matters who reads it."""

    public: bool
    shared: bool
    "With another workspace or organisation, or soon."
    members: frozenset[str]
    "Without the bot itself."


def look(client: WebClient, channel: str) -> ChannelReaders:
    """Look a channel up.

    Raises:
        Transient, Rejected: Slack does not say.
    """
    card = slack.call(client.conversations_info, channel=channel)["channel"]
    me = str(slack.call(client.auth_test)["user_id"])
    members, cursor = set[str](), ""
    for _ in range(MOST_PAGES):
        page = slack.call(client.conversations_members, channel=channel, limit=1000, cursor=cursor)
        members.update(page["members"])
        cursor = str(page.get("response_metadata", {}).get("next_cursor") or "")
        if not cursor:
            break
    flags = ("is_shared", "is_ext_shared", "is_org_shared", "is_pending_ext_shared", "pending_shared")
    return ChannelReaders(
        public=card.get("is_private") is not True,
        shared=any(card.get(flag) for flag in flags) or len(card.get("shared_team_ids", ())) > 1,
        members=frozenset(members - {me}),
    )


def readers(room: ChannelReaders, agent: Agent, agents: Mapping[str, Agent]) -> Iterator[str]:
    """Yield in words who else reads an agent's queue channel than its responders and owners."""
    if room.public:
        yield "it is public"
    if room.shared:
        yield "it is shared with another organisation"
    others = sorted(room.members - set(rights.people(agent)))
    if others:
        named = ", ".join(others[:_NAMED]) + (f" and {len(others) - _NAMED} more" if len(others) > _NAMED else "")
        yield f"{named} {'is' if len(others) == 1 else 'are'} in it without being a responder or an owner"
    too = sorted(serves_too(agent, agents))
    if too:
        yield f"it is the queue channel of {', '.join(too)} as well"


def serves_too(agent: Agent, agents: Mapping[str, Agent]) -> Collection[str]:
    """Return the other agents whose handoffs go to the queue channel of one."""
    channel = agent.card.handoff.queue_channel
    same = {one.card.name for one in agents.values() if one.card.handoff.queue_channel == channel}
    return same - {agent.card.name}


@dataclass(frozen=True, slots=True)
class Rooms:
    """Channels of one workspace, looked up once a minute."""

    client: WebClient
    _known: dict[str, tuple[float, ChannelReaders | None]] = field(default_factory=dict)

    def withholds(self, agent: Agent, agents: Mapping[str, Agent]) -> bool:
        """Return whether what was said in private may not be shown in an agent's queue channel."""
        room = self._room(agent.card.handoff.queue_channel)
        return room is None or any(readers(room, agent, agents))

    def _room(self, channel: str) -> ChannelReaders | None:
        looked_at, room = self._known.get(channel, (float("-inf"), None))
        if time.monotonic() - looked_at >= KEEP_SECONDS:
            try:
                room = look(self.client, channel)
            except DeskhandError as error:
                log.warning("room.not_looked_up", channel=channel, error=type(error).__name__)
                return None
            self._known[channel] = (time.monotonic(), room)
        return room


@lru_cache(maxsize=4)
def of(client: WebClient) -> Rooms:
    """Return the channels of a client's workspace."""
    return Rooms(client)
