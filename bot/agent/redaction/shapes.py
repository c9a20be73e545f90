"""What is secret or personal by its form alone, wherever it is: tokens, keys, addresses, account numbers."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

from bot.agent.redaction import checks, links
from bot.agent.redaction.found import Secret
from bot.agent.redaction.tables import rows
from bot.agent.redaction.view import View

_VENDORS: dict[str, str] = rows(__file__)
_TOKENS = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_VENDORS.values())})", re.ASCII)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]{5,})?", re.ASCII)
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)", re.DOTALL
)
_HEADERS = re.compile(
    r"(?<=\bbearer )[\w.~+/-]{16,}=*|(?<=\bbasic )(?=[\w+/-]*[\d=])[\w+/-]{12,}={0,2}|(?<=\bssws )[\w-]{20,}"
    r"|(?<=cookie: )[^\n\ufffc]{4,4096}",
    re.ASCII,
)
_EMAIL = re.compile(r"<mailto:[^<>|]{1,254}\|[^<>]{1,254}>|(?<![\w.+-])[\w.+'-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_EMAIL_JA = re.compile(r"[a-z0-9._+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
"An address among letters that are written without spaces."
_EMAIL_SPELT = re.compile(
    r"[a-z0-9._+-]{1,64} ?[(\[](?:at|@|arroba)[)\]] ?[a-z0-9-]{1,63}(?:(?:\.| ?[(\[]dot[)\]] ?)[a-z0-9-]{2,63}){1,4}"
)
_SSN = re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}\b(?!-)", re.ASCII)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9]{4})")
_DNI = re.compile(r"(?<![A-Za-z0-9-])(?:\d{8}|[XYZxyz]-?\d{7})[- ]?[A-Za-z](?![A-Za-z0-9])")
_NIR = re.compile(
    r"(?<![\w-])[12][ .]?\d{2}[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?\d{2}[ .]?\d{3}[ .]?\d{3}[ .]?\d{2}(?![\w-])", re.ASCII
)
_NINO = re.compile(r"(?<![\w-])[A-CEGHJ-PR-TW-Z]{2} \d{2} \d{2} \d{2} [A-D](?!\w)", re.ASCII)
_SVNR = re.compile(r"(?<![\w-])\d{2} \d{6} [A-Z] \d{3}(?!\w)", re.ASCII)
_CARD = re.compile(
    r"(?<![\d.])[2-6](?:\d{12,18}|\d{3}(?:([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|[ -]\d{6}[ -]\d{4,5}))(?![ -]?\d)",
    re.ASCII,
)
"A card's first digit shows its network; none begins with 1, as a time in milliseconds does."
_LONG_KEY = re.compile(
    r"(?<![\w-])(?:\d{6}(?:-\d{6}){7}|[A-Z0-9]{4}(?:-[A-Z0-9]{4}){5,7}|[A-Z2-7]{4}(?: [A-Z2-7]{4}){3,7})(?![\w-])",
    re.ASCII,
)
"Recovery keys of a disk, of an account and of an authenticator."


def find(view: View) -> Iterator[Secret]:
    """Find all secrets that need no word to name them."""
    for pattern in (_PEM, _TOKENS, _JWT, _LONG_KEY):
        yield from _all("secret", pattern, view.text)
    yield from _all("secret", _HEADERS, view.low)
    yield from _emails(view)
    yield from _all("email", _EMAIL_SPELT, view.low)
    yield from _ibans(view.text)
    yield from _checked("card", _CARD, view.text, checks.luhn)
    yield from _all("social security number", _SSN, view.text)
    yield from _checked("identity number", _NIR, view.text, checks.nir)
    yield from _checked("identity number", _DNI, view.text, checks.dni)
    yield from _all("identity number", _NINO, view.text)
    yield from _all("identity number", _SVNR, view.text)


def _all(kind: str, pattern: re.Pattern[str], text: str) -> Iterator[Secret]:
    return (Secret(kind, *match.span()) for match in pattern.finditer(text))


def _checked(kind: str, pattern: re.Pattern[str], text: str, check: Callable[[str], bool]) -> Iterator[Secret]:
    return (Secret(kind, *match.span()) for match in pattern.finditer(text) if check(match.group()))


def _emails(view: View) -> Iterator[Secret]:
    """Find people's mail addresses; the user part of a link is none."""
    spans = links.spans(view)
    starts = [start for start, _ in spans]
    for pattern in (_EMAIL, _EMAIL_JA):
        for match in pattern.finditer(view.text if pattern is _EMAIL else view.low):
            at = view.text.index("@", match.start())
            link = bisect_right(starts, at) - 1
            within = link >= 0 and at < spans[link][1]
            if not within or "?" in view.text[spans[link][0] : at]:
                yield Secret("email", *match.span())


def _ibans(text: str) -> Iterator[Secret]:
    for match in _IBAN.finditer(text):
        length = checks.IBAN_LENGTHS.get(match.group()[:2].upper())
        if length is None:
            continue
        number, at = "", match.start()
        while len(number) < length and at < len(text):
            if text[at].isascii() and text[at].isalnum():
                number += text[at].upper()
            elif text[at] not in " -" or text[at - 1] in " -":
                break
            at += 1
        if checks.iban(number) and not text[at : at + 1].isdecimal():
            yield Secret("bank account", match.start(), at)
