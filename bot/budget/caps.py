"""Budgets: who may spend how much in which window, read from `config/budgets.yaml`.

A call has to fit under every cap that applies to it. A window is a local day, week or month; its id is a part of the
budget key, so nothing has to be reset when a window ends.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Generic, Literal, Self, TypeVar, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.budget import config
from bot.cost_dimensions import NANO, BudgetScope, Window
from bot.principals import CHANNEL_ID, DIRECT_ID, EVALUATIONS, OF_EVALUATIONS, USER_ID, WORKSPACE_ID

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

HIGHEST_USD = 1_000_000
"A higher cap counts as a typing error; Redis is exact up to 2^53 nano-USD, nine times as much."


def _nano_usd(value: object) -> int:
    usd = config.decimal(value)
    if not 0 <= usd <= HIGHEST_USD:
        raise ValueError(f"expected US dollars from 0 to {HIGHEST_USD}, found {config.shown(value)}")
    if usd * NANO != int(usd * NANO):
        raise ValueError(f"expected at most nine decimals, found {config.shown(value)}")
    return int(usd * NANO)


def _zone(value: object) -> object:
    # zoneinfo opens more than these: `right/Europe/Berlin` counts leap seconds, `localtime` is the machine's zone.
    if isinstance(value, str) and value in _zones():
        return value
    near = config.nearest(value, _zones())
    raise ValueError(f"expected a time zone such as Europe/Berlin, found {config.shown(value)}{near}")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime", "Factory", "posixrules"})


def _percents(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a list of percentages such as [80], found {config.shown(value)}")  # noqa: TRY004 - pydantic reports a ValueError with its field
    for percent, times in Counter(map(str, value)).items():
        if times > 1:
            raise ValueError(f"expected each percentage once, found {percent} {times} times")
    return value


def _share(value: object) -> Decimal:
    part = config.decimal(value)
    if not 0 < part <= 1:
        raise ValueError(f"expected a part above 0 and up to 1 such as 0.25, found {config.shown(value)}")
    return part


def _time_of_day(value: object) -> object:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError(f"expected a time of day such as 09:00, found {config.shown(value)}")
    hours, minutes = map(int, value.split(":"))
    return time(hours, minutes)


def _given(value: object) -> object:
    if value is None or value == {}:  # if all of it is commented out, nobody would notice that there is no cap
        raise ValueError("is empty; fill it, or leave it out")
    return value


def _unless_false(value: object) -> object:
    return None if value is False else _given(value)


def _slack_id(value: object, *, of: str, pattern: str, also: str = "") -> object:
    if isinstance(value, str) and (value == also or re.fullmatch(pattern, value)):
        return value
    raise ValueError(f"expected the Slack id of a {of} such as {pattern[1]}0123ABCD, found {config.shown(value)}")


def _channel(value: object) -> object:
    return _slack_id(value, of="channel", pattern=f"{CHANNEL_ID}|{DIRECT_ID}", also=EVALUATIONS)


def _person(value: object) -> object:
    return _slack_id(value, of="person", pattern=USER_ID)


def _team(value: object) -> object:
    return _slack_id(value, of="workspace", pattern=WORKSPACE_ID)


def _agent(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9-]*", value):
        return value
    raise ValueError(f"expected the name of an agent's folder such as access, found {config.shown(value)}")


ChannelId = Annotated[str, BeforeValidator(_channel)]
PersonId = Annotated[str, BeforeValidator(_person)]
TeamId = Annotated[str, BeforeValidator(_team)]
AgentName = Annotated[str, BeforeValidator(_agent)]
Dollars = Annotated[int, BeforeValidator(_nano_usd)]
"US dollars in the file, nano-USD here."
Share = Annotated[Decimal, BeforeValidator(_share)]
"A share is above 0 and at most 1."
Percent = Annotated[int, Field(strict=True, ge=1, le=100)]
Holder = TypeVar("Holder", bound=str)


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit in one window, under which a call must fit."""

    key: str
    "`channel:C0HELP:2026-11-22`"
    scope: BudgetScope
    holder: str
    window_start: datetime
    resets_at: datetime
    "UTC; the window ends right before it."
    limit_nusd: int
    soft: tuple[int, ...] = ()
    "Percentages of the limit at which the owner is alerted."
    owner: str | None = None
    "Slack user id of who is alerted and decides; None: the owners of the agent."

    @property
    def shared(self) -> bool:
        """Return whether the calls of several people count under it."""
        own = self.scope == "channel" and (self.holder.startswith("D") or self.holder == EVALUATIONS)
        return self.scope != "user" and not own

    def passed(self, spent_nusd: int, raised_nusd: int = 0) -> tuple[int, ...]:
        """Return the soft caps, in percent, that this spending has passed."""
        limit = self.limit_nusd + raised_nusd
        return tuple(percent for percent in self.soft if 0 < percent * limit <= 100 * spent_nusd)


