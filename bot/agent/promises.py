"""Does a reply promise a person, or a later act, that has not been arranged? Words only (`promises.yaml`).

The agent's part ends with its reply. Whatever the reply says that the agent or a colleague will do happens only after a
call of `hand_off`, and then there is no reply.
"""

from functools import cache
from pathlib import Path

from bot.agent import phrases
from bot.agent.phrases import LanguagePhrases


def promises_a_person(text: str) -> bool:
    """Return whether a reply promises a person or a later act."""
    return phrases.found(phrases.plain(text), languages().values())


@cache
def languages() -> dict[str, LanguagePhrases]:
    """Return the phrases that promise a person, by language."""
    return phrases.load(Path(__file__).with_suffix(".yaml"))
