"""Accounts in a YAML file, as an operator or the demo loads them into a local directory."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from bot import yaml_text
from bot.directory.local import AccountSeed
from bot.errors import ConfigError


def read(file: Path) -> tuple[AccountSeed, ...]:
    """Read accounts from a YAML file with `people:`, each with an `account:` mapping or null.

    Raises:
        ConfigError: the file is missing or wrong; the message names the file and the field.
    """
    try:
        content = yaml_text.load(file.read_text(encoding="utf-8"))
        people = content["people"]
        return tuple(
            AccountSeed.model_validate({"email": person["email"], "name": person["real_name"], **person["account"]})
            for person in people
            if person.get("account") is not None
        )
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{file}: people.account.{where}: {first['msg']}") from error
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{file}: expected `people:` with `email` and `real_name` each ({error})") from error