class Limit(BaseModel):
    """What may be spent in one window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: Window
    hard: Dollars
    soft: Annotated[
        tuple[Percent, ...], BeforeValidator(_percents), AfterValidator(lambda soft: tuple(sorted(soft)))
    ] = ()
    owner: PersonId | None = None
    "Slack user id of who is alerted at a soft cap and decides at the hard cap; None: the owners of the agent."


class ScopeLimits(BaseModel, Generic[Holder]):
    """The limits of one scope: a default, and limits of named holders."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Annotated[Limit | None, BeforeValidator(_given)] = None
    "None: only the named holders have a cap."
    named: Annotated[dict[Holder, Limit], BeforeValidator(_given)] = {}
    "The limits of named holders, by Slack id (channel, user, team) or agent name."


class DigestSchedule(BaseModel):
    """When owners are sent a digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: Weekday = "monday"
    "The digest of a week is sent on this day, that of a month on the first such day of the next month."
    at: Annotated[time, BeforeValidator(_time_of_day)] = time(9)
    "The time of day, in the time zone of the file."

    @property
    def weekday(self) -> int:
        """Return the day as in `date.weekday()`: Monday is 0."""
        return get_args(Weekday).index(self.day)


class Alerts(BaseModel):
    """How unusual spending must be for owners to be alerted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: float = Field(default=3.0, gt=1, le=1_000, allow_inf_nan=False)
    "Spending of at least this many times the usual amount."
    least: Dollars = NANO // 2
    "How much more than usual a day must cost before owners are alerted, in nano-USD."


class Budgets(BaseModel):
    """All budgets of this installation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: Annotated[str, BeforeValidator(_zone)]
    channel: Annotated[ScopeLimits[ChannelId], BeforeValidator(_given)] = ScopeLimits[ChannelId]()
    user: Annotated[ScopeLimits[PersonId], BeforeValidator(_given)] = ScopeLimits[PersonId]()
    team: Annotated[ScopeLimits[TeamId], BeforeValidator(_given)] = ScopeLimits[TeamId]()
    agent: Annotated[ScopeLimits[AgentName], BeforeValidator(_given)] = ScopeLimits[AgentName]()
    share: Share = Decimal("0.25")
    "The part of a shared cap that one person's calls may hold at a time."
    digest: Annotated[DigestSchedule | None, BeforeValidator(_unless_false)] = DigestSchedule()
    "`false` in the file: nobody is sent one."
    alerts: Annotated[Alerts | None, BeforeValidator(_unless_false)] = Alerts()
    "`false` in the file: nobody is alerted."

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the budgets.

        Raises:
            ConfigError: the file is wrong; the message names file and field.
        """
        return config.read(path, cls)

    def accounts(self, *, team: str, channel: str, user: str, agent: str, at: datetime) -> tuple[Cap, ...]:
        """Return every cap that applies to a call at a time; an evaluation has no cap of a person or team."""
        named = {"channel": channel, "agent": agent}
        if channel != EVALUATIONS:
            named |= {"user": user, "team": team}
        scopes = ((scope, limits, named[scope]) for scope, limits in self._scopes() if scope in named)
        return tuple(self._caps(scopes, at))

    def cap(self, key: str, at: datetime) -> Cap | None:
        """Return the cap with a budget key at a time; None: its window is over, or the file has changed."""
        scope, _, rest = key.partition(":")
        holder, _, _ = rest.rpartition(":")
        found = self.cap_of(scope, holder, at)
        return found if found is not None and found.key == key else None

    def cap_of(self, scope: str, holder: str, at: datetime) -> Cap | None:
        """Return the cap of a holder at a time; None: no cap of this scope applies to it."""
        scopes = ((known, limits, holder) for known, limits in self._scopes() if known == scope)
        return next(self._caps(scopes, at), None)

    def limit(self, scope: str, holder: str) -> Limit | None:
        """Return the limit of a holder; None: no cap of this scope applies to it."""
        scopes = (limits for known, limits in self._scopes() if known == scope)
        return next((limits.named.get(holder, limits.default) for limits in scopes), None)

    def bounds(self, window: Window, at: datetime) -> tuple[datetime, datetime]:
        """Return the start and the end (UTC, end excluded) of the window that contains a time."""
        _, start, end = self._window(window, at)
        return start, end

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the time zone in which days, weeks and months begin."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def version(self) -> str:
        """Return a hash of these budgets."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def _scopes(self) -> tuple[tuple[BudgetScope, ScopeLimits[str]], ...]:
        return (("channel", self.channel), ("user", self.user), ("team", self.team), ("agent", self.agent))

    def _caps(self, holders: Iterable[tuple[BudgetScope, ScopeLimits[str], str]], at: datetime) -> Iterator[Cap]:
        for scope, limits, holder in holders:
            limit = limits.named.get(holder, limits.default)
            if limit is None or (scope in ("user", "team") and holder in OF_EVALUATIONS):
                continue
            name, start, end = self._window(limit.window, at)
            yield Cap(f"{scope}:{holder}:{name}", scope, holder, start, end, limit.hard, limit.soft, limit.owner)

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
        # Both midnights are computed in the zone: a day of a daylight-saving change has 23 or 25 hours.
        start, end = (
            datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC) for day in (first, after)
        )
        return name, start, end
