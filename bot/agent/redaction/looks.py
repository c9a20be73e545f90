"""How a word looks by itself: like any word, like a password, or like nothing but a password."""

import re
from enum import IntEnum
from functools import lru_cache

from bot.agent.redaction import speech
from bot.agent.redaction.view import folded


class Look(IntEnum):
    """What a word may be, by its looks."""

    THING = 0
    "It has the form of something else: a ticket, a version, a file, a product."
    WORD = 1
    "Letters or digits alone: a password only where the text calls it one."
    MIXED = 2
    "Letters and digits, or a sign within: a password if somebody tries to sign in with it."
    LIKELY = 3
    "A name or a noun with a number, as most passwords are: a password unless the text names it as something else."
    STRONG = 4
    "Every kind of character: always a password."


_THING = re.compile(
    r"[A-Z]{1,8}[-_#/]?\d[\d-]*[A-Z]?"  # tickets, errors, knowledge base articles, rooms
    r"|[A-Z0-9]{1,8}(?:[-_/][A-Z0-9]{1,8}){1,5}|[A-Z0-9]+"  # asset tags, serial numbers
    r"|0x[0-9a-fA-F]+|(?=[0-9a-f]*\d)[0-9a-f]{7,64}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|[vV]?\d+(?:[.:,_/-]\d+)+[\w.+-]*|[vV]\d+\w{0,3}|\d{1,5}-?(?:[a-zA-Z]{1,3}|mins?|secs?|hours?|days?|weeks?|years?|times|[mgk]bit|bits?|inch|euros?|core|pack|fach|mal|jahre|horas|fois|[a-z]{0,2}byte)\.?|(?i:1password|7zip|keepass2?)|\d+[.,:]?\d*[%€$£+]|[€$£#+~-]\d[\d.,:-]*"
    r"|\d{4}-\d\d-\d\dT\S+|\d+[hx:]\d+\w{0,2}"
    r"|[\w.+-]+@[A-Za-z][\w-]*(?:\.[\w-]+)+|(?:[\w-]+\.)+[a-zA-Z]{2,12}(?::\d+)?|[\w-]+(?:\.[\w-]+)+\.[a-z]{2,8}(?:/\S*)?"
    r"|\S+\.(?:jpe?g|png|gif|pdf|docx?|xlsx?|pptx?|txt|log|csv|zip|exe|msi|json|ya?ml|py|js|ts|java|html?|xml|mp[34]|eml|msg|iso|dmg|bat|ps1|sh|ini|conf|cfg|bak|heic)(?::\d+)?"
    r"|[A-Za-z]:\\\S*|\\\\\S+|\.{0,2}/\S+|~/\S*|[A-Za-z][\w.-]*(?:/[\w.-]+){2,}/?|[#@]\S+|:\w+:|\S*::\S*|(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}"
    r"|[A-Z]&[A-Z]|[a-z_]\w*(?:\.[a-z_]\w*)*[(\[][\"'].*|[a-z]+(?:\.[a-z_]+)+[(\[].*|[a-z]+(?:\.[a-z]+)*\.[A-Z]+(?:_[A-Z]+)+|%[A-Z_]+%|\w+\(.*|\S*\)\(\S*|[a-z]+_[a-z_]+|[A-Z]+_[A-Z0-9_]+|[A-Za-z]{1,3}\+\+\d*|\+?\d+[-/]\d+|[A-Za-z]+'[a-z]{1,3}|\$\w+\$?|&\w+;"
    r"|(?i:(?:(?:ctrl|control|strg|alt|altgr|option|shift|umschalt|maj|cmd|command|win|windows|fn)\+){1,3}"
    r"(?:[a-z0-9]|f\d{1,2}|del|delete|entf|suppr?|esc|escape|tab|enter|return|space|end|home)|(?:utc|gmt)[+-]\d{1,2}(?::?\d\d)?)"
    r"|[A-Za-z]+[!?.]+[A-Za-z]*|[A-Za-z]+[*~=]+|[A-Za-z]+=(?:true|false|null|none)"
)
_LIKELY = re.compile(
    r"[A-Z\u00c0-\u00de][a-z\u00df-\u024f]{3,}(?:[A-Z][a-z]{2,})*(?:[-_.]?\d{2,4}|\d)[!?#$%&*@=+]{0,3}"
)
_NUMBERED = re.compile(
    r"(?P<name>[a-z]+)(?:[-_./]?\d{0,6}(?:[a-z]{0,3}|pro|max|promax|plus|mini|ultra)(?:[-_./][a-z0-9]{1,12}){0,4})[!?]*"
)
_SIGN = re.compile(r"[A-Za-z0-9][!#$%^&*+@~]+[A-Za-z0-9]")
_RARE = re.compile(
    r"(?:[A-Za-z0-9][!$%^*#&?@]+[A-Za-z0-9]|[A-Za-z][!$%^*#&?@]+\d|\d[!$%^*#&?@=+]+$|[A-Za-z][!$%^*#&?@=+]+$)"
)
_CLASSES = re.compile(r"[a-z]+|[A-Z]+|\d+")
STRONG_LENGTH, MIXED_LENGTH, RANDOM_LENGTH = 8, 4, 10
LONGEST = 256
"Longest password in characters; longer words are not cached either."
CHANGES = 5
"Fewest changes between small letters, capitals and digits in a word that looks random."


def look(word: str) -> Look:
    """Return how a word without punctuation around it looks."""
    return Look.THING if len(word) > LONGEST else _look(word)


@lru_cache(maxsize=8192)
def _look(word: str) -> Look:
    if _THING.fullmatch(word):
        return Look.THING
    letters = any(c.isalpha() for c in word)
    digits = any(c.isdecimal() for c in word)
    if not letters:
        return Look.WORD
    if is_thing(word):
        return Look.THING
    if _is_strong(word, digits=digits):
        return Look.STRONG
    if _LIKELY.fullmatch(word):
        return Look.LIKELY
    mixed = (digits or bool(_SIGN.search(word))) and len(word) >= MIXED_LENGTH
    return Look.MIXED if mixed else Look.WORD


def is_thing(word: str) -> bool:
    """Return whether a word is a product, a machine or a unit with its number."""
    named = _NUMBERED.fullmatch(folded(word))
    return named is not None and named["name"] in speech.THINGS


def _is_strong(word: str, *, digits: bool) -> bool:
    if len(word) < STRONG_LENGTH or not digits or "/" in word or "\\" in word:
        return False
    small, big = any(c.islower() for c in word), any(c.isupper() for c in word)
    if small and big and _RARE.search(word):
        return True
    if (small or big) and re.search(r"[A-Za-z0-9][!$%^*][A-Za-z0-9]", word):
        return True
    runs = _CLASSES.findall(word)
    return small and big and len(word) >= RANDOM_LENGTH and word.isalnum() and len(runs) > CHANGES
