r"""Addresses in an answer: whatever leads a reader elsewhere. An answer may hold only those that the card lists.

Addresses are recognised as generously as Slack, browsers and people recognise them, since a false match only costs
another answer: links of Slack and of Markdown, any scheme, bare domains in any script, e-mail addresses, phone numbers,
and all of these with invisible characters inside, with lookalike letters, or spelled out (`example [dot] com`). They
are matched as strictly as possible: a listed address matches only in plain ASCII, with its scheme, host and port, and
at or below its path.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator

_TOP = "com|net|org|io|co|info|biz|app|dev|link|site|online|xyz|me|eu|uk|de|fr|es|it|nl|jp|ru|cn|br|example|test"
_OBFUSCATIONS = (
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
"Other spellings of a dot, an at sign or a scheme, each with what it stands for."
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
"A name whose ending is no top-level domain (so not `md`, `zip` or `sh`), or `p.ej.`: a browser finds nothing there."
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?")
_CLOSING = ".,;:!?)]}'\"*_~`>\u2026\u3002\u3001\uff0c\uff01\uff1f\uff09\u300d\u300f\u00bb\u201c\u201d\u2019"
"Characters after an address that end a sentence or close a bracket and are not part of the address."
_EMPHASIS = str.maketrans("", "", "*`~")
_ITALICS = re.compile(r"(?<!\w)_+|(?<!_)_+(?!\w)")
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
        links: the addresses that the card lists.
    """
    return next((address for address in _addresses(text) if not any(_covers(one, address) for one in links)), None)


def without(text: str, links: Sequence[str]) -> str:
    """Return a text without the words that are listed addresses."""
    bare = {link.removeprefix("mailto:").removeprefix("tel:") for link in links}
    words = re.split(r"(\s+|[<>|()])", text)
    return "".join("" if word.strip(_CLOSING) in {*bare, *links} else word for word in words)


def visible(text: str) -> str:
    """Return a text as a reader sees it: entities resolved, each letter in one form, invisible characters removed."""
    text = unicodedata.normalize("NFKC", unescape(unescape(text)))
    return "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc") or c in "\n\t") if text else text


def _addresses(text: str) -> Iterator[str]:
    seen = _DATE.sub(" ", visible(_joined(text)))
    seen = _joined(re.sub("[\ufe00-\ufe0f\u034f\u115f\u1160\u3164\uffa0]", "", seen))
    for reading in dict.fromkeys((seen, _ITALICS.sub("", seen.translate(_EMPHASIS)))):
        for match in _FOUND.finditer(reading):
            address = (match["inside"] or match["dialled"] or match.group()).strip().rstrip(_CLOSING)
            if address and not (match["bare"] and _FILE.fullmatch(address)):
                scheme = "mailto:" if match["mail"] else "tel:" if match["phone"] or match["call"] else ""
                yield f"{scheme}{address}"


def _joined(text: str) -> str:
    for pattern, stands_for in _OBFUSCATIONS:
        text = pattern.sub(stands_for, text)
    return text


def _covers(link: str, address: str) -> bool:
    """Return whether an address equals a listed one or is below it."""
    scheme = link.split(":", 1)[0]
    if scheme == "mailto":
        return address.lower() == link.lower()
    if scheme == "tel":
        return re.sub(r"[ ()./-]", "", address) == link
    plain = re.match("[!-~]*", address)
    if plain and "/" in plain.group().rpartition("://")[2]:
        address = plain.group()  # in a script without spaces the sentence continues right after the path
    try:
        parts, wanted = urlsplit(address if "://" in address else f"https://{address}"), urlsplit(link)
        if not _is_plain(parts) or _origin(parts) != _origin(wanted):
            return False
    except ValueError:  # a browser would not open it
        return False
    above = wanted.path.rstrip("/")
    return parts.path.rstrip("/") == above or parts.path.startswith(f"{above}/")


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _is_plain(parts: SplitResult) -> bool:
    """Return whether an address hides nothing: no user, query, fragment or dot segments, and plain characters only."""
    rest = f"{parts.netloc}{parts.path}"
    has_dot_segments = any(step in (".", "..") for step in parts.path.split("/"))
    return (
        rest.isascii()
        and not has_dot_segments
        and not parts.query
        and not parts.fragment
        and not any(sign in rest for sign in "\\@%?#")
        and "//" not in parts.path
    )
