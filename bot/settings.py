"""Addresses and secrets from the environment, read once per process, never at import.

Only `bot.cli` and the first job of a worker build Settings; all other code is given them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot import durations, field_errors, public_address, service_addresses
from bot.errors import ConfigError
from bot.ground import Kind
from bot.network import Network

LEAST_SECRET = 32
"The fewest characters of a secret that signs links."


LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """Where a process answers `GET /metrics`: a host, and the ports of which the first free one is taken."""

    host: str
    ports: range

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read `HOST:PORT` or `HOST:FIRST-LAST`; an IPv6 address is in brackets.

        Raises:
            ValueError: it is neither.
        """
        host, _, ports = str(text).rpartition(":")
        first, _, last = ports.partition("-")
        numbers = [number for number in (first, last or first) if number.isascii() and number.isdigit()]
        host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
        found = range(int(numbers[0]), int(numbers[1]) + 1) if len(numbers) == 2 else range(0)  # noqa: PLR2004 - first and last
        if not host or not found or found[-1] > LAST_PORT:
            raise ValueError("expected HOST:PORT or HOST:FIRST-LAST, such as 127.0.0.1:9464-9479")
        return cls(host, found)

    def __str__(self) -> str:
        return f"{self.host}:{self.ports[0]}" + (f"-{self.ports[-1]}" if len(self.ports) > 1 else "")


def override_environment(variables: Mapping[str, str]) -> None:
    """Set environment variables for all Settings that this process makes from now on."""
    os.environ.update(variables)


def _metrics_address(value: object) -> object:
    return value if value is None or isinstance(value, MetricsAddress) else MetricsAddress.parse(value)


