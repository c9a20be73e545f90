"""The release and the suite of each agent as its folder is now: the pair that a verdict must be about."""

from collections.abc import Iterator, Mapping

from bot.agent.card import Agent
from bot.agent.release import release_of
from bot.settings import Settings
from bot.store.releases.verdicts import ReleasePair


def pair_of(settings: Settings, agent: Agent) -> ReleasePair:
    """Return the release that a process with these settings serves, and the suite in its folder."""
    return ReleasePair(str(release_of(settings, agent)), agent.suite)


class Pairs(Mapping[str, ReleasePair]):
    """The pair of every agent by name, worked out anew when the agent's folder was read anew."""

    def __init__(self, settings: Settings, agents: Mapping[str, Agent]) -> None:
        """Keep where the agents are read."""
        self._settings, self._agents = settings, agents
        self._known: dict[str, tuple[Agent, ReleasePair]] = {}

    def __getitem__(self, name: str) -> ReleasePair:
        """Return the pair of an agent."""
        agent = self._agents[name]
        known = self._known.get(name)
        if known is None or known[0] is not agent:
            known = self._known[name] = (agent, pair_of(self._settings, agent))
        return known[1]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the agents."""
        return iter(self._agents)

    def __len__(self) -> int:
        """Return how many agents there are."""
        return len(self._agents)
