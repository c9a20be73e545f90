"""Whether an agent works now: by its card, and by what operators have said since.

What a turn makes of it is in `bot.agent.standing_checks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.agent.card import Agent
from bot.principals import AgentStatus
from bot.store.db import Session
from bot.store.installation import agents as principals
from bot.store.schema import Suspension


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an agent works, and if not, since when, by whom and why."""

    status: AgentStatus
    since: datetime | None = None
    "None: it works, or its card alone says that it does not."
    by: str | None = None
    "Who suspended it, as the audit log names them; None: its card says so."
    cause: str | None = None

    @property
    def works(self) -> bool:
        """Return whether the agent begins steps."""
        return self.status == AgentStatus.ACTIVE

    @property
    def whose(self) -> str:
        """Return in words who says that it does not work."""
        if self.by is None:
            return "its card"
        return "an operator" if self.by == principals.OPERATOR else self.by

    @property
    def words(self) -> str:
        """Return the standing for a terminal, without the agent's name."""
        if self.since is None:
            return f"{self.status}" if self.works else f"{self.status} by its card"
        return f"{self.status} since {self.since:%Y-%m-%d %H:%M} UTC by {self.whose}: {self.cause}"

    @property
    def sentence(self) -> str:
        """Return the standing as what follows the agent's name, or `It`."""
        return f"{'is' if self.since is None else 'has been'} {self.words}"

    @property
    def summary(self) -> str:
        """Return a sentence for the people who get its tickets."""
        if self.by is None:
            return f"The agent is {self.status}."
        return f'The agent was suspended by {self.whose}: "{self.cause}".'


ACTIVE: Final = Standing(AgentStatus.ACTIVE)


def read(session: Session, agent: Agent) -> Standing:
    """Return whether an agent works now."""
    return _of(agent, *principals.standing(session, agent.card.name))


def read_all(session: Session, agents: Mapping[str, Agent]) -> dict[str, Standing]:
    """Return whether each of these agents works now, by name."""
    retired = {name for name, row in principals.ids(session).items() if row.retired_at is not None}
    lasting = principals.lasting(session)
    return {name: _of(agent, name in retired, lasting.get(name)) for name, agent in agents.items()}


def idle(session: Session, agents: Mapping[str, Agent]) -> dict[str, Standing]:
    """Return the agents that do not work now, by name."""
    return {name: found for name, found in read_all(session, agents).items() if not found.works}


def _of(agent: Agent, is_retired: bool, suspension: Suspension | None) -> Standing:  # noqa: FBT001 - of a row
    if is_retired or agent.card.status == AgentStatus.RETIRED:
        return Standing(AgentStatus.RETIRED)
    return Standing(agent.card.status) if suspension is None else suspended(suspension)


def suspended(suspension: Suspension) -> Standing:
    """Return the standing of an agent with a suspension that lasts."""
    return Standing(AgentStatus.SUSPENDED, suspension.at, suspension.by, suspension.cause)
