r"""Addresses in an answer: whatever leads a reader somewhere else. Only those that the card lists may be said.

Read as generously as Slack, browsers and people do, since what is found needlessly only costs another answer: links of
Slack and of Markdown, schemes of any kind, bare domains in any script, e-mail addresses, numbers to call, and all of
these with characters in between that nobody sees, with letters that only look the same, or taken apart (`example [dot]
com`). Matched as strictly as can be: a listed address is one in plain ASCII with its scheme, host and port, and what
lies below its path.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator

_TOP = "com|net|org|io|co|info|biz|app|dev|link|site|online|xyz|me|eu|uk|de|fr|es|it|nl|jp|ru|cn|br|example|test"
_TAKEN_APART = (
    (re.compile(r"(?<!\s)\s*[\[({<]\s*(?:\.|dot|punkt|punto|point|ponto)\s*[\])}>]\s*", re.IGNORECASE), "."),
    (re.compile(r"(?<!\s)\s*[\[({<]\s*(?:@|at)\s*[\])}>]\s*", re.IGNORECASE), "@"),
    (re.compile(rf"(?<=[\w-])\s+dot\s+(?=(?:{_TOP})\b)", re.IGNORECASE), "."),
    (re.compile(r"(?<=[\w-])\s+(?:punkt|punto|point|ponto)\s+(?=(?:com|net|org|info)\b)", re.IGNORECASE), "."),
    (re.compile(rf"(?<=[\w-])[\u00b7\u2027](?=(?:{_TOP})\b)", re.IGNORECASE), "."),
    (re.compile(rf"(?<=[\w-])\s+\.\s*(?=(?:{_TOP})\b)|(?<=[\w-])\.\s+(?=(?:{_TOP})/)", re.IGNORECASE), "."),
    (re.compile(r"\bhxxp", re.IGNORECASE), "http"),
    (re.compile(r"(?<!\s)\s*:\s{0,3}/\s?/\s*|(?<=http):/(?=\w)|(?<=https):/(?=\w)", re.IGNORECASE), "://"),
    (re.compile(r"(?<=[A-Za-z0-9-])[\u3002\uff0e\uff61\u2024](?=[A-Za-z0-9-])"), "."),
)
"How a dot, an at sign or a scheme is written otherwise, and which it is."
_FOUND = re.compile(
    r"""(?P<target>(?<=\])\s?(?:[(\[]\s*|:\s*(?=[^\s/.:#]*[/.:#]))<?(?P<inside>[^\s()<>\[\]|]+))
    |(?P<scheme>[a-z][a-z0-9+.-]{0,30}://[^\s<>|"]*)
    |(?P<opaque>\b(?:javascript|vbscript|data|mailto|tel|sms|callto|facetime|skype|slack|file|blob|about|intent|geo)
        :[^\s<>|"]+)
    |(?P<mail>[^\s<>|"():,;@]{1,64}@[^\s<>|"():,;@]+\.[^\s<>|"():,;@]+)
    |(?P<bare>(?<![\w@./-])(?:[^\W_](?:[\w-]{0,62}[^\W_])?\.)+(?:xn--[a-z0-9-]{2,}|[^\W\d_]{2,24})(?![\w@])
        (?::\d{1,5})?(?:/[^\s<>|"]*)?)
    |(?P<number>(?<![\w.:/-])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])(?::\d{1,5})?(?:/\S*)?
        |(?<![\w.:/-])(?://|\\\\)[\w-]\S+
        |\blocalhost(?::\d{1,5})?(?:/\S*)?)
    |(?P<call>\b(?:call|dial|ring|phone|tel|telefon|whatsapp|sms|anruf|wähle|appelez|llam[ae]|marque|ligue|chiam[ai])
        [^\w+(]{1,3}(?:[a-z]{1,8}[^\w+(]{1,2}){0,2}?(?P<dialled>\+?\(?\d(?:[ ()./-]{0,2}\d){4,}))
    |(?P<phone>(?<![\w:.-])\+\d(?:[ ()./-]{0,2}\d){5,}|(?<![\w:.-])\+?\(?\d(?:[ ()./-]{0,2}\d){8,})""",
    re.IGNORECASE | re.VERBOSE,
)
_FILE = re.compile(
    r"""[^:/@]+\.(?:bak|bat|bmp|cer|cfg|cmd|conf|config|crt|csv|dll|dmg|docx?|eml|exe|gif|ics|ini|iso|jar|jpe?g|js|json|lnk
    |log|msg|msi|ods|odt|ost|ovpn|pdf|pem|pfx|pkg|plist|png|pptx?|pst|reg|rtf|service|svg|sys|tmp|toml|tsv|txt|wav
    |xlsx?|xml|ya?ml)|p\.e[jx]""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
"A name whose ending is no top-level domain (so not `md`, `zip` or `sh`), or `p.ej.`: no browser finds anything there."
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?")
_CLOSING = ".,;:!?)]}'\"*_~`>\u2026\u3002\u3001\uff0c\uff01\uff1f\uff09\u300d\u300f\u00bb\u201c\u201d\u2019"
"What ends a sentence or a bracket around an address, and belongs to no address."
_EMPHASIS = str.maketrans("", "", "*`~")
_SLANTED = re.compile(r"(?<!\w)_+|(?<!_)_+(?!\w)")
_MAIL = re.compile(r"mailto:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"tel:\+\d{7,15}")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_PORTS = {"https": 443, "http": 80}


def _listed(address: str) -> str:
    if _MAIL.fullmatch(address) or _PHONE.fullmatch(address):
        return address
    parts = urlsplit(address if re.fullmatch("[!-~]+", address) else "")
    if parts.scheme != "https" or not _HOST.fullmatch(parts.netloc.split(":")[0]) or not _is_plain(parts):
        raise ValueError(
            f"expected https://host/path, in ASCII and without user, query or fragment, mailto:name@host or "
            f"tel:+digits, found {address!r}"
        )
    return address


Link = Annotated[str, AfterValidator(_listed)]


def unlisted(text: str, links: Sequence[str]) -> str | None:
    """Return the first address in a text that no listed one covers, or None.

    Args:
        text: an answer, as the model wrote it.
        links: the card's.
    """
    return next((address for address in _addresses(text) if not any(_covers(one, address) for one in links)), None)


def without(text: str, links: Sequence[str]) -> str:
    """Return a text without the listed addresses, word by word: what is left must make sense by itself."""
    bare = {link.removeprefix("mailto:").removeprefix("tel:") for link in links}
    words = re.split(r"(\s+|[<>|()])", text)
    return "".join("" if word.strip(_CLOSING) in {*bare, *links} else word for word in words)


def visible(text: str) -> str:
    """Return a text as it is read: entities resolved, one form a letter, nothing that nobody sees."""
    text = unicodedata.normalize("NFKC", unescape(unescape(text)))
    return "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc") or c in "\n\t") if text else text


def _addresses(text: str) -> Iterator[str]:
    seen = _DATE.sub(" ", visible(_joined(text)))
    seen = _joined(re.sub("[\ufe00-\ufe0f\u034f\u115f\u1160\u3164\uffa0]", "", seen))
    for reading in dict.fromkeys((seen, _SLANTED.sub("", seen.translate(_EMPHASIS)))):
        for match in _FOUND.finditer(reading):
            address = (match["inside"] or match["dialled"] or match.group()).strip().rstrip(_CLOSING)
            if address and not (match["bare"] and _FILE.fullmatch(address)):
                scheme = "mailto:" if match["mail"] else "tel:" if match["phone"] or match["call"] else ""
                yield f"{scheme}{address}"


def _joined(text: str) -> str:
    for pattern, stands_for in _TAKEN_APART:
        text = pattern.sub(stands_for, text)
    return text


def _covers(link: str, address: str) -> bool:
    """Say if a listed address is this one or one above it."""
    scheme = link.split(":", 1)[0]
    if scheme == "mailto":
        return address.lower() == link.lower()
    if scheme == "tel":
        return re.sub(r"[ ()./-]", "", address) == link
    plain = re.match("[!-~]*", address)
    if plain and "/" in plain.group().rpartition("://")[2]:
        address = plain.group()  # behind a path a sentence in a script without spaces goes on
    try:
        parts, wanted = urlsplit(address if "://" in address else f"https://{address}"), urlsplit(link)
        if not _is_plain(parts) or _origin(parts) != _origin(wanted):
            return False
    except ValueError:  # no address that a browser would open
        return False
    above = wanted.path.rstrip("/")
    return parts.path.rstrip("/") == above or parts.path.startswith(f"{above}/")


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _is_plain(parts: SplitResult) -> bool:
    """Say if an address is all that it seems: no user, no query, no way up, nothing but plain characters."""
    rest = f"{parts.netloc}{parts.path}"
    climbs = any(step in (".", "..") for step in parts.path.split("/"))
    return (
        rest.isascii()
        and not climbs
        and not parts.query
        and not parts.fragment
        and not any(sign in rest for sign in "\\@%?#")
        and "//" not in parts.path
    )
