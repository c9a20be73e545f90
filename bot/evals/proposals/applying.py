"""Puts an accepted case into a folder of agents, when a person says so: a changed suite has no verdict."""

from bot import private
from bot.agent.card import Agent
from bot.agent.suite_files import FOLDER
from bot.errors import ConfigError
from bot.evals.proposals.checking import CheckedCase


def apply(agent: Agent, checked: CheckedCase) -> tuple[str, ...]:
    """Write the files of a checked case into an agent's folder; return their names.

    Raises:
        ConfigError: a file has changed since it was checked, or cannot be written.
    """
    folder = agent.folder / FOLDER
    try:
        with private.alone(folder):
            for name, text in checked.before.items():
                if (folder / name).read_text("utf-8") != text:
                    raise ConfigError(f"{folder / name}: it has changed meanwhile. Nothing was written.")
            for name, text in checked.after.items():
                private.clear_beside(folder / name)
                private.put(folder / name, [text.encode()], keep_mode=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from error
    return tuple(sorted(checked.after))
