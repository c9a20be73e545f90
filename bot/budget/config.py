"""Reading `config/*.yaml` of this room: a wrong file refuses to start and names the field."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from bot.errors import ConfigError

Content = TypeVar("Content", bound=BaseModel)


def read(path: Path, kind: type[Content]) -> Content:
    """Return the content of a YAML file as a checked value.

    Raises:
        ConfigError: the file is missing, is no YAML, or has a wrong field; the message names both.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    try:
        return kind.model_validate(content if content is not None else {})
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(step) for step in found['loc']) or 'the file'}: {found['msg']}" for found in error.errors()
        )
        raise ConfigError(f"{path}: {wrong}") from error


def decimal(value: object) -> Decimal:
    """Return a number of the file as it is written there, so that 0.1 is one tenth.

    Raises:
        ValueError: it is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("expected a number")  # noqa: TRY004 - pydantic reports a ValueError with its field
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"expected a number, found {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"expected a finite number, found {value!r}")
    return number
