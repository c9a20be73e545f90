"""Changes single values in the text of a YAML file that people write: comments and all other lines stay as they are."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bot import yaml_text
from bot.errors import ConfigError

Value = str | Sequence[str] | None
Place = tuple[str, ...]
"The names that lead to a value, from the outermost mapping."


def with_values(file: Path, text: str, values: Mapping[Place, Value]) -> str:
    """Return the text with other values; a value that is as wanted is not touched.

    Args:
        file: the file, for messages.
        text: its content.
        values: what is wanted, by place. A name that the innermost mapping does not have is added to it.

    Raises:
        ConfigError: the text is no YAML, or is written in a way in which the value cannot be changed.
    """
    for place, value in values.items():
        if _at(_content(file, text), place) != _plain(value):
            text = _with_value(file, text, place, value)
    return text


def _with_value(file: Path, text: str, place: Place, value: Value) -> str:
    """Return the text with one other value; it is read again, so that nothing else has changed."""
    *above, name = place
    mapping = _mapping(yaml.compose(text, yaml.SafeLoader), above)
    by_hand = ConfigError(f"{file}: {'.'.join(place)}: cannot be changed in this text; write {_written(value)} there")
    if mapping is None:
        raise by_hand
    found = next(((key, node) for key, node in mapping.value if key.value == name), None)
    changed = _replaced(text, *found, value) if found else _added(text, mapping, name, value)
    expected = _content(file, text)
    _mapping_of(expected, above)[name] = _plain(value)
    try:
        if _content(file, changed) == expected:
            return changed
    except ConfigError as error:
        raise by_hand from error
    raise by_hand


def _replaced(text: str, key: yaml.Node, node: yaml.Node, value: Value) -> str:
    start, end = node.start_mark.index, _end(node)
    on_its_line = node.start_mark.line == key.start_mark.line
    indent = "" if on_its_line or node.start_mark.column > key.start_mark.column else "  "
    between = " " if start == key.end_mark.index + 1 else ""  # an empty value begins right behind the colon
    return f"{text[:start]}{between}{indent}{_written(value)}{text[end:]}"


def _added(text: str, mapping: yaml.MappingNode, name: str, value: Value) -> str:
    first = mapping.value[0][0] if mapping.value else None
    if first is None or mapping.flow_style:
        return text
    start, indent = first.start_mark.index, " " * first.start_mark.column
    return f"{text[:start]}{name}: {_written(value)}\n{indent}{text[start:]}"


def _end(node: yaml.Node) -> int:
    """Return where a value ends: a block's own mark is behind the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _mapping(node: yaml.Node | None, above: Sequence[str]) -> yaml.MappingNode | None:
    for name in above:
        inside = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for key, value in inside if key.value == name), None)
    return node if isinstance(node, yaml.MappingNode) else None


def _content(file: Path, text: str) -> Any:
    try:
        return yaml_text.load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{file}: not YAML: {error}") from error


def _at(content: Any, place: Place) -> Any:
    for name in place:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _mapping_of(content: Any, above: Sequence[str]) -> Any:
    for name in above:
        content = content[name]
    return content


def _plain(value: Value) -> Any:
    return value if value is None or isinstance(value, str) else list(value)


def _written(value: Value) -> str:
    """Return a value as YAML; what needs quotes gets them."""
    if value is None:
        return "null"
    if isinstance(value, str):
        is_plain = isinstance(yaml_text.load(value), str) and value.replace("/", "").replace("_", "").isalnum()
        return value if is_plain else json.dumps(value)
    return f"[{', '.join(map(_written, value))}]"
