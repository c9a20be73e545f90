"""Answers in the language of the question: English, or one of those in `languages.yaml`.

The stand-in works in English. What it says is translated into the asker's language sentence by sentence, and what it
said before is translated back. A sentence without a translation stays English.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bot import yaml_text

ENGLISH, JAPANESE = "en", "ja"
KANA = re.compile("[\u3041-\u30ff]")
"Letters that only Japanese has; it puts no spaces between words."
READ_AT_MOST = 500
"How many characters of a message show its language."


def language_of(*texts: str) -> str:
    """Return the language of the first text whose words show one, or else English."""
    for text in texts:
        if KANA.search(text[:READ_AT_MOST]):
            return JAPANESE
        said = re.findall(r"[a-z']+", _without_accents(text[:READ_AT_MOST]))
        counts: dict[str, int] = {one: sum(word in words for word in said) for one, words in known()["words"].items()}
        best = max(counts, key=lambda one: counts[one])  # of equals the first, which is English
        if counts[best]:
            return best
    return ENGLISH


def into(language: str, text: str) -> str:
    """Translate our English into a language."""
    for english, said in _pairs(language):
        text = text.replace(english, said)
    return text


def back(language: str, text: str) -> str:
    """Translate what we said in a language back into English."""
    for english, said in _pairs(language):
        text = text.replace(said, english)
    return text


def _pairs(language: str) -> Iterator[tuple[str, str]]:
    sentences: dict[str, dict[str, str]] = known()["sentences"]
    return ((english, said[language]) for english, said in sentences.items() if language in said)


def _without_accents(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.replace("\u2019", "'").lower())
    return "".join(one for one in text if not unicodedata.combining(one))


@cache
def known() -> dict[str, Any]:
    """Return the words and sentences of every language, read once."""
    known: dict[str, Any] = yaml_text.load((Path(__file__).parent / "languages.yaml").read_text("utf-8"))
    return known
