"""Looks up who can read a queue channel, before private words are shown there, and for `deskhand doctor`.

Invariant: private words are shown in a channel only if a recent, successful look-up says that nobody but the agent's
responders and owners reads it.
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
"How long a look-up is used."
MOST_PAGES = 10
"The most pages of members, a thousand each; a larger channel has other readers in any case."
_NAMED = 5


@dataclass(frozen=True, slots=True)
class ChannelReaders:
    """Who can read a channel."""

    public: bool
    shared: bool
    "Whether it is shared with another workspace or organisation, or is about to be."
    members: frozenset[str]
    "Ids of its members, without the bot itself."


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


def readers(channel: ChannelReaders, agent: Agent, agents: Mapping[str, Agent]) -> Iterator[str]:
    """Yield, in words, who reads an agent's queue channel besides its responders and owners."""
    if channel.public:
        yield "it is public"
    if channel.shared:
        yield "it is shared with another organisation"
    others = sorted(channel.members - set(rights.people(agent)))
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
class QueueChannels:
    """The queue channels of one workspace, looked up once a minute."""

    client: WebClient
    _known: dict[str, tuple[float, ChannelReaders | None]] = field(default_factory=dict)

    def withholds(self, agent: Agent, agents: Mapping[str, Agent]) -> bool:
        """Return whether private words may not be shown in an agent's queue channel."""
        found = self._look_up(agent.card.handoff.queue_channel)
        return found is None or any(readers(found, agent, agents))

    def _look_up(self, channel: str) -> ChannelReaders | None:
        looked_at, found = self._known.get(channel, (float("-inf"), None))
        if time.monotonic() - looked_at >= KEEP_SECONDS:
            try:
                found = look(self.client, channel)
            except DeskhandError as error:
                log.warning("room.not_looked_up", channel=channel, error=type(error).__name__)
                return None
            self._known[channel] = (time.monotonic(), found)
        return found


@lru_cache(maxsize=4)
def of(client: WebClient) -> QueueChannels:
    """Return the queue channels of a client's workspace, the same object on each call."""
    return QueueChannels(client)
