"""The release and the suite of each agent as its folder is now: the pair that a verdict must be about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.agent.card import Agent
from bot.agent.release import release_of
from bot.settings import Settings
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import now


def pair_of(settings: Settings, agent: Agent) -> ReleasePair:
    """Return the release that a process with these settings serves, and the suite in its folder."""
    return ReleasePair(str(release_of(settings, agent)), agent.suite)


@dataclass(frozen=True, slots=True)
class Adopted:
    """The pair that a process serves for an agent, and since when."""

    agent: Agent
    pair: ReleasePair
    since: datetime
    "When this process began to serve the pair."


@dataclass(frozen=True, slots=True)
class Pairs(Mapping[str, ReleasePair]):
    """The pair of every agent by name, worked out anew when the agent's folder was read anew."""

    settings: Settings
    agents: Mapping[str, Agent]
    known: dict[str, Adopted] = field(default_factory=dict)
    "What was worked out so far, by agent."

    def adopted(self, name: str) -> Adopted:
        """Return the pair of an agent, and since when it is served."""
        agent, known = self.agents[name], self.known.get(name)
        if known is None or known.agent is not agent:
            pair = pair_of(self.settings, agent)
            since = now() if known is None or known.pair != pair else known.since
            known = self.known[name] = Adopted(agent, pair, since)
        return known

    def __getitem__(self, name: str) -> ReleasePair:
        """Return the pair of an agent."""
        return self.adopted(name).pair

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the agents."""
        return iter(self.agents)

    def __len__(self) -> int:
        """Return how many agents there are."""
        return len(self.agents)
