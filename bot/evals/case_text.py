"""Reads a YAML file so that the line of each value is known, for errors that name file, line and reason.

A file that means two things at once is refused: a key given twice, of which YAML keeps the second without a word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot import yaml_text
from bot.errors import ConfigError

MERGE = "<<"
_ALIAS = re.compile(r"\*([\w-]+)")

Place = Sequence[str | int]
"Keys and positions on the way to a value, outermost first; those that the file does not have end the way."


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file, and where."""

    file: Path
    line: int
    "Counted from 1."
    reason: str

    def __str__(self) -> str:
        """Return it as editors read it: `file:line: reason`."""
        return f"{self.file}:{self.line}: {self.reason}"


class BrokenFiles(ConfigError):
    """Files of an evaluation are wrong; the message has a line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed file."""

    file: Path
    value: Any
    _root: yaml.Node | None

    def line(self, place: Place) -> int:
        """Return the line of a value; of a value that the file does not have, the line of what should hold it."""
        node, line = self._root, 1
        for part in place:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            elif isinstance(node, yaml.MappingNode):
                # The parser puts keys that are merged in before the mapping's own, which replace them.
                found = next((pair for pair in reversed(node.value) if pair[0].value == part), None)
                if found is not None:
                    line, node = found[0].start_mark.line + 1, found[1]
        return line

    def problem(self, place: Place, reason: str) -> Problem:
        """Return what is wrong with a value."""
        return Problem(self.file, self.line(place), reason)


def read(file: Path) -> YamlFile:
    """Parse a file.

    Raises:
        BrokenFiles: it cannot be read, it is not YAML, or a mapping has a key twice.
    """
    try:
        text = file.read_text("utf-8")
        yaml_text.check_depth(text)
        loader = yaml_text.Loader(text)
        root = loader.get_single_node()
        twice = [Problem(file, line, f"{key} is given twice") for line, key in _given_twice(root, set())]
        value = None if root is None else loader.construct_document(root)
    except OSError as error:
        raise BrokenFiles([Problem(file, 1, error.strerror or type(error).__name__)]) from error
    except yaml.MarkedYAMLError as error:
        raise BrokenFiles([_unreadable(file, text, error)]) from error
    except (yaml.YAMLError, ValueError) as error:  # an impossible date is a ValueError
        raise BrokenFiles([Problem(file, 1, f"not YAML: {error}")]) from error
    if twice:
        raise BrokenFiles(twice)
    return YamlFile(file, value, root)


def _unreadable(file: Path, text: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = 1 if mark is None else mark.line + 1
    if mark is not None and "undefined alias" in str(error.problem or error):
        alias = _ALIAS.match(text.splitlines()[mark.line], mark.column)
        return Problem(file, line, f"there is no fixture {alias[1] if alias else ''}".rstrip())
    return Problem(file, line, f"not YAML: {error.problem or error}")


def _given_twice(node: yaml.Node | None, seen: set[int]) -> Iterator[tuple[int, str]]:
    """Yield line and name of each key that its mapping has already."""
    if node is None or id(node) in seen:  # an alias is the node that it means
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _given_twice(item, seen)
    elif isinstance(node, yaml.MappingNode):
        keys = set[str]()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    yield key.start_mark.line + 1, key.value
                keys.add(key.value)
            yield from _given_twice(value, seen)
