"""How people speak of passwords, from `speech.yaml`: which words are no password, and which lead to one."""

from collections.abc import Iterable
from typing import Any

from bot.agent.redaction.tables import WordTable, rows
from bot.agent.redaction.view import folded

_ROWS: dict[str, Any] = rows(__file__)


def _any(words: Iterable[str]) -> str:
    """Return words as one pattern, the longest first."""
    return "|".join(sorted(map(folded, words), key=len, reverse=True))


def _every(name: str) -> Iterable[str]:
    return (word for words in _ROWS[name].values() for word in words)


IS, UNITS = _any(_every("is")), _any(_every("units"))
OF, MINE, AS, AND, CLAUSE, GOES_ON, YEARLY = (
    _any(_ROWS[name]) for name in ("of", "mine", "as", "and", "clause", "goes_on", "yearly")
)
TRIED, FAILED = WordTable({"tried": _ROWS["tried"]}), WordTable({"failed": _ROWS["failed"]})
THINGS = frozenset(map(folded, _ROWS["things"].split()))
"Things with a number in their name: products, machines, units."
_PLAIN = frozenset(folded(word) for words in _ROWS["plain"].values() for word in words.split())
_ENDINGS = tuple(_every("endings"))
LONGEST = max(map(len, _PLAIN))


def is_plain(word: str) -> bool:
    """Return whether a word describes a password without being one."""
    return len(word) <= LONGEST and folded(word) in _PLAIN


def describes(word: str) -> bool:
    """Return whether a word, as it was written, describes a password: `expired`, `abgelaufen`, `refusé`."""
    return is_plain(word) or (word[:1].islower() and word.endswith(_ENDINGS))
