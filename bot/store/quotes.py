"""What came with a message and is not its sender's own words: forwarded messages, pasted tables, what a file says.

It is kept beside the message, with who wrote it, and goes where the message goes: never as a wish of the sender.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.store.schema import InboxEvent

QUOTED = "quoted"
"In the detail of an event."


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


def without(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail of an event whose message is deleted."""
    return {name: value for name, value in detail.items() if name != QUOTED}
