"""Accounts in a YAML file, as an operator or the demo loads them into a local directory."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from bot import field_errors, yaml_text
from bot.directory.local import AccountSeed
from bot.errors import ConfigError


def read(file: Path) -> tuple[AccountSeed, ...]:
    """Read accounts from a YAML file with `people:`, each with an `account:` mapping or null.

    Raises:
        ConfigError: the file is missing or wrong; the message names the file and the field.
    """
    try:
        content = yaml_text.load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{file}: expected `people:` with a list of people ({error})") from error
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list):
        raise ConfigError(f"{file}: expected `people:` with a list of people")
    seeds = (_seed(person, f"{file}: people.{number}") for number, person in enumerate(people))
    return tuple(seed for seed in seeds if seed is not None)


def _seed(person: object, place: str) -> AccountSeed | None:
    """Return the account of one entry; None when it has none.

    Args:
        person: the entry.
        place: the file and the number of the entry, from 0, for messages.

    Raises:
        ConfigError: the entry is wrong.
    """
    if not isinstance(person, dict):
        raise ConfigError(f"{place}: expected `email`, `real_name` and `account`")
    account = person.get("account")
    if account is None:
        return None
    if not isinstance(account, dict):
        raise ConfigError(f"{place}.account: expected `id` and `status`, or null")
    for field in ("email", "real_name"):
        if not isinstance(person.get(field), str):
            raise ConfigError(f"{place}.{field}: expected a text")
    try:
        return AccountSeed.model_validate({"email": person["email"], "name": person["real_name"], **account})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{place}.account.{where}: {field_errors.expected(first)}") from error
