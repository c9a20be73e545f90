"""The channels of agents that the people file does not name, so that a copied agent has channels of its own."""

from collections.abc import Iterator
from pathlib import Path

from bot.agent import card
from bot.agent.card import Agent
from bot.sandbox.slack.seed import Seed, SeedChannel


def with_agents(seed: Seed, config: Path) -> Seed:
    """Return a seed with the channels of every agent: a help channel for everyone, a queue channel for its people.

    Raises:
        ConfigError: a card is wrong.
    """
    known = {room.id for room in seed.channels}
    wanted = {room.id: room for agent in card.load_all(config).values() for room in _rooms(agent)}
    more = tuple(room for room in wanted.values() if room.id not in known)
    return seed.model_copy(update={"channels": (*seed.channels, *more)})


def _rooms(agent: Agent) -> Iterator[SeedChannel]:
    name, people = agent.card.name, (*agent.card.handoff.responders, *agent.card.owners)
    for number, channel in enumerate(agent.card.channels):
        called = f"help-{name}" if number == 0 else f"help-{name}-{number + 1}"
        yield SeedChannel(id=channel, name=called, members="everyone", bot_member=True)
    queue = agent.card.handoff.queue_channel
    yield SeedChannel(id=queue, name=f"{name}-queue", members=(), bot_member=True, private=True, people=people)
