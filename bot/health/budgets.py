"""What is odd about a budget file that can be read: whom nothing caps, and caps that are for nobody. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from bot.agent.card import Agent
from bot.budget import config
from bot.budget.caps import Budgets
from bot.health.findings import Finding
from bot.principals import EVALUATIONS

NAME = "budgets"


def look(budgets: Budgets, agents: Sequence[Agent], *, file: Path, at: datetime) -> Iterator[Finding]:
    """Compare budgets with the agents that spend; one finding at least.

    Args:
        budgets: what the file says.
        agents: all of them, the suspended ones too; none when a card cannot be read.
        file: where it stands, for the mend.
        at: the time now (UTC).
    """
    odd = [*_uncapped(budgets, agents, file, at), *_for_nobody(budgets, agents, file)] if agents else []
    yield from odd or [Finding(NAME, "ok", f"They can be read; windows begin at midnight in {budgets.time_zone}.")]


def _uncapped(budgets: Budgets, agents: Sequence[Agent], file: Path, at: datetime) -> Iterator[Finding]:
    spenders = [
        (f"{agent.card.name} spends in {channel}", channel, agent.card.name)
        for agent in agents
        if agent.card.status == "active"
        for channel in agent.card.channels
    ]
    for what, channel, agent in [*spenders, ("evaluations cost", EVALUATIONS, "")]:
        caps = budgets.accounts(team="", channel=channel, user="", agent=agent, at=at)
        may_be = channel != EVALUATIONS and budgets.team.named  # by the workspace's id, which is not known here
        if not caps and not may_be:
            yield Finding(NAME, "warn", f"Nothing caps what {what}.", f"Add a cap for it to {file}.")


def _for_nobody(budgets: Budgets, agents: Sequence[Agent], file: Path) -> Iterator[Finding]:
    heard = {channel for agent in agents for channel in agent.card.channels}
    for channel in sorted(budgets.channel.named.keys() - heard - {EVALUATIONS}):
        if not channel.startswith("D"):  # anybody may write to the app
            said = f"channel.named.{channel}: no agent hears that channel."
            yield Finding(NAME, "warn", said, f"Correct or remove it in {file}, or add the channel to a card.")
    names = {agent.card.name for agent in agents}
    for name in sorted(budgets.agent.named.keys() - names):
        said = f"agent.named.{name}: there is no such agent{config.nearest(name, names)}."
        yield Finding(NAME, "warn", said, f"Correct or remove it in {file}.")
