"""What came with a message and is not its sender's own words: forwarded messages, pasted tables, what a file says.

It is kept beside the message, with who wrote it, and goes where the message goes: never as a wish of the sender. And
the other way round: where a text of ours quotes a message.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from bot.store.schema import InboxEvent

QUOTED = "quoted"
"In the detail of an event."
TELLING = 12
"Characters of a message that a text holds by no accident; a shorter one is known by its quotation marks."
_CODE = re.compile(r"(?=.*\d)\S{4,}")
"A short message that is no word of any language: a code, a PIN, a number."
_MARKS = "[\"'`\u2018-\u201f\u00ab\u00bb\u2039\u203a\u300c-\u300f]"
_CUT = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text that somebody passed on."""

    by: str
    "Who wrote it, by name; empty where the sender pasted or attached it and no one says who wrote it."
    kind: str
    "forwarded, pasted or attached"
    text: str

    @property
    def heading(self) -> str:
        """Say in words what it is and whose, after a name."""
        match self.kind:
            case "forwarded":
                return f"forwarded what {self.by or 'somebody'} wrote"
            case "pasted":
                return "pasted a table"
            case _:
                return f"attached what {self.by} wrote" if self.by else "attached a text"


def kept(quoted: tuple[Quoted, ...]) -> dict[str, Any]:
    """Return what the detail of an event keeps of it."""
    return {QUOTED: [asdict(one) for one in quoted]} if quoted else {}


def of(event: InboxEvent) -> tuple[Quoted, ...]:
    """Return what came with a message."""
    return tuple(Quoted(**one) for one in (event.detail or {}).get(QUOTED, ()))


def join(event: InboxEvent, files: Sequence[dict[str, str | None]], quoted: tuple[Quoted, ...]) -> bool:
    """Add the files and quotations that a message has not got yet; say if there were any."""
    new = [file for file in files if file not in event.files]
    more = [one for one in quoted if one not in of(event)]
    if new:
        event.files = [*event.files, *new]
    if more:
        event.detail = {**event.detail, **kept((*of(event), *more))}
    return bool(new or more)


def differ(event: InboxEvent, quoted: Sequence[Quoted]) -> bool:
    """Return whether other things came with a message; who wrote them may be known another time and not this one."""
    return [(one.kind, one.text) for one in of(event)] != [(one.kind, one.text) for one in quoted]


def without(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail of an event whose message is deleted."""
    return {name: value for name, value in detail.items() if name != QUOTED}


def requoted(text: str, message: str, instead: str) -> str:
    """Put something else wherever a text of ours quotes a message: in lines or in one, escaped or not, whole or cut.

    A word that the two merely have in common stays: an "I" that was deleted is not every "I".
    """
    lines = dict.fromkeys((message.strip(), " ".join(message.split())))
    bare = (line.rstrip(" .!?") for line in lines)
    forms = {form for line in (*lines, *bare) if line for form in (line, escape(line, quote=False))}
    if not forms:
        return text
    longest_first = sorted(forms, key=len, reverse=True)
    text = re.sub("|".join(map(_whole, longest_first)), lambda _: instead, text, flags=re.IGNORECASE)
    for end in reversed([found.start() for found in re.finditer(_CUT, text)]):
        for line in lines:
            size = next(
                (n for n in range(min(end, len(line)), TELLING - 1, -1) if text.startswith(line[:n], end - n)), 0
            )
            if size:
                text = f"{text[: end - size]}{instead}{text[end + 1 :]}"
                break
    return text


def _whole(form: str) -> str:
    """Return a pattern of a message that is quoted, and is no part of other words."""
    if len(form) < TELLING and not _CODE.fullmatch(form):
        return f"(?<={_MARKS}){re.escape(form)}[,.!?]?(?={_MARKS})"
    return f"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])"
