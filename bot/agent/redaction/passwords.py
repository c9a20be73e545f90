"""Passwords after a word for them: "my password is ...", "pw: ...", "... ist mein Passwort"."""

import re
from collections.abc import Iterator

from bot.agent.redaction import speech
from bot.agent.redaction.found import Secret
from bot.agent.redaction.looks import Look, look
from bot.agent.redaction.names import PASSWORDS, NamedPlaces
from bot.agent.redaction.tables import TableWord
from bot.agent.redaction.view import View
from bot.agent.redaction.words import CLAUSE_END, LETTERS, opened, past_plain, quoted, word_at

_OF_WHAT = r"(?!and\b|but\b|or\b)[\w'-]++"
_OF = rf"(?:\s+(?:{speech.OF})\s+{_OF_WHAT}(?:\s+{_OF_WHAT}){{0,3}}?|\s*\([^()\n]{{1,40}}\))?"
_SIGN = r"[\s*_~\"'`)\]]{0,6}(?::=|:|=>?|-+>|>|\s-+\s)[\s*_~:=>-]*"
_LEAD = re.compile(
    rf"{_OF}(?:(?P<sign>{_SIGN})|\s*(?<!\w)(?:{speech.IS})(?![\w'])[\s:=*_~-]*"
    r"|\s*(?P<particle>は|が|を|って|とは|として|に)\s*)"
)
"The words between the name and the value: what it is the password of, and `is`, a sign, or a Japanese particle."
_JAPANESE = re.compile(
    r"[^\s\ufffc。、「」()]{2,24}?(?=です|でした|だ[とがけよ。\s]|なの|なん|のはず|に(?:変更|しま|設定)|と(?:入|打)|[。、\s]|$)"
)
_COUNTED = re.compile(rf"\d+(?:{speech.UNITS})")
_GOES_ON = re.compile(rf"\s(?:{speech.GOES_ON})\b")
_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")
REACH = 30
"Most characters between a login's name and the word for its password."
SHORT_PHRASE, LONG_PHRASE, LEAST_PHRASE = 7, 24, 3
"How many words a password phrase may have: in one line, in a recovery phrase, and at least."
LEAST_MIXED, LEAST_ODD = 4, 6


def find(reading: NamedPlaces) -> Iterator[Secret]:
    """Find what the text calls a password."""
    for name in reading.names.found:
        if name.kind in PASSWORDS:
            lead = _LEAD.match(reading.view.low, name.end)
            given = None if lead is None else _given(reading.view, name, lead)
            given = given or _beside(reading, name)
            if given is not None:
                yield given


def _given(view: View, name: TableWord, lead: re.Match[str]) -> Secret | None:
    """Return what comes after `is` or a colon, unless it only describes the password."""
    at = opened(view, lead.end())
    if lead["particle"] is not None:
        return quoted(view, at) or _japanese(view, at, only_mixed=lead["particle"] != "は")
    phrase = quoted(view, at) or _phrase(view, at, most=SHORT_PHRASE if name.kind == "password" else LONG_PHRASE)
    if phrase is not None:
        return phrase
    behind = past_plain(view, at)
    return quoted(view, behind) or _word(view, behind, sign=lead["sign"], plain=behind > at)


def _word(view: View, at: int, *, sign: str | None, plain: bool) -> Secret | None:
    """Return the word at a place if it can be the password."""
    word = word_at(view, at, assigned=sign is not None and sign.strip() == "=")
    if word is None:
        return None
    bare = view.text[word.start : word.end]
    looks = look(bare)
    if looks >= Look.MIXED and len(bare) >= LEAST_MIXED:
        return word
    if plain or len(bare) < LEAST_PHRASE:
        return None
    if looks is Look.THING:
        return word if _is_odd(bare) else None
    if bare.isdecimal() or speech.is_plain(bare) or bare.lower().endswith("n't"):
        return None
    if CLAUSE_END.match(view.low, word.end):
        return word if sign is not None or not speech.describes(bare) else None
    goes_on = sign is None and _GOES_ON.match(view.low, word.end)
    return word if goes_on and not speech.describes(bare) else None


def _is_odd(bare: str) -> bool:
    """Return whether a word in the form of a ticket number can be a password: it has letters and digits."""
    mixed = _LETTER.search(bare) is not None and _DIGIT.search(bare) is not None
    return mixed and len(bare) >= LEAST_ODD and bare[0] not in "@#[</" and "." not in bare


def _phrase(view: View, start: int, *, most: int) -> Secret | None:
    """Return three or more words up to the end of their clause, unless they describe a password."""
    at, words, plain, strict = start, 0, 0, most == SHORT_PHRASE
    while words < most:
        word = LETTERS.match(view.low, at)
        if word is None:
            return None
        said = view.text[word.start() : word.end()]
        if strict and not speech.is_plain(said) and speech.describes(said):
            return None
        words, at, plain = words + 1, word.end(), plain + speech.is_plain(said)
        if CLAUSE_END.match(view.low, at):
            break
        if view.low[at] != " ":
            return None
        at += 1
    few = plain * 4 <= words if strict else plain * 2 < words
    return Secret("password", start, at) if words >= LEAST_PHRASE and few else None


def _japanese(view: View, at: int, *, only_mixed: bool) -> Secret | None:
    """Return what comes after a particle, up to the verb, if it holds Latin letters or digits."""
    word = word_at(view, at)
    if word is not None:
        bare = view.text[word.start : word.end]
        plain = not only_mixed and bare.isalpha() and len(bare) > LEAST_MIXED and look(bare) is Look.WORD
        return word if plain or look(bare) >= Look.MIXED else None
    value = None if only_mixed else _JAPANESE.match(view.text, at)
    if value is None or _COUNTED.search(value.group()) or not re.search(r"[a-zA-Z]|\d{3}", value.group()):
        return None
    return Secret("password", *value.span())


def _beside(reading: NamedPlaces, name: TableWord) -> Secret | None:
    """Return the word right next to the name, if it looks like a password or a login name comes before it."""
    view, at = reading.view, opened(reading.view, name.end)
    if at == name.end and view.low[at : at + 1] not in "\"'`":
        return None
    word = quoted(view, at) or word_at(view, at)
    if word is None or view.text[word.start - 1] in "\"'`":
        return word
    bare = view.text[word.start : word.end]
    if look(bare) >= Look.MIXED and len(bare) >= LEAST_MIXED:
        return word
    plain = look(bare) is Look.WORD and len(bare) > LEAST_PHRASE and not speech.describes(bare)
    return word if plain and _has_login(reading, name) and CLAUSE_END.match(view.low, word.end) else None


def _has_login(reading: NamedPlaces, name: TableWord) -> bool:
    """Return whether a login name is between the word for it and the word for its password."""
    login = reading.names.before(name.start)
    if login is None or login.kind not in ("user", "login") or name.start - login.end > REACH:
        return False
    return len(reading.view.low[login.end : name.start].split()) in (1, 2)
