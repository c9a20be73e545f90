"""What the database knows of agents beside their cards, for `deskhand doctor`.

Suspensions, reviews, retired ids, and people on a card who have left the workspace.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from bot import agent_ids
from bot.agent import standing
from bot.agent.card import Agent
from bot.health import alive, configured
from bot.health.findings import Finding
from bot.principals import AgentStatus
from bot.settings import Settings
from bot.store import members
from bot.store.installation import agents as principals


def look(settings: Settings) -> Iterator[Finding]:
    """Yield each agent that is suspended, whose review is over, or whose card names a retired id or who has left."""
    agents = {agent.card.name: agent for agent in configured.every(settings)}
    with alive.reading(settings) as session:
        standings, known = standing.read_all(session, agents), principals.ids(session)
        gone = members.left_of(session, {user for agent in agents.values() for user in _everyone(agent)})
        reviews = {name: principals.review_by(session, name, agent.card.review_by) for name, agent in agents.items()}
    for wrong in agent_ids.used_again(agents, known):
        file, _, why = wrong.partition(": name: ")
        message, _, fix = why.partition(". ")
        yield Finding("agents", "fail", f"{file}: name: {message}.", fix)
    for name, found in standings.items():
        if found.since is not None:
            fix = f"Run `deskhand agents resume {name}` when it may go on."
            yield Finding(f"agent {name}", "warn", f"It {found.sentence}", fix)
        if found.status is not AgentStatus.RETIRED and reviews[name] < datetime.now(UTC).date():
            message = f"Its review was due by {reviews[name]}."
            fix = f"Have its owners look at it, and run `deskhand agents review {name} --until DATE`."
            yield Finding(f"agent {name}", "warn", message, fix)
        if found.status is not AgentStatus.RETIRED:
            yield from _of_people(agents[name], gone)


def _of_people(agent: Agent, gone: Collection[str]) -> Iterator[Finding]:
    """Yield a finding for each role of which all have left, and one for the people who have left other roles."""
    some: dict[str, list[str]] = {}
    for role, users in _roles(agent).items():
        left = [user for user in users if user in gone]
        if left and len(left) == len(users):
            message = f"Nobody in its `{role}` is in the workspace any more: {', '.join(left)}."
            yield Finding(f"agent {agent.card.name}", "fail", message, f"Name others in `{role}` of its card.")
        for user in left if len(left) < len(users) else ():
            some.setdefault(user, []).append(f"`{role}`")
    for user, roles in some.items():
        message = f"{user} has left the workspace, and is still in its {' and '.join(roles)}."
        yield Finding(f"agent {agent.card.name}", "warn", message, "Take them out of its card.")


def _everyone(agent: Agent) -> set[str]:
    return {user for users in _roles(agent).values() for user in users}


def _roles(agent: Agent) -> Mapping[str, Collection[str]]:
    """Return who is named in a card, by the field; each of a field once."""
    people = agent.card.handoff
    fields = {
        "owners": agent.card.owners,
        "handoff.responders": people.responders,
        "handoff.approvers": people.approvers,
    }
    called = () if people.on_call is None else (people.on_call,)
    return {name: dict.fromkeys(users) for name, users in {**fields, "handoff.on_call": called}.items()}
