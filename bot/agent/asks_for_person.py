"""Did somebody ask for a person? Code checks it (`asks_for_person.yaml`), so the request is met without a model.

Only plain requests count: "another person signed in", "I don't need a person" and "do I have to talk to somebody?" are
none. The model still reads whatever this ignores.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from bot import markup
from bot.agent import phrases
from bot.agent.phrases import LanguagePhrases
from bot.store.schema import InboxEvent, InboxKind

QUOTED_OR_PASTED = re.compile(r"^[ \t]*(?:>|&gt;).*$|```[^`]*```|<[@#!][^<>\n]{1,80}>", re.MULTILINE)
"What a requester quotes or pastes, and the mention with which they call the bot."
QUOTE = 300
"How many characters of a requester's words a summary quotes."


def summary_if_asked(heard: Sequence[InboxEvent]) -> str | None:
    """Return the summary of a handoff that somebody has plainly asked for, whatever the model would make of it."""
    wished = [event.text for event in heard if event.kind is InboxKind.MESSAGE and wants_person(event.text)]
    if not wished:
        return None
    words = " ".join(" ".join(wished).split())
    quote = words if len(words) <= QUOTE else f"{words[:QUOTE]}\N{HORIZONTAL ELLIPSIS}"
    return f'They asked for a person: "{quote}"'


def wants_person(text: str) -> bool:
    """Return whether a requester plainly asks for a person."""
    return phrases.found(phrases.plain(QUOTED_OR_PASTED.sub("", markup.without_names(text))), languages().values())


@cache
def languages() -> dict[str, LanguagePhrases]:
    """Return how people ask for a person, by language."""
    return phrases.load(Path(__file__).with_suffix(".yaml"))
