"""How one stored value loses what is in it, or only what names a person. Pure.

Values are as the database has them: texts, and JSON as Python reads it.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

ERASED_PERSON, ERASED_DIRECT = "U0ERASED", "D0ERASED"
"Stand for everybody who was erased, and for their direct conversations; Slack has no such ids."
ERASED = "(erased)"


def emptied(value: Any, keeps: Collection[str] = ()) -> Any:
    """Return a value of the same kind with nothing in it.

    Args:
        value: a text, or JSON.
        keeps: keys of an object that stay; one with `=` at its end stays with an empty value.
    """
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if key in keeps}
        return kept | {key: emptied(one) for key, one in value.items() if f"{key}=" in keeps}
    if isinstance(value, list):
        return []
    return "" if isinstance(value, str) else value


def with_texts(value: Any, change: Callable[[str, str], str], key: str = "") -> Any:
    """Return a value with each of its texts changed, also those that are keys.

    Args:
        value: a text, or JSON.
        change: returns another text for a text and the key that it is under; a key itself is under no key.
        key: the key that the value is under.
    """
    if isinstance(value, str):
        return change(value, key)
    if isinstance(value, dict):
        return {change(name, ""): with_texts(one, change, name) for name, one in value.items()}
    return [with_texts(one, change, key) for one in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Naming:
    """The texts by which one person is named, wherever they stand."""

    user: str
    "Slack user id."
    direct: Sequence[str] = ()
    "Their direct conversations with the bot."
    called: Sequence[str] = ()
    "Ids of their accounts, their addresses and their names."

    @property
    def texts(self) -> tuple[str, ...]:
        """Return all of them, for a search."""
        return (self.user, *self.direct, *self.called)

    @cached_property
    def _patterns(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        longest_first = sorted({one for one in self.called if one}, key=len, reverse=True)
        return (
            *((re.compile(rf"(?<![A-Z0-9]){re.escape(one)}(?![A-Z0-9])"), ERASED_PERSON) for one in (self.user,)),
            *((re.compile(rf"(?<![A-Z0-9]){re.escape(one)}(?![A-Z0-9])"), ERASED_DIRECT) for one in self.direct),
            *((re.compile(rf"(?<!\w){re.escape(one)}(?!\w)", re.IGNORECASE), ERASED) for one in longest_first),
        )

    def without(self, value: Any) -> Any:
        """Return a value in which the person is not named."""
        return with_texts(value, lambda text, _key: self._renamed(text))

    def _renamed(self, text: str) -> str:
        for pattern, instead in self._patterns:
            text = pattern.sub(instead, text)
        return text
