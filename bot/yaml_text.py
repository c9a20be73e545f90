"""Reads YAML with PyYAML's parser in C where it is installed: ten times as fast as the one in Python.

That parser has no limit of depth: some ten thousand open brackets would crash the process. So the depth is checked
first.
"""

from typing import Any

import yaml

try:
    from yaml import CSafeLoader as Loader
except ImportError:
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

__all__ = ["DEEPEST", "Loader", "check_depth", "load"]

DEEPEST = 100
"The most levels of nesting."


def load(text: str, loader: type[Loader] = Loader) -> Any:
    """Parse a YAML text.

    Args:
        text: the text.
        loader: `Loader`, or a subclass.

    Raises:
        yaml.YAMLError: it is not YAML, or nested deeper than `DEEPEST` levels; the message is one line, with the number
            of the line where that shows.
        ValueError: a value is impossible, as the 31st of February.
    """
    try:
        check_depth(text)
        return yaml.load(text, loader)  # noqa: S506 - every loader is a safe one
    except yaml.MarkedYAMLError as error:
        raise yaml.YAMLError(_in_one_line(error)) from error


def _in_one_line(error: yaml.MarkedYAMLError) -> str:
    """Return what is wrong and where; PyYAML's own text has up to four lines and calls the file `<unicode string>`."""
    mark, begun, context = error.problem_mark or error.context_mark, error.context_mark, error.context
    said = f"line {mark.line + 1}: {error.problem or context}" if mark else str(error.problem or context)
    if error.problem and context and begun:
        said += f", {context} that begins in line {begun.line + 1}"
    return said


def check_depth(text: str) -> None:
    """Refuse a YAML text that is nested too deep to be parsed.

    Raises:
        yaml.YAMLError: it is not YAML, or nested deeper than `DEEPEST` levels.
    """
    depth = 0
    for event in yaml.parse(text, Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested deeper than {DEEPEST} levels")
