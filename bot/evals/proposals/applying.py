"""Puts an accepted case into a folder of agents, when a person says so: a changed suite has no verdict."""

from bot import file_changes
from bot.agent.card import Agent
from bot.agent.suite_files import FOLDER
from bot.evals.proposals.checking import CheckedCase
from bot.file_changes import Change


def apply(agent: Agent, checked: CheckedCase) -> tuple[str, ...]:
    """Write the files of a checked case into an agent's folder, all of them or none; return their names.

    Raises:
        ConfigError: a file has changed since it was checked, or cannot be written.
    """
    folder = agent.folder / FOLDER
    file_changes.write([Change(folder / name, checked.before.get(name), text) for name, text in checked.after.items()])
    return tuple(sorted(checked.after))
