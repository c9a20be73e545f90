"""Check a budget file that can be read: spending without a cap, and caps that apply to nothing. Pure."""

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
    """Compare budgets with the agents that spend; yields at least one finding.

    Args:
        budgets: the content of the budget file.
        agents: all of them, suspended ones included; empty when a card cannot be read.
        file: the path of the budget file, for the advice on what to fix.
        at: the time now (UTC).
    """
    odd = [*_uncapped(budgets, agents, file, at), *_unused(budgets, agents, file)] if agents else []
    yield from odd or [Finding(NAME, "ok", f"The file can be read; windows begin at midnight in {budgets.time_zone}.")]


def _uncapped(budgets: Budgets, agents: Sequence[Agent], file: Path, at: datetime) -> Iterator[Finding]:
    spenders = [
        (f"{agent.card.name} spends in {channel}", channel, agent.card.name)
        for agent in agents
        if agent.card.status == "active"
        for channel in agent.card.channels
    ]
    for what, channel, agent in [*spenders, ("evaluations cost", EVALUATIONS, "")]:
        caps = budgets.accounts(team="", channel=channel, user="", agent=agent, at=at)
        may_be = channel != EVALUATIONS and budgets.team.named  # the team's id is not known here, so its cap may apply
        if not caps and not may_be:
            yield Finding(NAME, "warn", f"Nothing caps what {what}.", f"Add a cap for it to {file}.")


def _unused(budgets: Budgets, agents: Sequence[Agent], file: Path) -> Iterator[Finding]:
    heard = {channel for agent in agents for channel in agent.card.channels}
    for channel in sorted(budgets.channel.named.keys() - heard - {EVALUATIONS}):
        if not channel.startswith("D"):  # a cap on a direct message always applies: anybody may write to the app
            message = f"channel.named.{channel}: no agent listens to that channel."
            yield Finding(NAME, "warn", message, f"Correct or remove it in {file}, or add the channel to a card.")
    names = {agent.card.name for agent in agents}
    for name in sorted(budgets.agent.named.keys() - names):
        message = f"agent.named.{name}: there is no such agent{config.nearest(name, names)}."
        yield Finding(NAME, "warn", message, f"Correct or remove it in {file}.")
