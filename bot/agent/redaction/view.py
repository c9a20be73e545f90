"""A text as rules read it: plain visible characters, each with its place in the original.

Full-width letters, typographic quotes, zero-width characters and combining accents would hide a secret from any rule.
What has been replaced already is covered, so that it is never taken for something else.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

KINDS = (
    "password",
    "secret",
    "code",
    "email",
    "phone",
    "card",
    "bank account",
    "social security number",
    "identity number",
    "date of birth",
    "address",
)
"The kinds of secrets, which replace them in brackets."
COVER = "\N{OBJECT REPLACEMENT CHARACTER}"
"Replaces in a view what is redacted already."
PAGE = "\N{INTERLINEAR ANNOTATION TERMINATOR}"
"Replaces the address of a page where it must not be taken for a login name."
_MARK = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
_SAME = (
    dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u00b4\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u300c\u300d\u300e\u300f\u2033", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u2192\u21d2\u279c\u27a1", ">")
    | {"\u3000": " ", "\u2215": "/", "\u2044": "/", "\ufffc": " "}
)
_JOINING = re.compile("[\u0300-\u036f\u3099\u309a]")
"Accents that follow their letter, of Latin and of kana."


@dataclass(frozen=True, slots=True)
class View:
    """A text in the form that rules read."""

    text: str
    low: str
    "The text in lower case and without accents, character for character."
    starts: Sequence[int]
    "Where each character begins in the original, and as the last entry where the original ends."

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the view is in the original."""
        return self.starts[start], self.starts[end]

    def covered(self, spans: Iterable[tuple[int, int]], sign: str = COVER) -> "View":
        """Return the view with parts covered, so that no rule reads them as words."""
        text, low = list(self.text), list(self.low)
        for start, end in spans:
            text[start:end] = low[start:end] = sign * (end - start)
        return View("".join(text), "".join(low), self.starts)


def look_at(text: str) -> View:
    """Return a text in the form that rules read."""
    covered = _MARK.sub(lambda mark: COVER * len(mark.group()), text.replace(COVER, " "))
    if covered.isascii():
        return View(covered, covered.lower(), range(len(covered) + 1))
    shown: list[str] = []
    starts: list[int] = []
    for at, char in enumerate(covered):
        plain = char if char.isascii() else _plain(char)
        if not plain:
            continue
        if shown and _JOINING.match(plain):
            joined = unicodedata.normalize("NFC", shown[-1] + plain)
            if len(joined) == 1:
                shown[-1] = joined
                continue
        shown.append(plain)
        starts.append(at)
    starts.append(len(covered))
    return View("".join(shown), "".join(map(low, shown)), starts)


@lru_cache(maxsize=4096)
def low(char: str) -> str:
    """Return a character in lower case, and a Latin letter without its accent."""
    small = char.lower()
    bare = unicodedata.normalize("NFD", small)[0]
    small = bare if bare.isascii() else small
    return small if len(small) == 1 else char


@lru_cache(maxsize=4096)
def folded(words: str) -> str:
    """Return words of a table in the form in which `View.low` holds them."""
    return "".join(map(low, (_plain(char) or char for char in unicodedata.normalize("NFC", words))))


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    """Return the plain character for one, or nothing if it is invisible."""
    if char == COVER:
        return char
    same = _SAME.get(char)
    if same is not None:
        return same
    if unicodedata.category(char) in ("Cf", "Mn") and not _JOINING.match(char):
        return ""
    meant = unicodedata.normalize("NFKC", char)
    return meant if len(meant) == 1 else char
