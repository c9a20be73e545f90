"""The page that explains one thing, and its facts for programs. Pure.

Invariant: the page and the JSON are made of the same parts, so that neither says what the other does not.
"""

import textwrap
from dataclasses import dataclass
from typing import Any

WIDTH = 100
"The most columns of a page on a terminal."
_LABEL = 10
"Columns of the labels of a page."


@dataclass(frozen=True, slots=True)
class StoryPart:
    """One answer of an explanation: who asked, what was decided, what was done."""

    label: str
    "One word: Asked, Verified, Decided, Approved, Done, Agreed, Said, People, Cost or Records."
    says: tuple[str, ...]
    "Whole sentences; each begins a line."
    facts: dict[str, Any]
    "The same as JSON values: times in UTC, amounts in nano-USD."


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is known of one thing, in an order in which it can be read."""

    thing: str
    "The name by which it is found."
    heading: str
    parts: tuple[StoryPart, ...]

    def text(self) -> str:
        """Return the page for a terminal, `WIDTH` columns wide; its times are UTC."""
        lines = [self.heading, "Times are UTC.", ""]
        for part in self.parts:
            for number, sentence in enumerate(part.says):
                label = part.label if number == 0 else ""
                lines += textwrap.wrap(
                    sentence,
                    WIDTH,
                    initial_indent=f"{label:<{_LABEL}}",
                    subsequent_indent=" " * (_LABEL + 2),
                    break_on_hyphens=False,
                )
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        parts = [{"part": part.label.lower(), "says": list(part.says), "facts": part.facts} for part in self.parts]
        return {"thing": self.thing, "heading": self.heading, "parts": parts}

    def of(self, label: str) -> tuple[StoryPart, ...]:
        """Return the parts with a label."""
        return tuple(part for part in self.parts if part.label == label)
