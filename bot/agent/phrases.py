"""Tables of phrases in many languages, and how texts are compared with them.

A phrase is a regular expression in its language's own spelling. Accents are removed from texts and phrases alike, so
that hurried spelling matches too. Gaps in phrases are bounded: a very long text takes time in proportion to its length.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

from bot import yaml_text

LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "\u0131": "i", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe"}
    | dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-")
    | dict.fromkeys("\u3001\u3002", ", ")
)
"Letters that are more than a letter with an accent, and what people type for quotes, dashes and stops."
ACCENTS = re.compile("[\u0300-\u036f]")
"Accents of Latin, Greek and Cyrillic; the marks that turn one kana into another are kept."
MARKUP = re.compile("[*_~]")
AROUND = 90
"How many characters before and after a phrase are checked for words that change its meaning."


@dataclass(frozen=True, slots=True)
class LanguagePhrases:
    """The phrases of one language."""

    phrase: re.Pattern[str]
    unless_before: re.Pattern[str]
    unless_after: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Row:
    """One language in a file."""

    phrases: list[str]
    words: Mapping[str, list[str]] = field(default_factory=dict)
    unless_before: list[str] = field(default_factory=list)
    unless_after: list[str] = field(default_factory=list)
    spaced: bool = True
    "Whether words are separated by spaces."


def load(file: Path) -> dict[str, LanguagePhrases]:
    """Read a table of phrases, by language."""
    return dict(_table(file.read_text("utf-8")))


def load_groups(file: Path) -> dict[str, dict[str, LanguagePhrases]]:
    """Read a file of several tables of phrases, by what they are about and by language."""
    return dict(_groups(file.read_text("utf-8")))


def found(text: str, languages: Iterable[LanguagePhrases]) -> bool:
    """Return whether a plain text holds a phrase of any of these languages that nothing around it cancels."""
    return any(_counts(text, match, language) for language in languages for match in language.phrase.finditer(text))


def plain(text: str) -> str:
    """Return a text in the form that phrases expect: lower case, no accents, no markup, single spaces, lines kept."""
    lines = folded(MARKUP.sub("", unescape(text)).lower()).splitlines()
    return "\n".join(" ".join(line.split()) for line in lines)


def folded(text: str) -> str:
    """Return a text without accents, with one kind of quote and one of dash."""
    bare = ACCENTS.sub("", unicodedata.normalize("NFKD", text.translate(LETTERS)))
    return unicodedata.normalize("NFC", bare)


def _counts(text: str, match: re.Match[str], language: LanguagePhrases) -> bool:
    before = text[max(0, match.start() - AROUND) : match.start()]
    after = text[match.end() : match.end() + AROUND]
    if after.startswith(("'", '"')) and not after.startswith("'s"):
        return False  # in quotation marks it is the name of something, or somebody else's words
    return not language.unless_before.search(before) and not language.unless_after.match(after)


@lru_cache(maxsize=16)
def _table(text: str) -> Mapping[str, LanguagePhrases]:
    return _languages(yaml_text.load(text))


@lru_cache(maxsize=16)
def _groups(text: str) -> Mapping[str, dict[str, LanguagePhrases]]:
    """Cached by the text: agents have the same tables, and the cards are read again whenever one changes."""
    groups: dict[str, dict[str, Any]] = yaml_text.load(text)
    return {name: _languages(rows) for name, rows in groups.items()}


def _languages(rows: Mapping[str, Any]) -> dict[str, LanguagePhrases]:
    return {name: _language(_Row(**row)) for name, row in rows.items()}


def _language(row: _Row) -> LanguagePhrases:
    edged = r"(?<!\w)(?:{})(?!\w)" if row.spaced else "(?:{})"
    never = ["(?!)"]
    return LanguagePhrases(
        phrase=re.compile(edged.format(_any(row.phrases, row))),
        unless_before=re.compile(f"(?:{_any(row.unless_before or never, row)})$"),
        unless_after=re.compile(_any(row.unless_after or never, row)),
    )


def _any(phrases: Iterable[str], row: _Row) -> str:
    joined = "|".join(phrases)
    for _ in row.words:  # a list may use other lists, in any order
        for name, words in row.words.items():
            joined = joined.replace(f"<{name}>", f"(?:{'|'.join(words)})")
    return folded(joined)
