"""Passwords without a word for them: "I tried ...", "it keeps rejecting ...", or only the word itself."""

import re
from collections.abc import Iterable, Iterator

from bot.agent.redaction import speech
from bot.agent.redaction.found import Secret
from bot.agent.redaction.looks import Look, look
from bot.agent.redaction.names import PASSWORDS, NamedPlaces
from bot.agent.redaction.words import SENTENCE_END, WORD, stripped

_JOINED = re.compile(rf"[\s,/\"'`*]*(?:{speech.AND})?[\s\"'`*]*")
_TURNED = re.compile(
    rf"[\s\"'`*_~(\[<>-]*(?:(?:{speech.IS}|{speech.AS})(?:\s+|(?<=う|て))(?:{speech.MINE})?|が|は|を(?:新しい)?)\s*(?:\w+\s+){{0,2}}"
)
"The words between a password and its name: `hunter2 is my old password`."
_FEW_WORDS = re.compile(r"\W*(?:[\w.@'-]+\W+){0,2}")
_ONE_WORD = re.compile(r"[\s:#\"'`*]*(?:\w+\s)?[\"'`*]*")
_NO_WORD = re.compile(r"[\s\"'`*_),!?-]*")
_MACHINE = re.compile(r"[a-z]{2,12}(?:-[a-z]{1,12})*-?\d{1,3}")
_WHERE = re.compile(r"(?<!\w)(?:on|at|auf|an|en|sur|(?:log|sign)[ -]?(?:in|on) ?to)\s+(?:\w+\s+){0,2}[\"'`*_]*$")
_USER = re.compile(r"[a-z]+(?:[._-][a-z]+)*\d{0,3}")
_WHO = re.compile(
    r"(?:(?:log|sign)(?:ged|ging|ned|ning)?[ -]?(?:in|on)(?: \w+){0,2} as|(?:anmeld|einlog|angemeld|eingelog)\w* als"
    r"|(?:sesion|acced\w+|entr\w+) como|connect\w+ (?:en tant que|comme)|als (?:be)?nutzer|al?s user)\s+[\"'`*_]*$"
)
NEAR, REACH, FAR = 12, 30, 64
"Most characters between a password and what shows it to be one: after it, before it, its name."
LEAST = 5


def find(reading: NamedPlaces, others: Iterable[Secret]) -> Iterator[Secret]:
    """Find words that look like a password where the text speaks of one, or somebody signs in with it.

    Args:
        reading: the text.
        others: secrets found so far; a word that a comma or an `and` joins to one of them is another.
    """
    view, last = reading.view, -1
    known = iter(sorted((found.start, found.end) for found in others))
    start, end = next(known, (len(view.text), len(view.text) + 1))
    for match in WORD.finditer(view.text):
        word = None if match.group().isalpha() else stripped(view, *match.span())
        if word is None:
            continue
        while end <= word.start:
            last = max(last, end)
            start, end = next(known, (len(view.text), len(view.text) + 1))
        if start < word.end:
            continue
        bare = view.text[word.start : word.end]
        looks = look(bare)
        if looks < Look.MIXED:
            continue
        long = len(bare) >= LEAST
        joined = 0 < last <= word.start <= last + REACH and bool(_JOINED.fullmatch(view.low, last, word.start))
        alone = looks is Look.STRONG or (looks is Look.LIKELY and not _is_other(reading, word))
        if alone or joined or _spoken_of(reading, word) or (long and _tried(reading, word)):
            last = word.end
            yield word


def _spoken_of(reading: NamedPlaces, word: Secret) -> bool:
    """Return whether the text speaks of a password earlier in the sentence, or right after the word."""
    low, before, behind = reading.view.low, reading.names.before(word.start), reading.names.behind(word.end)
    if before is not None and before.kind == "login" and (_is_machine(reading, word) or _is_user(reading, word)):
        return False
    if before is not None and before.kind in {*PASSWORDS, "login"} and word.start - before.end <= FAR:
        return SENTENCE_END.search(low, before.end, word.start) is None
    if behind is None or behind.kind not in PASSWORDS or behind.start - word.end > FAR:
        return False
    return _TURNED.fullmatch(low, word.end, behind.start) is not None


def _is_machine(reading: NamedPlaces, word: Secret) -> bool:
    """Return whether a word names where somebody signs in: `on fin-app-02`."""
    view = reading.view
    named = _MACHINE.fullmatch(view.text, word.start, word.end) is not None
    return named and _WHERE.search(view.low, max(0, word.start - REACH), word.start) is not None


def _is_user(reading: NamedPlaces, word: Secret) -> bool:
    """Return whether a word names who signs in: `as kmeier2`."""
    view = reading.view
    named = _USER.fullmatch(view.text, word.start, word.end) is not None
    return named and _WHO.search(view.low, max(0, word.start - REACH), word.start) is not None


def _tried(reading: NamedPlaces, word: Secret) -> bool:
    """Return whether somebody tried to sign in with a word; a name of something else before it rules that out."""
    if _is_other(reading, word) or _is_user(reading, word):
        return False
    low = reading.view.low
    before, behind = reading.tried.before(word.start), reading.failed.behind(word.end)
    if before is not None and word.start - before.end <= REACH:
        few = _FEW_WORDS.fullmatch(low, before.end, word.start)
        if few and SENTENCE_END.search(low, before.end, word.start) is None:
            return True
    near = behind is not None and behind.start - word.end <= NEAR
    return behind is not None and near and bool(_NO_WORD.fullmatch(low, word.end, behind.start))


def _is_other(reading: NamedPlaces, word: Secret) -> bool:
    """Return whether the name of something else is right before a word: `ticket`, `user`."""
    name = reading.names.before(word.start)
    if name is None or name.kind not in ("number", "user") or word.start - name.end > FAR:
        return False
    return _ONE_WORD.fullmatch(reading.view.low, name.end, word.start) is not None
