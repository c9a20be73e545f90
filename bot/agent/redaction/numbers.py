"""Numbers: the word that names one decides whether it is a code, a telephone, an account, or no secret.

The nearest word before it counts: "code 482913" is a code, "ticket 482913" is not. Only telephone numbers are
recognised by their own form, and only where no other word names the number.
"""

import re
from collections.abc import Iterator

from bot.agent.redaction import speech
from bot.agent.redaction.found import Secret
from bot.agent.redaction.names import PASSWORDS, NamedPlaces
from bot.agent.redaction.tables import Places, TableWord
from bot.agent.redaction.view import View

_NUMBER = re.compile(r"(?<![\w.+#$€£-])(?:G-)?[+(]?\d(?:[ ().\-/]{0,2}\d){2,18}(?!\w|[.,:]\d|[%€$£])", re.ASCII)
_DATE = re.compile(
    r"(?<!\d)(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]{1,2}(?:\d{1,2})[-/. ]{1,2}(?:19|20)?\d{2}"
    r"|\d{4}年\d{1,2}月\d{1,2}日"
    r"|\d{1,2}(?:st|nd|rd|th|\.|er)? (?:of |de )?[a-zäéûô]{3,10}\.?,? (?:de )?(?:19|20)\d{2}"
    r"|[a-z]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d{2})(?!\d)"
)
_PHONES = (
    re.compile(r"(?<![\w+])(?:\+|00(?=[1-9]\d[ (]))\d(?:[ ().-]{0,3}\d){7,14}(?!\w)", re.ASCII),
    re.compile(r"(?<![\w.<-])0\d(?:[ .-]\d{2}){4}(?!\w)", re.ASCII),
    re.compile(
        r"(?<![\w.<-])(?!\d+(?:\.\d+){3}\b)\d{0,3}?[ (.-]{0,2}\d{3}[ ).-]{1,2}\d{3}[ .-]\d{4}(?![\w-])"
        r"|(?<![\w.<-])0\d{2,4}[ /.-]{1,3}\d{6,8}(?!\w)|(?<![\w.<-])0\d{2,3}[ /-]\d{3,4}[ -]\d{3,4}(?![\w-])",
        re.ASCII,
    ),
    re.compile(r"(?<![\w.<-])0\d{1,3}-\d{2,4}-\d{4}(?![\w-])", re.ASCII),
    re.compile(
        r"(?<![\w.<-])(?=(?:[ /.-]?\d){9,13}(?![ /.-]?\d))0[1-9]\d{0,3}(?:[ /.-]\d{2,4}){2,4}(?![\w-])", re.ASCII
    ),
    re.compile(r"(?<![\w.<-])(?:0[1-9]\d{8,9}|00[1-9]\d{9,13})(?![\w-])", re.ASCII),
    re.compile(r"(?<![\w.<-])[6-9]\d{2}(?: \d{2}){3}(?! ?[\w€$£%-])", re.ASCII),
    re.compile(
        r"(?<![\w.<-])[6-9]\d{2} \d{3} \d{3}(?! ?[\w€$£%-])|(?<![\w.<-])[6-9]\d \d{3} \d{2} \d{2}(?! ?[\w€$£%-])",
        re.ASCII,
    ),
)
_SENTENCE = re.compile(r"(?<!no)(?<!nr)(?<!tel)(?<!ref)(?<!ext)(?<!geb)(?<!num)[.!?](?:\s|$)|\n\s*\n|\u3002")
_TIGHT = re.compile(
    rf"[\s\"'`*_~(\[:=>#,-]*(?:(?:{speech.IS}|[\w'-]{{1,12}})[\s\"'`*_~(\[:=>,-]+){{0,5}}[はがをにでの]?[\s\"'`*_:-]*"
)
_UNITS = re.compile(rf"[ -]?(?:{speech.UNITS})(?![a-z])")
_DIGIT = re.compile(r"[\d\ufffc]")
"Another number, or one that is redacted already: the name belongs to that one."
_YEAR = re.compile(r"(?:19[5-9]|20[0-4])\d")
_YEARLY = re.compile(rf"(?<![a-z])(?:{speech.YEARLY})\s+$")
_BEHIND = re.compile(
    rf"[\s\"'`*_~),.-]{{0,4}}(?:that|this|it|which|das|dies|eso|ce|c)?\s?(?:{speech.IS}|{speech.AS}|が|は)"
    rf"[\s\"'`*_~]*(?:{speech.MINE})?\s*(?:[\w-]+ )?"
)
"The words between a number and its name: `482913 is my code`."
_LEAD = re.compile(
    rf"(?:\s?(?:n[or]?|num|number)?[.°])?[\s:=*_~\"'`#(-]*(?:(?:{speech.IS})[\s:*_\"'`]+|は|が)?[\s:\"'`]*"
)
_CALLED_SO = re.compile(rf"(?:\s(?:de|du|of)\s\w{{3,14}})?{_LEAD.pattern}")
_ID = re.compile(r"[A-Za-z0-9]{2,40}(?:[ -][A-Z0-9]{1,6}(?![a-z])){0,8}", re.ASCII)
_PAIRS = re.compile(r"\d{2}([ -])\d{2}\1\d{2}", re.ASCII)
_SPACED = re.compile(r"(?=(?:\D?\d){10})\d+(?: \d+){3,}", re.ASCII)
"Digits in groups, more of them than a date has."
_SIX = re.compile(r"\d{6}|\d{3}[ -]\d{3}")
_ROUND = re.compile(r"000$|^20[0-4]\d(?:0[1-9]|1[0-2])$")
"An amount or a month, which is no code."
NEAR, FAR = 30, 64
"Most characters between a number and the word that names it."
CODE, SENT = range(4, 11), range(5, 9)
_CALLED: dict[str, tuple[str, range, bool]] = {
    "code": ("code", SENT, False),
    "sent": ("code", SENT, False),
    "recovery": ("code", CODE, True),
    "pin": ("code", range(3, 11), True),
    "password": ("password", range(4, 21), True),
    "passphrase": ("password", range(4, 21), True),
    "login": ("password", range(4, 21), True),
    "phone": ("phone", range(6, 16), False),
    "card": ("card", range(12, 20), False),
    "bank": ("bank account", range(6, 25), False),
    "identity": ("identity number", range(4, 25), True),
}
"By the word's kind: the number's kind, how many digits it has, and whether only `is` and the like may come between."
_OTHERS = frozenset({"number", "phone", "card", "bank", "identity"})
"Kinds of words that show that a number is no code."
_NO_PHONE = frozenset({"number", "code", "bank", "identity", "card"})
_OWNERS = frozenset({"phone", "card", "user", "sent", "address"})
"Kinds of words for things that have a PIN or a code."
CALLED, CALL_DIGITS, LEAST_ID = 4, range(8, 14), 4


