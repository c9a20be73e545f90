"""Who can read a queue channel: `bot.slack.api.queue_channels`."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.agent import card
from bot.agent.card import Agent
from bot.slack.api import queue_channels
from bot.slack.api.queue_channels import QueueChannels
from tests.support.paths import CONFIG

OURS = ["U0PRIYA", "U0BEN", "U0OLIVIA", "U0DESKHAND"]


@dataclass
class Slack:
    """A workspace that answers about one channel."""

    card: dict[str, Any] = field(default_factory=lambda: {"is_private": True})
    members: list[str] = field(default_factory=lambda: list(OURS))
    calls: int = 0

    def auth_test(self) -> Any:
        """Say who we are."""
        return SimpleNamespace(data={"user_id": "U0DESKHAND"})

    def conversations_info(self, channel: str) -> Any:
        """Describe the channel."""
        assert channel == "C0QUEUE"
        self.calls += 1
        return SimpleNamespace(data={"channel": self.card})

    def conversations_members(self, *, channel: str, limit: int, cursor: str) -> Any:
        """Say who is in it, two a page."""
        assert (channel, limit) == ("C0QUEUE", 1000)
        at = int(cursor or 0)
        more = str(at + 2) if at + 2 < len(self.members) else ""
        page = {"members": self.members[at : at + 2], "response_metadata": {"next_cursor": more}}
        return SimpleNamespace(data=page)


@pytest.fixture
def agents() -> dict[str, Agent]:
    """Return the agents of the checkout."""
    return {**card.load_all(CONFIG)}


def said(slack: Any, agents: dict[str, Agent]) -> list[str]:
    """Return who else reads the queue."""
    return list(queue_channels.readers(queue_channels.look(slack, "C0QUEUE"), agents["access"], agents))


def test_responders_and_owners_are_nobody_else(agents: dict[str, Agent]) -> None:
    """Nor is the bot."""
    assert said(Slack(), agents) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda slack: slack.card.update(is_private=False), "it is public"),
        (lambda slack: slack.card.pop("is_private"), "it is public"),
        (lambda slack: slack.card.update(is_ext_shared=True), "it is shared with another organisation"),
        (lambda slack: slack.card.update(is_org_shared=True), "it is shared with another organisation"),
        (lambda slack: slack.card.update(is_shared=True), "it is shared with another organisation"),
        (lambda slack: slack.card.update(pending_shared=["T0B"]), "it is shared with another organisation"),
        (lambda slack: slack.card.update(is_pending_ext_shared=True), "it is shared with another organisation"),
        (lambda slack: slack.card.update(shared_team_ids=["T0A", "T0B"]), "it is shared with another organisation"),
        (lambda slack: slack.members.append("U0IVAN"), "U0IVAN is in it without being a responder or an owner"),
        (
            lambda slack: slack.members.extend(f"U0X{number}" for number in range(7)),
            "U0X0, U0X1, U0X2, U0X3, U0X4 and 2 more are in it without being a responder or an owner",
        ),
    ],
)
def test_each_other_reader_is_told(agents: dict[str, Agent], change: Callable[[Slack], object], words: str) -> None:
    """However Slack says so; what it leaves out is taken for the worst."""
    slack = Slack()
    change(slack)
    assert said(slack, agents) == [words]
    assert QueueChannels(slack).withholds(agents["access"], agents)  # type: ignore[arg-type]  # answers as the client does


def test_a_queue_of_two_agents_is_fit_for_neither(agents: dict[str, Agent]) -> None:
    """The people of the one would read what was said to the other."""
    other = agents["access"].card.model_copy(update={"name": "vpn"})
    agents["vpn"] = replace(agents["access"], card=other)
    assert said(Slack(), agents) == ["it is the queue channel of vpn as well"]


def test_a_channel_is_looked_up_once_a_minute_and_unknown_is_unfit(agents: dict[str, Agent]) -> None:
    """A Slack that does not say leaves nothing fit; the next time it is asked again."""
    slack: Any = Slack()
    known = QueueChannels(slack)
    assert [known.withholds(agents["access"], agents) for _ in range(3)] == [False] * 3
    assert slack.calls == 1
    slack.auth_test = lambda: (_ for _ in ()).throw(OSError())
    assert QueueChannels(slack).withholds(agents["access"], agents)
