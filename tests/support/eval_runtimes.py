"""What an evaluation plays an agent on, and an agent that lacks some of its tools."""

from collections.abc import Callable
from dataclasses import replace

from bot.agent.card import Agent
from bot.evals.stage import RuntimeFor

MODEL = "stand-in-1"
RuntimesOf = Callable[[Agent], RuntimeFor]


def without_tools(agent: Agent, *dropped: str) -> Agent:
    """Return an agent whose card lacks some tools."""
    names = tuple(name for name in agent.card.tools if name not in dropped)
    tools = tuple(tool for tool in agent.tools if tool.name not in dropped)
    return replace(agent, card=agent.card.model_copy(update={"tools": names}), tools=tools)


def without_probes(agent: Agent) -> Agent:
    """Return an agent that pins no probes, so that its suite may be any cases."""
    terms = agent.card.evals.model_copy(update={"probes": 0})
    return replace(agent, card=agent.card.model_copy(update={"evals": terms}))
