"""Who lives in the local workspace and what our app may do there.

Both come from files that people edit (`people.yaml`, `config/slack-manifest.yaml`), so a mistake in them is refused at
the start, with the file and the field.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from bot import yaml_text
from bot.errors import ConfigError
from bot.sandbox.slack.phones import Phones

Json = dict[str, Any]
Role = Literal["requester", "responder", "owner", "partner"]


class GuestKind(StrEnum):
    """Which channels a guest may be invited to."""

    SINGLE_CHANNEL = "single_channel"
    "One channel: Slack sets `is_restricted` and `is_ultra_restricted`."
    MULTI_CHANNEL = "multi_channel"
    "Several: Slack sets `is_restricted` alone."


@dataclass(frozen=True, slots=True)
class WorkspaceConfig:
    """The configuration of a local workspace."""

    people: Path
    manifest: Path
    bot_token: str
    app_token: str
    signing_secret: str
    key: str
    """The key that the page and our own programs send, so that no web site can use the workspace."""
    person_token: str = ""
    """The token of the first person, as an operator might copy it by mistake; empty: they have none."""
    client_id: str = ""
    client_secret: str = ""
    redirect_url: str = ""
    """Where people are sent back to who sign in with Slack; empty: nobody can."""
    agents: Path | None = None
    """The configuration folder whose agents' channels are added to those of the people file."""
    deliver_to: str | None = None
    """The bot's address for events over HTTP; None means Socket Mode only."""
    state_file: Path | None = None
    """The file in which messages survive a restart; None keeps them in memory."""
    banner: str = ""
    """Which model answers, Claude or the stand-in; shown on every page."""
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    """Seconds before each retry of an event that was not answered."""
    rate_limits: bool = True
    answer_seconds: float = 3.0
    """How many seconds Slack waits for an answer, and how long a trigger_id is valid."""
    next_seconds: float = 0.5
    """Seconds that the next event of a channel waits for the answer to the last one."""
    stream_seconds: float = 300.0
    """How many seconds a streamed message may stay open."""
    phones: Phones | None = None
    """The devices of its people; None: the page shows none."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedPerson(_Row):
    """A person of the workspace."""

    id: str
    name: str
    real_name: str
    email: str
    tz: str
    role: Role
    title: str
    guest: GuestKind | None = None
    """A guest is in no channel but those that list them."""
    slack: Json = {}
    """Fields in which `users.info` differs from a full member's: another `team_id`, `is_stranger`."""
    account: Json | None = None
    """Their directory entry, which others load; the workspace does not read it."""


class Team(_Row):
    """The workspace itself."""

    id: str
    name: str
    domain: str


class BotUser(_Row):
    """Our app in the workspace."""

    id: str
    name: str
    app_id: str
    bot_id: str


class SeedChannel(_Row):
    """A channel as it is seeded; a partner is in those that are shared."""

    id: str
    name: str
    members: Literal["everyone"] | tuple[Role, ...]
    bot_member: bool
    private: bool = False
    shared: bool = False
    """Shared with another organisation, whose people are then in it."""
    people: tuple[str, ...] = ()
    """Members besides those with the roles, by user id: guests, for example."""

    def seats(self, person: SeedPerson) -> bool:
        """Return whether somebody is a member from the start."""
        if person.id in self.people:
            return True
        if person.role == "partner":
            return self.shared
        return person.guest is None and (self.members == "everyone" or person.role in self.members)


class Group(_Row):
    """A user group: mentioning it mentions several people."""

    id: str
    handle: str
    name: str
    members: tuple[Role, ...]


class Seed(_Row):
    """The content of the people file."""

    team: Team
    bot: BotUser
    channels: tuple[SeedChannel, ...]
    groups: tuple[Group, ...] = ()
    people: tuple[SeedPerson, ...]

    def person(self, user_id: str) -> SeedPerson | None:
        """Return the person with this id, if there is one."""
        return next((person for person in self.people if person.id == user_id), None)


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Command(_Lenient):
    """A slash command of the app."""

    command: str
    description: str = ""
    usage_hint: str = ""


class Shortcut(_Lenient):
    """A message or global shortcut of the app."""

    name: str
    callback_id: str
    type: Literal["message", "global"]


class _AppHome(_Lenient):
    home_tab_enabled: bool = False


class _Features(_Lenient):
    app_home: _AppHome = _AppHome()
    slash_commands: tuple[Command, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()


class _Scopes(_Lenient):
    bot: frozenset[str]


class _Oauth(_Lenient):
    scopes: _Scopes


class _Subscriptions(_Lenient):
    bot_events: frozenset[str] = frozenset()


class _Interactivity(_Lenient):
    is_enabled: bool = False


class _Settings(_Lenient):
    event_subscriptions: _Subscriptions = _Subscriptions()
    interactivity: _Interactivity = _Interactivity()
    socket_mode_enabled: bool = False


class Manifest(_Lenient):
    """The part of a Slack app manifest that decides what the app may do and hear."""

    features: _Features = _Features()
    oauth_config: _Oauth
    settings: _Settings = _Settings()

    @property
    def scopes(self) -> frozenset[str]:
        """The bot token's scopes."""
        return self.oauth_config.scopes.bot

    @property
    def events(self) -> frozenset[str]:
        """The subscribed events, as the manifest spells them (`message.im`)."""
        return self.settings.event_subscriptions.bot_events

    @property
    def has_home(self) -> bool:
        """Return whether the app has a Home tab."""
        return self.features.app_home.home_tab_enabled

    @property
    def commands(self) -> tuple[Command, ...]:
        """The slash commands."""
        return self.features.slash_commands

    @property
    def shortcuts(self) -> tuple[Shortcut, ...]:
        """The shortcuts, message and global."""
        return self.features.shortcuts


def load_seed(path: Path) -> Seed:
    """Read the people file.

    Raises:
        ConfigError: the file is missing or wrong; the message names the field.
    """
    try:
        return Seed.model_validate(_yaml(path))
    except ValidationError as error:
        raise ConfigError(_first_problem(path, error)) from None


def load_manifest(path: Path) -> Manifest:
    """Read the app manifest.

    Raises:
        ConfigError: the file is missing or wrong; the message names the field.
    """
    try:
        return Manifest.model_validate(_yaml(path))
    except ValidationError as error:
        raise ConfigError(_first_problem(path, error)) from None


def _yaml(path: Path) -> Any:
    try:
        return yaml_text.load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:  # an impossible date is a ValueError
        raise ConfigError(f"{path}: not YAML: {error}") from None


def _first_problem(path: Path, error: ValidationError) -> str:
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"])
    return f"{path}: {field}: {problem['msg']}"
