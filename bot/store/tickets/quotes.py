"""What comes with a message and is not its sender's own words: forwarded messages, pasted tables, text of files.

It is stored with the message and with its author, and never read as a wish of the sender. This module also finds where
our own texts quote a message, so that an edit or a deletion reaches them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from bot import markup
from bot.store.schema import InboxEvent

QUOTED = "quoted"
"Key in the detail of an event."
DISTINCTIVE_CHARACTERS = 12
"A message of this length is in a text only as a quotation; a shorter one must stand in quotation marks."
_CODE = re.compile(r"(?=.*\d)\S{4,}")
"A short message that is no word: a code, a PIN, a number."
_MARKS = "[\"'`\u2018-\u201f\u00ab\u00bb\u2039\u203a\u300c-\u300f]"
_CUT = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text that the sender of a message passed on."""

    by: str
    "Name of its author; empty if the sender pasted or attached it and the author is unknown."
    kind: str
    "forwarded, pasted or attached."
    text: str

    @property
    def heading(self) -> str:
        """Return what the sender did with it, in words that follow the sender's name."""
        match self.kind:
            case "forwarded":
                return f"forwarded what {self.by or 'somebody'} wrote"
            case "pasted":
                return "pasted a table"
            case _:
                return f"attached what {self.by} wrote" if self.by else "attached a text"


def kept(quoted: tuple[Quoted, ...]) -> dict[str, Any]:
    """Return the part of an event's detail that stores quotations."""
    return {QUOTED: [asdict(one) for one in quoted]} if quoted else {}


def of(event: InboxEvent) -> tuple[Quoted, ...]:
    """Return the quotations of a message."""
    return tuple(Quoted(**one) for one in (event.detail or {}).get(QUOTED, ()))


def join(event: InboxEvent, files: Sequence[dict[str, str | None]], quoted: tuple[Quoted, ...]) -> bool:
    """Add the files and quotations that a message does not have yet; return whether there were any."""
    new = [file for file in files if file not in event.files]
    more = [one for one in quoted if one not in of(event)]
    if new:
        event.files = [*event.files, *new]
    if more:
        event.detail = {**event.detail, **kept((*of(event), *more))}
    return bool(new or more)


def differ(event: InboxEvent, quoted: Sequence[Quoted]) -> bool:
    """Return whether a message has other quotations; their authors are not compared, as they are not always known."""
    return [(one.kind, one.text) for one in of(event)] != [(one.kind, one.text) for one in quoted]


def without(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail of an event without its quotations."""
    return {name: value for name, value in detail.items() if name != QUOTED}


def requoted(text: str, message: str, instead: str) -> str:
    """Replace a message wherever one of our texts quotes it: on one line or several, escaped or not, whole or cut.

    A word that text and message merely share stays: deleting the message "I" does not delete every "I".
    """
    said = (message, markup.without_names(message))  # the model reads no names
    lines = dict.fromkeys(line for one in said for line in (one.strip(), " ".join(one.split())))
    bare = (line.rstrip(" .!?") for line in lines)
    forms = {form for line in (*lines, *bare) if line for form in (line, escape(line, quote=False))}
    fitting = sorted((form for form in forms if len(form) <= len(text)), key=len, reverse=True)
    if fitting:
        text = re.sub("|".join(map(_whole, fitting)), lambda _: instead, text, flags=re.IGNORECASE)
    for end in reversed([found.start() for found in re.finditer(_CUT, text)]):
        size = next(filter(None, (_cut(text, end, line) for line in lines)), 0)
        if size:
            text = f"{text[: end - size]}{instead}{text[end + 1 :]}"
    return text


def _cut(text: str, end: int, line: str) -> int:
    """Return how many characters of a line stand right before a place, from the line's beginning; 0: too few."""
    beginning = line[:DISTINCTIVE_CHARACTERS]
    if len(beginning) < DISTINCTIVE_CHARACTERS:
        return 0
    at = text.find(beginning, max(0, end - len(line)), end)
    while at >= 0 and not line.startswith(text[at:end]):
        at = text.find(beginning, at + 1, end)
    return end - at if at >= 0 else 0


def _whole(form: str) -> str:
    """Return the pattern of a quoted message that is no part of a longer word."""
    if len(form) < DISTINCTIVE_CHARACTERS and not _CODE.fullmatch(form):
        return f"(?<={_MARKS}){re.escape(form)}[,.!?]?(?={_MARKS})"
    return f"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])"
