"""Ids of agents are never used twice: what an id did is read under it for years, in the audit log and in every report.

Each id is written down when a process first reads its card. It is retired when a card says `status: retired`, or when
another card inherits the tickets of a folder that is gone. From then on no process starts with an active card of that
id.
"""

from collections.abc import Iterator, Mapping

from bot.agent import card
from bot.agent.card import Agent
from bot.errors import ConfigError
from bot.principals import AgentStatus
from bot.store.db import Database
from bot.store.installation import agents as principals
from bot.store.schema import AgentRow


def enter(database: Database, agents: Mapping[str, Agent]) -> None:
    """Write down the ids of these agents, and which of them are retired.

    Raises:
        ConfigError: a card that is not retired has the id of an agent that is.
        Transient: the database cannot be reached.
    """
    with database.read() as session:
        known = principals.ids(session)
    for wrong in used_again(agents, known):
        raise ConfigError(wrong)
    _write_down(database, agents, known)


def note(database: Database, agents: Mapping[str, Agent]) -> None:
    """Write down what has changed since the process started: a card may be retired while it runs.

    Raises:
        Transient: the database cannot be reached.
    """
    with database.read() as session:
        known = principals.ids(session)
    _write_down(database, agents, known)


def used_again(agents: Mapping[str, Agent], known: Mapping[str, AgentRow]) -> Iterator[str]:
    """Yield what is wrong with each card that is not retired and has the id of an agent that is."""
    for name, agent in agents.items():
        row = known.get(name)
        if row is None or row.retired_at is None or agent.card.status == AgentStatus.RETIRED:
            continue
        yield (
            f"{agent.folder / card.FILE}: name: the agent {name} was retired on {row.retired_at:%Y-%m-%d}, and the id "
            f"of an agent is never used again. Give the folder and `name` another id; with `inherits: [{name}]` it "
            "gets the tickets of the old one."
        )


def _write_down(database: Database, agents: Mapping[str, Agent], known: Mapping[str, AgentRow]) -> None:
    retired = {name: why for name, why in _retired(agents) if name not in known or known[name].retired_at is None}
    new = agents.keys() - known.keys()
    if not new and not retired:
        return
    with database.write() as session:
        for name in sorted(new):
            principals.enter(session, name)
        for name, why in retired.items():
            principals.retire(session, name, because=why)


def _retired(agents: Mapping[str, Agent]) -> Iterator[tuple[str, str]]:
    """Yield each agent that is retired by a card, and how."""
    for name, agent in agents.items():
        if agent.card.status == AgentStatus.RETIRED:
            yield name, "its card says so"
        for gone in agent.card.inherits:
            yield gone, f"{name} inherits its tickets"
