"""Tokens, keys and codes that hold letters, after the word that says what they are."""

import re
from collections.abc import Iterator

from bot.agent.redaction import speech
from bot.agent.redaction.found import Secret
from bot.agent.redaction.looks import Look, look
from bot.agent.redaction.names import NamedPlaces
from bot.agent.redaction.tables import TableWord
from bot.agent.redaction.view import View
from bot.agent.redaction.words import word_at

_LEAD = re.compile(
    rf"[\s\"'`*_~)\]]{{0,6}}(?:(?::=|:|=|-+>|>)|(?<!\w)(?:{speech.IS})(?![\w'])|は|が|を)?[\s\"'`*_~:=(>-]*"
)
_TOKEN = re.compile(r"[\w.~+/=%!@#$^&*-]{6,4096}", re.ASCII)
_ITEM = re.compile(r"[A-Za-z0-9]{3,}(?:-[A-Za-z0-9]{2,}){0,9}", re.ASCII)
_SPACED = re.compile(r"[a-z0-9]{4}(?: [a-z0-9]{4}){3,7}(?![\w-])", re.ASCII)
_BETWEEN = re.compile(rf"(?:[\s,;|/\"'`*_>•·、]|-\s|\d{{1,2}}[.)]\s|(?:{speech.AND})\s){{0,12}}")
_CODE = re.compile(
    r"(?=[A-Za-z-]{0,12}\d)(?=[\d-]{0,12}[A-Za-z])[A-Za-z0-9]{3,10}(?:-[A-Za-z0-9]{3,10}){0,3}(?![\w-])", re.ASCII
)
_WORD = re.compile(r"[a-zß']+")
_LEAST_PLAIN = 16
_GROUP = 4
LEAST_PASSCODE = 5
NEAR = 36
"Most characters between a name and a key that has a form of its own."


def find(reading: NamedPlaces) -> Iterator[Secret]:
    """Find what follows the names of tokens, codes and recovery keys; a name inside such a find is not followed."""
    view, done = reading.view, 0
    for name in reading.names.found:
        if name.start < done:
            continue
        match name.kind:
            case "token":
                found = _token(view, name)
            case "recovery":
                found = _keys(view, name)
            case "code" | "pin":
                found = _code(view, name)
            case _:
                found = None
        if found is not None:
            done = found.end
            yield found


def _token(view: View, name: TableWord) -> Secret | None:
    at = _past(view, name.end)
    match = _TOKEN.match(view.text, at)
    value = "" if match is None else match.group().rstrip(".,;")
    return Secret("secret", at, at + len(value)) if _is_key(value) else None


def _is_key(value: str) -> bool:
    digits = any(c.isdecimal() for c in value)
    letters = any(c.isalpha() for c in value)
    return letters and (
        digits or (len(value) >= _LEAST_PLAIN and not value.isalpha()) or len(value) >= 2 * _LEAST_PLAIN
    )


def _keys(view: View, name: TableWord) -> Secret | None:
    """Find a key, or a list of codes one after the other."""
    at = _past(view, name.end)
    spaced = _SPACED.match(view.low, at)
    if spaced is not None:
        return Secret("code", *spaced.span())
    first = _ITEM.match(view.text, at)
    if first is None or not _is_item(first.group()):
        loose = _ITEM_LOOSE.search(view.text, name.end, name.end + NEAR + 64)
        if loose is None or loose.start() - name.end > NEAR:
            return None
        at = loose.start()
    start, end = at, at
    while True:
        item = _ITEM.match(view.text, at)
        if item is None or not _is_item(item.group()):
            break
        end = item.end()
        between = _BETWEEN.match(view.low, end)
        at = between.end() if between else end
        if at == end:
            break
    return Secret("code", start, end) if end > start else None


_ITEM_LOOSE = re.compile(
    r"(?<![\w-])(?=[a-zA-Z-]{0,20}\d)[A-Za-z0-9]{4,}(?:-[A-Za-z0-9]{4,}){1,9}(?![\w-])|(?<![\w-])[A-Z2-7]{16,}(?![\w-])",
    re.ASCII,
)


def _is_item(item: str) -> bool:
    """Return whether a word is a code of a list: it holds a digit, or is capitals only, as an authenticator's."""
    bare = item.replace("-", "")
    return len(bare) >= _GROUP and (bare.isupper() or any(c.isdecimal() for c in bare))


def _code(view: View, name: TableWord) -> Secret | None:
    """Find a code of letters and digits after its name; a passcode may look like any password."""
    at = _past(view, name.end)
    word = None if at == name.end else word_at(view, at)
    if word is None:
        return None
    bare = view.text[word.start : word.end]
    capitals = _CODE.fullmatch(bare) is not None and (bare.upper() == bare or "-" in bare)
    fits = capitals or (look(bare) >= Look.MIXED and len(bare) >= LEAST_PASSCODE)
    return Secret("code", word.start, word.end) if fits else None


def _past(view: View, at: int) -> int:
    """Return where the value begins: after `is`, a colon and up to three words like `now`."""
    lead = _LEAD.match(view.low, at)
    at = lead.end() if lead else at
    for _ in range(3):
        word = _WORD.match(view.low, at)
        if word is None or not speech.is_plain(word.group()):
            break
        gap = _LEAD.match(view.low, word.end())
        if gap is None or gap.end() == word.end():
            break
        at = gap.end()
    return at
