"""Reads the files in `config/` that operators write; the error about a wrong file names the field.

YAML is read as version 1.2: only `true` and `false` are booleans (not `on` or `yes`), `010` is not octal, `10:00` is
not a sexagesimal number, and a repeated field is refused. Numbers are kept as written, so that 0.1 is one tenth.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot import field_errors, yaml_text
from bot.errors import ConfigError, why_unreadable

Content = TypeVar("Content", bound=BaseModel)

NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
MOST_SHOWN = 60
"The most characters of a wrong value that a message shows."


def read(path: Path, kind: type[Content]) -> Content:
    """Return the content of a YAML file as a checked value.

    Raises:
        ConfigError: the file is missing, is no YAML, or has a wrong field; the message names both.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {why_unreadable(error)}") from error
    return parse(path, text, kind)


def parse(path: Path, text: str, kind: type[Content]) -> Content:
    """Return the content of a YAML text as a checked value.

    Raises:
        ConfigError: it is no YAML, or has a wrong field; the message names the file and the field.
    """
    try:
        content = yaml_text.load(text, _Loader)
    except (ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    try:
        return kind.model_validate(content if content is not None else {})
    except ValidationError as error:
        wrong = "; ".join(
            f"{_place(found)}: {_problem(found, kind)}" for found in field_errors.distinct(error.errors())
        )
        raise ConfigError(f"{path}: {wrong}") from error


def decimal(value: object) -> Decimal:
    """Return a number exactly as the file has it.

    Raises:
        ValueError: it is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(f"expected a number such as 12.50, found {shown(value)}")  # noqa: TRY004 - pydantic reports a ValueError with its field
    if NUMBER.fullmatch(str(value)) is None:
        raise ValueError(f"expected a number such as 12.50, found {shown(value)}")
    return Decimal(str(value))


def shown(value: object) -> str:
    """Return a wrong value for a message: as it is in the file, shortened."""
    text = str(value).lower() if isinstance(value, bool) else repr(str(value) if isinstance(value, Decimal) else value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def nearest(word: object, known: Iterable[str]) -> str:
    """Return ` (did you mean x?)`, or an empty text if no known word is near."""
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


class _Loader(yaml_text.Loader):
    """Reads plain values as YAML 1.2, and refuses a repeated field."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as yaml declares it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - yaml's own
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "expected a plain name", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} appears twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_FLOAT = "tag:yaml.org,2002:float"
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"), list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT, re.compile(rf"{NUMBER.pattern}\Z"), list("-+0123456789"))
_Loader.add_constructor(_FLOAT, lambda _, node: Decimal(node.value))


def _place(found: ErrorDetails) -> str:
    return ".".join(str(step) for step in found["loc"] if step != "[key]") or "the file"


def _problem(found: ErrorDetails, kind: type[BaseModel]) -> str:
    value, context = found["input"], found.get("ctx", {})
    match found["type"]:
        case "value_error" | "missing":
            return field_errors.expected(found)
        case "extra_forbidden":
            *above, name = found["loc"]
            known = _fields(kind, above)
            return f"is unknown{nearest(name, known)}, expected one of {', '.join(known)}"
        case "literal_error":
            expected = str(context["expected"])
            near = nearest(value, re.findall(r"'(\w+)'", expected))
            return f"expected {expected}, found {shown(value)}{near}"
        case "model_type":
            return f"expected {', '.join(_fields(kind, found['loc']))}, found {shown(value)}"
        case _:
            return f"{field_errors.expected(found)}, found {shown(value)}"


def _fields(kind: type[BaseModel], steps: Iterable[int | str]) -> list[str]:
    """Return the fields that a file may have at a place; a step that is a key chosen by the operator is skipped."""
    for step in steps:
        if field := kind.model_fields.get(str(step)):
            kind = next(_models(field.annotation), kind)
    return list(kind.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
