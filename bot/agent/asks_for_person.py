"""Did somebody ask for a person? Code sees it (`asks_for_person.yaml`), so that it is honoured without a model.

It keeps quiet unless the wish is plain: "another person signed in", "I don't need a person" and "do I have
to talk to somebody?" are no wish. What this leaves alone the model still reads.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from bot.agent import phrases
from bot.agent.phrases import LanguagePhrases
from bot.store.schema import InboxEvent, InboxKind

QUOTED_OR_PASTED = re.compile(r"^[ \t]*(?:>|&gt;).*$|```[^`]*```|<[@#!][^<>\n]{1,80}>", re.MULTILINE)
"What they quote or paste, and the mention by which they call the bot."
QUOTE = 300
"Characters of a requester's words in a summary."


def summary_if_asked(heard: Sequence[InboxEvent]) -> str | None:
    """Return the summary of a handoff that somebody has plainly asked for, whatever the model would make of it."""
    wished = [event.text for event in heard if event.kind is InboxKind.MESSAGE and wants_person(event.text)]
    if not wished:
        return None
    words = " ".join(" ".join(wished).split())
    quote = words if len(words) <= QUOTE else f"{words[:QUOTE]}\N{HORIZONTAL ELLIPSIS}"
    return f'They asked for a person: "{quote}"'


def wants_person(text: str) -> bool:
    """Say if a requester asks plainly for a person."""
    return phrases.found(phrases.plain(QUOTED_OR_PASTED.sub("", text)), languages().values())


@cache
def languages() -> dict[str, LanguagePhrases]:
    """Return how people ask for a person, by language."""
    return phrases.load(Path(__file__).with_suffix(".yaml"))
