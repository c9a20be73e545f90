"""What the database knows of agents beside their cards, for `deskhand doctor`: suspensions, reviews and retired ids."""

from collections.abc import Iterator
from datetime import UTC, datetime

from bot import agent_ids
from bot.agent import standing
from bot.health import alive, configured
from bot.health.findings import Finding
from bot.principals import AgentStatus
from bot.settings import Settings
from bot.store.installation import agents as principals


def look(settings: Settings) -> Iterator[Finding]:
    """Yield each agent that is suspended, whose review is over, or whose card uses a retired id."""
    agents = {agent.card.name: agent for agent in configured.every(settings)}
    with alive.reading(settings) as session:
        standings, known = standing.read_all(session, agents), principals.ids(session)
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
