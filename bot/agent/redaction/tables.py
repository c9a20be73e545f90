"""Words of many languages in one pattern, so that one pass over a text finds where it names what.

Entries are regular expressions, grouped by their first letter, so that each place in a text is compared only with the
few that can begin there. That keeps a text of forty thousand characters cheap.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from bot import yaml_text
from bot.agent.redaction.view import folded

WITHIN = "within"
"Entries that may also be the end of a longer word."
_ENDS = r"(?:(?<=[a-z0-9])(?![a-z0-9])|(?<![a-z0-9]))"
"The end of a word of Latin letters; other scripts are written without spaces."


def rows(module: str) -> dict[str, Any]:
    """Return the table beside a module, as it was written."""
    text = Path(module).with_suffix(".yaml").read_text("utf-8")
    read: dict[str, Any] = yaml_text.load(text)
    return read


class TableWord(NamedTuple):
    """A word of a table, by its place in a view."""

    kind: str
    start: int
    end: int


class _Tree:
    """Entries by their first two letters, each without them; only the first where the second is no plain letter."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, dict[str, list[str]]]] = {}

    def add(self, kind: str, entry: str) -> None:
        """Add an entry."""
        second = entry[1:2] if entry[1:2].isalnum() and entry[2:3] not in tuple("?*+{") else ""
        kinds = self.entries.setdefault(entry[0], {}).setdefault(second, {})
        kinds.setdefault(kind, []).append(entry[1 + len(second) :])


class WordTable:
    """Words by kind; of two that begin at one place, the earlier kind counts."""

    def __init__(self, kinds: Mapping[str, Mapping[str, Iterable[str]]]) -> None:
        self._rows = kinds

    @cached_property
    def _made(self) -> tuple[re.Pattern[str], Sequence[str]]:
        """The pattern, and the kind of each of its groups.

        It is compiled on first use, since that takes longer than many commands that never need it; two threads may both
        compile it.
        """
        kinds: list[str] = []
        whole, within = _Tree(), _Tree()
        for kind, languages in self._rows.items():
            for language, entries in languages.items():
                for spelled in (spelled for entry in entries for spelled in _spelled(folded(entry))):
                    (within if language == WITHIN else whole).add(kind, spelled)
        branches = [
            rf"(?<![a-z0-9]){self._tree(whole, kinds, ascii_only=True)}",
            self._tree(whole, kinds, ascii_only=False),
            self._tree(within, kinds, ascii_only=True),
        ]
        return re.compile(rf"(?:{'|'.join(branches)}){_ENDS}"), kinds

    def _tree(self, tree: "_Tree", kinds: list[str], *, ascii_only: bool) -> str:
        """Return entries as one pattern, in which a first letter leads to second ones, and those to entries."""
        firsts = [first for first in tree.entries if first.isascii() == ascii_only]
        if not firsts:
            return "(?!)"
        branches = []
        for first in firsts:
            seconds = tree.entries[first]
            inner = [f"{second}(?:{self._groups(seconds[second], kinds)})" for second in seconds if second]
            inner += [self._groups(seconds[""], kinds)] if "" in seconds else []
            branches.append(f"{re.escape(first)}(?:{'|'.join(inner)})")
        return f"(?=[{''.join(map(re.escape, firsts))}])(?:{'|'.join(branches)})"

    def _groups(self, by_kind: Mapping[str, Sequence[str]], kinds: list[str]) -> str:
        groups = []
        for kind in self._rows:
            if kind in by_kind:
                kinds.append(kind)
                groups.append(f"({'|'.join(sorted(by_kind[kind], key=len, reverse=True))})")
        return "|".join(groups)

    def find(self, low: str) -> "Places":
        """Return every word of the table that is in a text, in order."""
        pattern, kinds = self._made
        found = [
            TableWord(kinds[(match.lastindex or 1) - 1], match.start(), match.end()) for match in pattern.finditer(low)
        ]
        return Places(found)


class Places:
    """Words found in a text, by what is before or after a place."""

    def __init__(self, found: Sequence[TableWord]) -> None:
        self.found = found
        self._starts = [one.start for one in found]
        self._ends = [one.end for one in found]

    def before(self, at: int) -> TableWord | None:
        """Return the last word that ends at a place or before it."""
        index = bisect_right(self._ends, at) - 1
        return self.found[index] if index >= 0 else None

    def behind(self, at: int) -> TableWord | None:
        """Return the first word that begins at a place or after it."""
        index = bisect_left(self._starts, at)
        return self.found[index] if index < len(self.found) else None


def _spelled(entry: str) -> list[str]:
    """Return an entry as several that each begin with a letter: `(?:a|b)?c` is `ac`, `bc` and `c`."""
    if not entry.startswith("(?:"):
        if entry[1:2] == "?":
            return [entry[0] + entry[2:], *_spelled(entry[2:])]
        return [entry]
    parts, depth, at = [""], 0, 3
    while depth or entry[at] != ")":
        depth += {"(": 1, ")": -1}.get(entry[at], 0)
        if entry[at] == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += entry[at]
        at += 1
    rest = entry[at + 1 :]
    optional = rest[:1] in ("?", "*")
    rest = rest[1:] if optional else rest
    whole = [f"{part}{rest}" for part in parts] + ([rest] if optional else [])
    return [spelled for part in whole for spelled in _spelled(part)]