class Settings(BaseSettings):
    """What this process connects to; every field is read from the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    database_url: str = Field(default="sqlite:///.deskhand/deskhand.db", repr=False)
    "SQLAlchemy URL: `sqlite:///FILE` or `postgresql+psycopg://...`; `postgres://` works too."
    database_owner_url: str | None = Field(default=None, repr=False)
    "The same PostgreSQL database for the owner of its tables, who migrates it; the other role cannot change the audit."
    redis_url: str = Field(default="redis://127.0.0.1:6379/0", repr=False)
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    "With the client id: the dashboard is opened by signing in with Slack, and no longer by links."
    slack_api_url: str = "https://slack.com/api/"
    anthropic_base_url: str | None = None
    "Address of the model's API; the vendor's own by default."
    deskhand_model: str | None = None
    "Overrides the card's model; the demo sets it to its stand-in."
    deskhand_config: Path = Path("config")
    deskhand_turn_lease: float = Field(default=durations.TURN_LEASE, gt=0, allow_inf_nan=False)
    "Seconds that an attempt may go without a renewal before another worker takes the turn."
    deskhand_concurrency: int = Field(default=50, ge=1, le=1000)
    "Jobs that one worker process runs at once."
    deskhand_drain: float = Field(default=20.0, ge=0, allow_inf_nan=False)
    "Seconds that a worker gives its running jobs when it is told to stop."
    deskhand_idle: int = Field(default=5, ge=1, le=3600)
    "Seconds that the web process keeps a connection without a request open; longer than a load balancer in front does."
    deskhand_ground: Kind = Kind.INSTALLATION
    "What the database and Redis must belong to; the demo sets `demo` for the processes that it starts."
    deskhand_public_url: str | None = None
    "Address at which people reach the web process, such as `https://deskhand.example.com`; without it, no dashboard."
    deskhand_web_secret: SecretStr | None = None
    "Signs links to the dashboard instead of the bot token; two, separated by a comma, while one replaces the other."
    deskhand_delegation_keys: SecretStr | None = None
    "Sign what a tool is allowed to do, for a worker: one key, or two, separated by a comma, the new one first."
    deskhand_delegation_keys_file: Path | None = None
    "A file with these keys, one a line, in place of the variable."
    deskhand_approver_key: SecretStr | None = None
    "Encrypts the secrets of approvers, for `web` and `socket`: one key, or two with a comma, the new one first."
    deskhand_approver_key_file: Path | None = None
    "A file with these keys, one a line, in place of the variable."
    audit_signing_key: SecretStr | None = None
    "Signs checkpoints of the audit log, for `deskhand audit checkpoint` and `seal` alone."
    audit_signing_key_file: Path | None = None
    "A file with this key, in place of the variable."
    audit_public_key: str | None = None
    "The public part of that key, by which checkpoints are verified; several, separated by commas."
    audit_checkpoints: Path | None = None
    "The file to which checkpoints are added; a clock that can read it tells owners when they stop."
    audit_channel: str | None = None
    "The Slack channel to which the signer posts checkpoints."
    deskhand_log: Literal["json", "console"] = "json"
    deskhand_metrics: Annotated[MetricsAddress | None, NoDecode, BeforeValidator(_metrics_address)] = None
    "Where this process answers `/metrics` and `/readyz`: `HOST:PORT`, or `HOST:FIRST-LAST` for several of one host."
    otel_exporter_otlp_endpoint: str | None = None
    "Base address of a trace collector (OTLP over HTTP), such as `http://127.0.0.1:4318`; without one, no traces."
    otel_exporter_otlp_traces_endpoint: str | None = None
    "The whole address for traces, in place of the base address."
    otel_sdk_disabled: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)

    @field_validator(*service_addresses.CHECKS)
    @classmethod
    def _is_sound(cls, value: str | SecretStr | None, info: ValidationInfo) -> str | SecretStr | None:
        if value is not None:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            service_addresses.CHECKS[str(info.field_name)](plain)
        return value

    @field_validator("deskhand_public_url")
    @classmethod
    def _is_public_address(cls, value: str | None) -> str | None:
        return None if value is None else public_address.checked(value)

    @field_validator("deskhand_web_secret")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and min(map(len, _parts(value))) < LEAST_SECRET:
            raise ValueError(f"each secret needs at least {LEAST_SECRET} characters: `openssl rand -hex 32` makes one")
        return value

    _environment: dict[str, SecretStr] = PrivateAttr(default_factory=dict)
    _network: Network | None = PrivateAttr(default=None)

    def model_post_init(self, _context: object, /) -> None:
        """Keep the environment of now, so that a card's credential is of the same moment as the settings."""
        self._environment = {name: SecretStr(value) for name, value in os.environ.items()}

    @property
    def network(self) -> Network:
        """Return by which proxy others are reached, and whose certificates are trusted; read once.

        Raises:
            ConfigError: a proxy or a file of certificates cannot be read.
        """
        if self._network is None:
            self._network = Network.read({name: value.get_secret_value() for name, value in self._environment.items()})
        return self._network

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic passes all sources by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments and the environment: the readers of files, of which we have none, take as long as both."""
        return init_settings, env_settings

    @classmethod
    def from_environment(cls, *, reaches_others: bool = True) -> Self:
        """Read the settings of this process.

        Args:
            reaches_others: whether it must be able to use the proxy and certificates that are set. The demo's own
                process stays on this machine.

        Raises:
            ConfigError: a variable has a wrong value; the message names it.
        """
        for variable in map(str.upper, cls.model_fields):
            try:
                os.environ.get(variable, "").encode()
            except UnicodeEncodeError as error:
                raise ConfigError(f"environment: {variable}: it is not text in UTF-8; write it anew") from error
        try:
            settings = cls()
        except ValidationError as error:
            wrong = "; ".join(f"{str(e['loc'][0]).upper()}: {field_errors.expected(e)}" for e in error.errors())
            raise ConfigError(f"environment: {wrong}") from error
        if reaches_others:
            settings.network  # noqa: B018 - so that a wrong one refuses to start
        return settings

    def credential(self, name: str) -> SecretStr:
        """Return the secret in the environment variable that a card names.

        Raises:
            ConfigError: the variable is not set.
        """
        if not self.has(name):
            raise ConfigError(f"environment: {name} is not set; a card names it as a credential")
        return self._environment[name]

    def link_secrets(self) -> tuple[str, ...]:
        """Return the secrets that sign links to the dashboard, newest first; empty when there is none."""
        secret = self.deskhand_web_secret or self.slack_bot_token
        return () if secret is None else _parts(secret)

    def refuse_signing_key(self) -> None:
        """Refuse the signer's key in a process that writes the audit log: who can write it must not vouch for it.

        Raises:
            ConfigError: the key is in the environment.
        """
        if self.audit_signing_key is not None or self.audit_signing_key_file is not None:
            raise ConfigError(
                "environment: AUDIT_SIGNING_KEY or AUDIT_SIGNING_KEY_FILE is set for a process that writes the audit "
                "log; only `deskhand audit checkpoint` may have it, as docs/how-to/audit.md says"
            )

    def has(self, name: str) -> bool:
        """Return whether the environment has a value of this name."""
        return bool(self._environment.get(name))


def _parts(secret: SecretStr) -> tuple[str, ...]:
    return tuple(part.strip() for part in secret.get_secret_value().split(","))
