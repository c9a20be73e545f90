"""Addresses and secrets from the environment, read once per process, never at import.

Only `bot.cli` and the first job of a worker build Settings; everybody else is handed one.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot import durations
from bot.errors import ConfigError
from bot.ground import Kind


def put_over(told: Mapping[str, str]) -> None:
    """Put variables over the environment, for every Settings that this process makes from now on."""
    os.environ.update(told)


class Settings(BaseSettings):
    """What this process connects to; every field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str = Field(default="sqlite:///.deskhand/deskhand.db", repr=False)
    "SQLAlchemy address; `sqlite:///FILE` or `postgresql+psycopg://...` (`postgres://` is understood)."
    redis_url: str = Field(default="redis://127.0.0.1:6379/0", repr=False)
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_api_url: str = "https://slack.com/api/"
    anthropic_base_url: str | None = None
    "Where the model answers; the vendor's own address by default."
    deskhand_model: str | None = None
    "Overrides the card's model, for the stand-in of the demo."
    deskhand_config: Path = Path("config")
    deskhand_turn_lease: float = Field(default=durations.TURN_LEASE, gt=0)
    "Seconds an attempt may go without a sign of life before another worker takes the turn."
    deskhand_concurrency: int = Field(default=50, ge=1, le=1000)
    "Jobs that one worker process runs at once."
    deskhand_drain: float = Field(default=20.0, ge=0)
    "Seconds that a worker which is told to stop gives the jobs it has in hand."
    deskhand_ground: Kind = Kind.INSTALLATION
    "Whose database and Redis these have to be; the demo says `demo` to what it starts."
    deskhand_log: Literal["json", "console"] = "json"
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)

    _environment: dict[str, SecretStr] = PrivateAttr(default_factory=dict)

    def model_post_init(self, _context: object, /) -> None:
        """Keep the environment as it is now, so that a card's credential is read at the same moment."""
        self._environment = {name: SecretStr(value) for name, value in os.environ.items() if value}

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings of this process.

        Raises:
            ConfigError: a variable has a wrong value; the message names it.
        """
        try:
            return cls()
        except ValidationError as error:
            wrong = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
            raise ConfigError(f"environment: {wrong}") from error

    def credential(self, name: str) -> SecretStr:
        """Return the secret of the variable that a card names.

        Raises:
            ConfigError: the variable is not set.
        """
        if name not in self._environment:
            raise ConfigError(f"environment: {name} is not set; a card names it as a credential")
        return self._environment[name]

    def has(self, name: str) -> bool:
        """Tell whether the environment holds a value under this name."""
        return name in self._environment
