"""What a requester says of a surge that their ticket is linked to: "mine is different", or "it works again".

Code checks it by words alone (`surge_words.yaml`, and `over` in `talk.yaml`), so the model is not asked.
"""

from functools import cache
from pathlib import Path

from bot.agent import phrases
from bot.agent.asks_for_person import QUOTED_OR_PASTED
from bot.agent.phrases import LanguagePhrases

LONGEST = 600
"Most characters of news that all works again; a longer text holds something else."


def says_different(text: str) -> bool:
    """Return whether a requester says that their problem is not the one that many have."""
    return phrases.found(_plain(text), _different().values())


def says_over(text: str) -> bool:
    """Return whether a requester says that their problem is over, and asks nothing."""
    plain = _plain(text)
    return len(plain) <= LONGEST and "?" not in plain and phrases.found(plain, _over().values())


def _plain(text: str) -> str:
    return phrases.plain(QUOTED_OR_PASTED.sub("", text))


@cache
def _different() -> dict[str, LanguagePhrases]:
    return phrases.load(Path(__file__).with_suffix(".yaml"))


@cache
def _over() -> dict[str, LanguagePhrases]:
    return phrases.load_groups(Path(__file__).with_name("talk.yaml"))["over"]
