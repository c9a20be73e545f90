"""Did somebody ask for a person? Seen by code (`wishes.yaml`), so that it is honoured at once, without a model.

It keeps quiet unless the wish is plain: "another person signed in", "I don't need a person" and "do I have
to talk to somebody?" are no wish. What this leaves alone the model still reads.
"""

import re
from functools import cache
from pathlib import Path

from bot.agent import phrases
from bot.agent.phrases import Tongue

NOT_THEIRS = re.compile(r"^[ \t]*(?:>|&gt;).*$|```[^`]*```|<[@#!][^<>\n]{1,80}>", re.MULTILINE)
"What they quote or paste, and the mention by which they call the bot."


def wants_person(text: str) -> bool:
    """Tell whether a requester's words say plainly that they want a person."""
    return phrases.found(phrases.plain(NOT_THEIRS.sub("", text)), tongues().values())


@cache
def tongues() -> dict[str, Tongue]:
    """Return how people ask for a person, by language."""
    return phrases.load(Path(__file__).with_suffix(".yaml"))