def find(reading: NamedPlaces) -> Iterator[Secret]:
    """Find numbers that are secret or personal."""
    view, names = reading.view, reading.names
    dates = [date.span() for date in _DATE.finditer(view.low) if not _is_called_code(reading, *date.span())]
    yield from (Secret("date of birth", *span) for span in dates if _is_birth(reading, *span))
    for start, end in _numbers(view, dates):
        kind = _kind(reading, start, end)
        if kind is not None:
            yield Secret(kind, start, end)
    for pattern in _PHONES:
        for match in pattern.finditer(view.text):
            name = _named(view, names, match.start())
            if name is None or name.kind not in _NO_PHONE:
                yield Secret("phone", *match.span())
    yield from _named_ids(view, names)


def _is_called_code(reading: NamedPlaces, start: int, end: int) -> bool:
    """Return whether three pairs of digits are a code because they follow a word for one: `TAN 11-22-33`."""
    name = reading.names.before(start)
    if name is None or name.kind not in ("code", "pin") or start - name.end > NEAR:
        return False
    if not _PAIRS.fullmatch(reading.view.text, start, end):
        return False
    return _CALLED_SO.fullmatch(reading.view.low, name.end, start) is not None


def _is_birth(reading: NamedPlaces, start: int, end: int) -> bool:
    """Return whether the words before or right after a date say that it is a date of birth."""
    name, behind = _named(reading.view, reading.names, start), reading.names.behind(end)
    near = behind is not None and behind.kind == "birth" and behind.start - end <= 1
    first = name is not None and name.kind == "birth" and not _DIGIT.search(reading.view.low, name.end, start)
    return near or first


