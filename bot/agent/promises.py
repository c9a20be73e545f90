"""Does a reply promise a person, or a later act, that nobody has arranged? Words only (`promises.yaml`).

The agent's part ends with its reply, so whatever it says it will do, or that a colleague will do, happens
only if it has called `hand_off`; then there is no reply.
"""

from functools import cache
from pathlib import Path

from bot.agent import phrases
from bot.agent.phrases import LanguagePhrases


def promises_a_person(text: str) -> bool:
    """Say if a reply promises a person or a later act."""
    return phrases.found(phrases.plain(text), languages().values())


@cache
def languages() -> dict[str, LanguagePhrases]:
    """Return how a person is promised, by language."""
    return phrases.load(Path(__file__).with_suffix(".yaml"))
