"""What the dashboard shows, as values: the cohort that is asked for, and each figure with its unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from bot.store.handoffs.handoff_metrics import Spread
from bot.store.releases.verdicts import ReleasePair, WaiverInForce
from bot.store.schema import TurnOutcome, Verdict

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DashboardCohort:
    """Which days are shown: whole UTC days in `[since, until)`, of one agent, of some or of all."""

    since: datetime
    "The start of the first day."
    until: datetime
    "The end of the last day, which may be in the future."
    agent: str | None = None
    serving: Mapping[str, ReleasePair] = field(default_factory=dict)
    "The release that each agent serves, and its suite; without them, its newest release counts as served."
    among: tuple[str, ...] | None = None
    "The agents that are shown where no one agent is named; None: every agent."

    def __post_init__(self) -> None:
        """Refuse times that are no bounds of days."""
        if any(midnight(one) != one for one in (self.since, self.until)) or self.since > self.until:
            raise ValueError(f"whole UTC days are needed, not {self.since} to {self.until}")

    @property
    def named(self) -> tuple[str, ...] | None:
        """Return the agents that are shown, or None for every agent."""
        return self.among if self.agent is None else (self.agent,)

    @property
    def days(self) -> tuple[date, ...]:
        """Return the days, in order."""
        return tuple((self.since + DAY * number).date() for number in range((self.until - self.since).days))


@dataclass(frozen=True, slots=True)
class Volume:
    """Requests, tickets, latency, spending and thumbs of a day or of all days."""

    requests: int = 0
    "Turns that ended."
    replies: int = 0
    handoffs: int = 0
    "Turns that ended in a handoff."
    refused: int = 0
    withdrawn: int = 0
    linked: int = 0
    "Turns of tickets that follow a surge."
    tickets_opened: int = 0
    latency_p50_ms: int | None = None
    "Milliseconds from the opening of a turn to its reply, handoff or refusal, to two significant digits."
    latency_p95_ms: int | None = None
    calls: int = 0
    "Model calls of turns that left, on the day on which they left."
    input_tokens: int = 0
    "Prompt tokens that were neither read from the cache nor written to it."
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_nusd: int = 0
    "What the model calls of turns have cost."
    evaluation_calls: int = 0
    evaluation_cost_nusd: int = 0
    "What the model calls of evaluations have cost; in no other figure."
    thumbs_up: int = 0
    "Answers that somebody found helpful, on the day on which they last said so."
    thumbs_down: int = 0


@dataclass(frozen=True, slots=True)
class DayVolume:
    """The volume of one UTC day."""

    day: date
    volume: Volume


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """The calls of a tool, in turns that ended in the cohort's days."""

    tool: str
    ok: int = 0
    refused: int = 0
    "The tool or the policy refused the call."
    failed: int = 0
    unseen: int = 0
    "The turn ended before the result was seen."

    @property
    def calls(self) -> int:
        """Return the number of all calls."""
        return self.ok + self.refused + self.failed + self.unseen


@dataclass(frozen=True, slots=True)
class OutputCount:
    """Turns of one agent that ended alike."""

    agent: str
    outcome: TurnOutcome
    category: str | None
    "A category of the agent's card; None: the turn ended without one."
    turns: int


@dataclass(frozen=True, slots=True)
class HandoffTimes:
    """Handoffs that were opened in the cohort's days, of one reason or of all, in whatever state they are now.

    Times are seconds from the requester's first wait, to two significant digits.
    """

    reason: str | None
    "None: every reason."
    handoffs: int
    to_claim: Spread
    "Until the first claim."
    to_first_response: Spread
    "Until the first response of a person to the requester."
    to_resolve: Spread


@dataclass(frozen=True, slots=True)
class ServedRelease:
    """A release that an agent serves, and what its evaluation said of it."""

    agent: str
    fingerprint: str
    verdict: Verdict | None
    "None: it was never evaluated."
    verdict_at: datetime | None
    verdict_age_seconds: float | None
    "Seconds since the verdict."
    run_id: int | None = None
    "The run that gave the verdict."
    waiver: WaiverInForce | None = None
    "The waiver by which it serves without having passed."


@dataclass(frozen=True, slots=True)
class DashboardFigures:
    """Everything that the dashboard shows of a cohort."""

    cohort: DashboardCohort
    days: tuple[DayVolume, ...]
    "Every day of the cohort in order, days without requests included."
    total: Volume
    "The same over all days."
    tools: tuple[ToolCalls, ...]
    "The tool that was called most first."
    outputs: tuple[OutputCount, ...]
    "The most frequent output first."
    handoffs: HandoffTimes
    "Handoffs of every reason."
    handoff_reasons: tuple[HandoffTimes, ...]
    "The most frequent reason first."
    releases: tuple[ServedRelease, ...]
    "By agent."


def last_days(
    days: int, *, at: datetime, agent: str | None = None, serving: Mapping[str, ReleasePair] | None = None
) -> DashboardCohort:
    """Return the cohort of the last UTC days, today included."""
    end = midnight(at) + DAY
    return DashboardCohort(end - DAY * days, end, agent, serving or {})


def midnight(at: datetime) -> datetime:
    """Return the start of a time's UTC day."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
