"""What a viewer asks to see: days and an agent, from the query of the page's address. Pure.

Invariant: whatever the query holds, the answer is a window and an agent that this viewer may see, with a sentence for
each value that could not be used. An agent that is not theirs and one that does not exist have the same sentence.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

WINDOWS = (7, 30, 90)
"Days of the windows that the page links to."
USUAL = 30
"Days that are shown unless the viewer asks for others."
LONGEST = 92
"The most days of a window: a chart has a bar for each."
EARLIEST = 2000
"The year before which no ticket can have been."


@dataclass(frozen=True, slots=True)
class Filter:
    """Which days and whose requests are shown."""

    since: date
    "The first day (UTC)."
    until: date
    "The last day (UTC), which is part of it."
    agents: tuple[str, ...]
    "The agents that are shown: the one that was asked for, or all that the viewer may see."
    agent: str | None = None
    "The one agent that was asked for; None for all."
    complaints: tuple[str, ...] = ()
    "A sentence for each part of the query that could not be used."

    @property
    def days(self) -> int:
        """Return the number of days."""
        return (self.until - self.since).days + 1

    @property
    def begins(self) -> datetime:
        """Return the first moment (UTC)."""
        return datetime.combine(self.since, time(), UTC)

    @property
    def ends(self) -> datetime:
        """Return the first moment after the last day (UTC)."""
        return datetime.combine(self.until + timedelta(days=1), time(), UTC)

    def address(self, *, since: date | None = None, until: date | None = None, agent: str | None = "") -> str:
        """Return the query that leads to this view, with some of it changed; an agent of None means all agents."""
        wanted = {"since": since or self.since, "until": until or self.until}
        which = self.agent if agent == "" else agent
        return "?" + urlencode(wanted | ({"agent": which} if which else {}))


def read(query: Mapping[str, str], allowed: Collection[str], *, today: date) -> Filter:
    """Return what a query asks for.

    Args:
        query: the values by name, as they came.
        allowed: the agents that the viewer may see, at least one.
        today: the current day (UTC).
    """
    complaints: list[str] = []
    given = {name: _day(query.get(name, ""), name, complaints) for name in ("since", "until")}
    until = given["until"] or today
    since = given["since"] or until - timedelta(days=USUAL - 1)
    wrong = _wrong(since, until, today)
    if wrong:
        complaints.append(f"{wrong} This page shows the last {USUAL} days.")
        since, until = today - timedelta(days=USUAL - 1), today
    agents = tuple(sorted(allowed))
    agent = query.get("agent") or None
    if agent is not None and agent not in agents:
        complaints.append(f"You can see no agent of the name that was asked for. This page shows {_all(agents)}.")
        agent = None
    return Filter(since, until, agents if agent is None else (agent,), agent, tuple(complaints))


def _all(agents: Sequence[str]) -> str:
    return agents[0] if len(agents) == 1 else f"all your {len(agents)} agents"


def _day(text: str, name: str, complaints: list[str]) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
        if str(found) != text or found.year < EARLIEST:
            raise ValueError  # noqa: TRY301 - it is as wrong as what `fromisoformat` refuses
    except ValueError:
        complaints.append(f"{name!r} must be a day such as 2026-11-30, so it was left out.")
        return None
    return found


def _wrong(since: date, until: date, today: date) -> str | None:
    if since > until:
        return f"The first day ({since}) is after the last ({until})."
    if until > today + timedelta(days=1):  # a day has begun somewhere before it begins in UTC
        return f"The last day ({until}) is in the future."
    if (until - since).days >= LONGEST:
        return f"A window has at most {LONGEST} days."
    return None
