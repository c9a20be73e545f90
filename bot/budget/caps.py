"""Budgets: who may spend how much in which window, read from `config/budgets.yaml`.

A call has to fit under every cap that applies to it. A window is a local day, week or month; its id
is a part of the account's key, so nothing has to be reset when a window ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.budget import config

Scope = Literal["channel", "user", "team", "agent"]
Window = Literal["day", "week", "month"]

NANO = 10**9
HIGHEST_USD = 1_000_000
"Above it a cap is a typing error; Redis counts exactly up to 2^53 nano-USD, nine times as much."


def _nano_usd(value: object) -> int:
    nano = config.decimal(value) * NANO
    if not 0 <= nano <= HIGHEST_USD * NANO:
        raise ValueError(f"expected US dollars from 0 to {HIGHEST_USD}, found {value!r}")
    if nano != int(nano):
        raise ValueError(f"expected at most nine decimals, found {value!r}")
    return int(nano)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError is zoneinfo's "not found"
        raise ValueError(f"expected a time zone such as Europe/Berlin, found {name!r}") from None
    return name


def _rising(percents: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(percents)))


@dataclass(frozen=True, slots=True)
class Cap:
    """One budget account that a call must fit under, in one window."""

    key: str
    "`channel:C0HELP:2026-11-22`"
    scope: Scope
    holder: str
    window_start: datetime
    resets_at: datetime
    "UTC; the window ends right before it."
    limit_nusd: int
    soft: tuple[int, ...] = ()
    "Percentages of the limit at which people are told."


class Limit(BaseModel):
    """What may be spent in one window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: Window
    hard: Annotated[int, BeforeValidator(_nano_usd)]
    "US dollars in the file, nano-USD here."
    soft: Annotated[tuple[Annotated[int, Field(ge=1, le=100)], ...], AfterValidator(_rising)] = ()


class Limits(BaseModel):
    """The limits of one scope: everybody's, and those of the ones named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Limit | None = None
    "None: only the named ones are capped."
    named: dict[str, Limit] = {}
    "By Slack id (channel, user, team) or agent name."


class Budgets(BaseModel):
    """All caps of this installation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: Annotated[str, AfterValidator(_zone)]
    channel: Limits = Limits()
    user: Limits = Limits()
    team: Limits = Limits()
    agent: Limits = Limits()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the budgets.

        Raises:
            ConfigError: the file is wrong; the message names file and field.
        """
        return config.read(path, cls)

    def accounts(self, *, team: str, channel: str, user: str, agent: str, at: datetime) -> tuple[Cap, ...]:
        """Return every cap that applies to a call made at a moment."""
        holders: tuple[tuple[Scope, Limits, str], ...] = (
            ("channel", self.channel, channel),
            ("user", self.user, user),
            ("team", self.team, team),
            ("agent", self.agent, agent),
        )
        return tuple(self._caps(holders, at))

    def bounds(self, window: Window, at: datetime) -> tuple[datetime, datetime]:
        """Return the start and the end (UTC, end excluded) of the window that holds a moment."""
        _, start, end = self._window(window, at)
        return start, end

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the time zone in which days, weeks and months begin."""
        return ZoneInfo(self.time_zone)

    def _caps(self, holders: tuple[tuple[Scope, Limits, str], ...], at: datetime) -> Iterator[Cap]:
        for scope, limits, holder in holders:
            limit = limits.named.get(holder, limits.default)
            if limit is None:
                continue
            name, start, end = self._window(limit.window, at)
            yield Cap(f"{scope}:{holder}:{name}", scope, holder, start, end, limit.hard, limit.soft)

    def _window(self, window: Window, at: datetime) -> tuple[str, datetime, datetime]:
        today = at.astimezone(self.zone).date()
        match window:
            case "day":
                name, first, after = today.isoformat(), today, today + timedelta(days=1)
            case "week":
                first = today - timedelta(days=today.weekday())
                name, after = first.strftime("%G-W%V"), first + timedelta(days=7)
            case "month":
                first = today.replace(day=1)
                name, after = first.strftime("%Y-%m"), (first + timedelta(days=31)).replace(day=1)
        # Midnight is looked up in the zone for each end: a daylight-saving day has 23 or 25 hours.
        start, end = (
            datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC) for day in (first, after)
        )
        return name, start, end
