"""YAML read by the parser in C, where PyYAML brings it: ten times as fast as the one in Python.

It has no bound of its own: a file of some ten thousand brackets would end the process. So the depth is looked at first.
"""

from typing import Any

import yaml

try:
    from yaml import CSafeLoader as Loader
except ImportError:
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

__all__ = ["DEEPEST", "Loader", "load"]

DEEPEST = 100


def load(text: str, loader: type[Loader] = Loader) -> Any:
    """Return what a text says.

    Args:
        text: the text.
        loader: `Loader`, or a class made from it.

    Raises:
        yaml.YAMLError: it is no YAML, or more than `DEEPEST` things are in one another.
        ValueError: a value cannot be: a date that no calendar has.
    """
    depth = 0
    for event in yaml.parse(text, Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"more than {DEEPEST} things are in one another")
    return yaml.load(text, loader)  # noqa: S506 - one of ours
