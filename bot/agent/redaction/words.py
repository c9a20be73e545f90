"""Words and quotations at a place of a text, without the signs around them."""

import re

from bot.agent.redaction import speech
from bot.agent.redaction.found import Secret
from bot.agent.redaction.view import COVER, View

WORD = re.compile(r"[!-~\u00a1-\u02af\u0370-\u03ff\u0400-\u04ff]+")
"A run of characters without a space, in scripts that have spaces."
LETTERS = re.compile(r"[a-zà-ɏß]+(?:['-][a-zà-ɏß]+)*")
OPENING = re.compile(r"(?:[\s*_~(\[<>]|```?\w{0,10}\n)*")
"Markup, brackets and line breaks before a value."
SENTENCE_END = re.compile(r"[.!?](?:\s|$)|\n\s*\n|\u3002")
CLAUSE_END = re.compile(rf"[\s\"'`*_~)\]]*(?:$|[.,;:!?)\n(\u2026]|-\s|(?:{speech.CLAUSE})\b)")
_QUOTED = re.compile(r"\"([^\"\n]{2,128})\"|'([^'\n]{3,128})'(?!\w)|`{1,3}\s*([^`]{2,128}?)\s*`{1,3}")
_QUOTES = frozenset("\"'`")
_BEFORE, _AFTER = "([{<>\"'`*_~|,;:", ".,;:)]}>\"'`*_~|"
LONGEST = 4096
"Most characters of a value that was pasted after the name of a password."
PLAIN_WORDS = 4
"Most words like `now` and `still` between `is` and a value."


def opened(view: View, at: int) -> int:
    """Return where a value begins, after markup and brackets."""
    if view.low[at : at + 1].isalnum():
        return at
    opening = OPENING.match(view.low, at)
    return opening.end() if opening else at


def word_at(view: View, at: int, *, assigned: bool = False) -> Secret | None:
    """Return the word that begins at a place, if it is not too long; an assigned one ends at `&` or `;`."""
    word = WORD.match(view.text, at, at + LONGEST + 1)
    if word is None or len(word.group()) > LONGEST:
        return None
    ends = [view.text.find(sign, at, word.end()) for sign in ";&"] if assigned else []
    return stripped(view, at, min([end for end in ends if end > at] or [word.end()]))


def stripped(view: View, start: int, end: int) -> Secret | None:
    """Return a word without punctuation, quotation marks and markup around it."""
    while start < end and view.text[start] in _BEFORE:
        start += 1
    while start < end and view.text[end - 1] in _AFTER:
        end -= 1
    return Secret("password", start, end) if start < end else None


def quoted(view: View, at: int) -> Secret | None:
    """Return what is in quotation marks at a place, unless it describes a password."""
    match = _QUOTED.match(view.low, at) if view.low[at : at + 1] in _QUOTES else None
    if match is None or COVER in match.group():
        return None
    words = LETTERS.findall(match.group())
    if words and all(map(speech.is_plain, words)) and not any(c.isdecimal() for c in match.group()):
        return None
    return Secret("password", *match.span(match.lastindex or 0))


def past_plain(view: View, at: int) -> int:
    """Return the place after a few words like `now` and `still`."""
    for _ in range(PLAIN_WORDS):
        word = LETTERS.match(view.low, at)
        if word is None or not speech.is_plain(word.group()) or not view.low[word.end() : word.end() + 1].isspace():
            break
        at = opened(view, word.end())
    return at
