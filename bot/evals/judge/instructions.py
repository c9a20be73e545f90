"""What the judge is told, read from the agent's folder; no model's SDK is needed to look at a suite."""

from bot.agent.card import Agent
from bot.agent.judge_terms import JudgeTerms
from bot.errors import ConfigError, why_unreadable


def instructions_of(agent: Agent, terms: JudgeTerms) -> str:
    """Read the judge's instructions from the agent's folder.

    Raises:
        ConfigError: the file cannot be read, or is empty.
    """
    file = agent.folder / "evals" / terms.prompt
    try:
        written = file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: cannot be read: {why_unreadable(error)}") from error
    if not written.strip():
        raise ConfigError(f"{file}: is empty; expected what the judge is told")
    return written
