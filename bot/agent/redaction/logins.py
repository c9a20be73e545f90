"""Passwords next to a login name: `bob:hunter2`, "my login is bob / hunter2", `curl -u bob:hunter2`."""

import re
from collections.abc import Iterable, Iterator

from bot.agent.redaction import speech
from bot.agent.redaction.found import Secret
from bot.agent.redaction.looks import Look, look
from bot.agent.redaction.names import NamedPlaces
from bot.agent.redaction.view import COVER, PAGE, View
from bot.agent.redaction.words import stripped

_SECOND = r"(?P<password>[!-~\u00a1-\u024f]{3,80})"
_PAIR = re.compile(
    rf"(?<![\w/@.:\ufffc{PAGE}-])(?P<user>[A-Za-z\u00c0-\u024f][\w.+-]{{1,40}}|\ufffc+)(?:\s?[:|]\s?|\s?/\s?)" + _SECOND
)
_COMMAND = re.compile(
    r"(?:-u|--user|--proxy-user|-U)[ =]?[\"']?[^\s:\"'\ufffc]{1,64}:(?P<password>[^\s\"'\ufffc]{1,128})"
    r"|(?:sshpass|mysql(?:dump)?)\b[^\n]{0,60}? -p ?[\"']?(?P<option>[^\s\"'-][^\s\"']{2,127})"
    r"|(?<!\w)u(?:ser)?[:=]\s?[^\s\ufffc]{2,64}[,;]?\s{1,2}p(?:ass|w)?[:=]\s?(?P<short>[^\s\ufffc]{3,128})",
    re.IGNORECASE,
)
_GIVEN = re.compile(
    rf"[\s:=*_~\"'`>(-]*+(?:(?:{speech.IS}|{speech.AS}|{speech.AND}|は)[:\s]++[\s\"'`*]*+)?"
    r"(?P<user>[\w.+\\-]{2,40}|\ufffc+)[\"'`*]*"
    rf"(?P<gap>\s*[:/|,;]\s*|\s+(?:{speech.AND})\s+|\s*[と、]\s*|[^\S\n]*\n\s*)[\"'`*]*" + _SECOND
)
_CODE = re.compile(r"[(){}\[\];|\\]|[a-z]=")
"Signs of text that a machine wrote: a header, a pattern."
_LABELS = frozenset({"http", "https", "localhost"})
LEAST = 5
"Fewest characters of a password that only a login name points to."


def find(reading: NamedPlaces, pages: Iterable[tuple[int, int]]) -> Iterator[Secret]:
    """Find passwords next to login names.

    Args:
        reading: the text.
        pages: where links and mentions are: they are no login names, and what follows one is its label.
    """
    for command in _COMMAND.finditer(reading.view.text):
        yield Secret("password", *command.span(command.lastgroup or 0))
    yield from _named(reading)
    yield from _pairs(reading.view.covered(pages, PAGE))


def _named(reading: NamedPlaces) -> Iterator[Secret]:
    """Find a password after `my login is ...`; where only a sign separates the two, a plain word counts as one."""
    view = reading.view
    for name in reading.names.found:
        match = _GIVEN.match(view.text, name.end) if name.kind in ("login", "user") else None
        word = None if match is None else stripped(view, *match.span("password"))
        if match is None or word is None or speech.is_plain(match["user"]):
            continue
        bare = view.text[word.start : word.end]
        signed = name.kind == "login" and match["gap"].strip() in tuple(":/|;")
        fits = look(bare) is not Look.THING and not speech.describes(bare) if signed else look(bare) >= Look.MIXED
        inside = reading.names.behind(match.start("user"))
        if fits and (inside is None or inside.start >= word.end):
            yield word


def _pairs(view: View) -> Iterator[Secret]:
    """Find pairs, whatever the words around them; next to a mail address any word counts as a password."""
    for match in _PAIR.finditer(view.text):
        word = stripped(view, *match.span("password"))
        whole = stripped(view, *match.span())
        if word is None or whole is None or _is_label(match["user"]):
            continue
        bare = view.text[word.start : word.end]
        looks = Look.THING if _CODE.search(bare) else look(bare)
        fits = (looks >= Look.MIXED and len(bare) >= LEAST) or (
            COVER in match["user"] and looks is not Look.THING and not speech.describes(bare)
        )
        if fits and look(view.text[whole.start : whole.end]) is not Look.THING:
            yield word


def _is_label(user: str) -> bool:
    """Return whether the word before a colon is a label for what follows, as in `Error: x2y`."""
    low = user.lower()
    return low in speech.THINGS or low in _LABELS or speech.is_plain(low)