def _numbers(view: View, dates: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the numbers that are not dates."""
    waiting = iter([*dates, (len(view.text), len(view.text))])
    start, end = next(waiting)
    for match in _NUMBER.finditer(view.text):
        if _SPACED.fullmatch(match.group()):
            yield match.span()  # a date within it is none
            continue
        while end <= match.start() and end < len(view.text):
            start, end = next(waiting)
        if match.end() <= start or match.start() >= end:
            yield match.span()


def _named(view: View, names: Places, at: int) -> TableWord | None:
    """Return the word that names the number after it, in the same sentence."""
    name = names.before(at)
    if name is None or at - name.end > FAR or _SENTENCE.search(view.low, name.end, at):
        return None
    return name


def _kind(reading: NamedPlaces, start: int, end: int) -> str | None:
    """Return the kind of a number, or None if it is no secret."""
    view, names = reading.view, reading.names
    number = view.text[start:end]
    digits = sum(c.isdecimal() for c in number)
    if _UNITS.match(view.low, end) or (_YEAR.fullmatch(number) and _YEARLY.search(view.low, max(0, start - 12), start)):
        return None
    name = _named(view, names, start)
    if name is not None:
        called = _called(view, name, start, digits, number) or _called_before(reading, name, start, digits, number)
        if called is not None or name.kind in _OTHERS:
            return called
    behind = names.behind(end)
    if behind is not None and behind.kind == "phone" and digits in CALL_DIGITS and behind.start - end <= CALLED:
        return "phone"
    near = behind is not None and behind.start - end <= FAR
    if behind is not None and near and digits in CODE and _BEHIND.fullmatch(view.low, end, behind.start):
        if behind.kind in ("code", "pin", "recovery"):
            return "code"
        if behind.kind in PASSWORDS:
            return "password"
        if behind.kind == "identity":
            return "identity number"
    if not _is_code(number, digits) or digits not in SENT:
        return None
    return "code" if _is_bare(reading, number, start, end) or _used(reading, start, end) else None


def _is_bare(reading: NamedPlaces, number: str, start: int, end: int) -> bool:
    """Return whether six digits are in a sentence that says of nothing else that it has a number."""
    if not _SIX.fullmatch(number) or _ROUND.search(number):
        return False
    name, behind = _named(reading.view, reading.names, start), reading.names.behind(end)
    after = behind is not None and behind.kind in ("number", "user") and behind.start - end <= NEAR
    return not after and (name is None or name.kind not in ("number", "user", "phone", "none"))


def _called(view: View, name: TableWord, start: int, digits: int, number: str) -> str | None:
    """Return the kind of a number that a word names."""
    tight = start - name.end <= NEAR and _TIGHT.fullmatch(view.low, name.end, start) is not None
    kind, lengths, only_tight = _CALLED.get(name.kind, (None, range(0), True))
    if name.kind == "code" and tight:
        lengths = CODE
    if digits not in lengths or (only_tight and not tight):
        return None
    written = _is_code(number, digits) if kind == "code" else kind != "password" or number.isdecimal()
    return kind if written else None


def _called_before(reading: NamedPlaces, name: TableWord, start: int, digits: int, number: str) -> str | None:
    """Return the kind of a number by the word before the one that names it: "the PIN of my phone is 4711"."""
    first = reading.names.before(name.start)
    if first is None or first.kind not in ("pin", "code") or name.kind not in _OWNERS or start - first.end > NEAR:
        return None
    return _called(reading.view, first, start, digits, number)


def _is_code(number: str, digits: int) -> bool:
    """Return whether digits are written like a code: in one piece, or in two."""
    bare = number.removeprefix("G-")
    return bool(re.fullmatch(r"\d+|\d{3,4}[ -]\d{3,4}|\d{2}(?:[ -]\d{2}){2}", bare)) and digits < max(CODE) + 1


def _used(reading: NamedPlaces, start: int, end: int) -> bool:
    """Return whether somebody typed the number, and no word names it as something else."""
    view, before, behind = reading.view, reading.tried.before(start), reading.failed.behind(end)
    if before is not None and re.fullmatch(r"[\s\"'`*_:(]{0,4}", view.low[before.end : start]):
        return True
    return behind is not None and behind.start - end <= 1 and end - start >= max(SENT) - 2


def _named_ids(view: View, names: Places) -> Iterator[Secret]:
    """Find numbers that hold letters, right after a word such as `passport`."""
    for name in names.found:
        if name.kind not in ("identity", "bank"):
            continue
        lead = _LEAD.match(view.low, name.end)
        at = lead.end() if lead else name.end
        match = _ID.match(view.text, at)
        if match is not None and sum(c.isdecimal() for c in match.group()) >= LEAST_ID:
            yield Secret("bank account" if name.kind == "bank" else "identity number", *match.span())
