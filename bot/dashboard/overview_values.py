"""What the overview shows, as values; `bot.web` reads them, and the sections write them down."""

from dataclasses import dataclass
from datetime import datetime

from bot.agent.standing import Standing
from bot.dashboard.filters import Filter
from bot.sampling.quality import SampledQuality
from bot.store.figures.dashboard import DashboardFigures, ServedRelease
from bot.store.figures.drift_checks import DriftReading
from bot.store.figures.latest_tickets import LatestTickets
from bot.store.figures.success import Success
from bot.store.figures.watch import Sign
from bot.store.releases.probes import LastProbe


@dataclass(frozen=True, slots=True)
class Served:
    """A release and what its evaluation says of it."""

    release: ServedRelease
    serving: bool
    "Whether it answers people."
    passed: int = 0
    "Plays of cases that passed in its last run."
    played: int = 0
    "All plays of that run; 0: there was none."
    hard_failures: int = 0
    "Plays of hard slices that failed."
    instead: str | None = None
    "The release that this process would serve, if it is another one; it was never evaluated."
    standing: Standing | None = None
    "Whether its agent works now; None: its folder is gone."
    probe: LastProbe | None = None
    "What the last probes of the release say."


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the overview shows."""

    viewer: str
    "The name of the person who looks."
    at: datetime
    "When all of it was read."
    filter: Filter
    allowed: tuple[str, ...]
    "The agents that the viewer may choose."
    served: tuple[Served, ...]
    success: Success
    success_by_day: tuple[Success, ...]
    success_at: datetime
    "When the clock has counted the success criterion: of all its days, the one that it counted first."
    figures: DashboardFigures
    shows_costs: bool
    "Whether the viewer owns all these agents: others do not see what was spent."
    drift: tuple[tuple[str, tuple[DriftReading, ...]], ...]
    "The latest readings of each agent's release."
    sampled: tuple[SampledQuality, ...]
    "What the samples of each agent's release say; failing turns only of agents that the viewer owns."
    signs: tuple[Sign, ...]
    latest: LatestTickets
    "The newest tickets of agents that the viewer owns."
    owner: bool
    "Whether the viewer owns any of these agents."
