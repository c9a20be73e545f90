"""Records in the audit log who was not let into the dashboard, at a rate that nobody can flood.

Beyond the rate refusals are counted, and the next one that is recorded has their number.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

import structlog

from bot.store import dashboard_access
from bot.store.db import Database

log = structlog.get_logger()

AT_ONCE, SECONDS = 20, 60.0
"Of one person's links 20 refusals are recorded at once, and then one a minute; so of all that is not ours."
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DoorRefusal:
    """Why a link or a form was not accepted, for the audit log alone."""

    why: str
    user: str | None = None
    "The person whom the link or session names, if it is ours."
    link_id: str | None = None


@dataclass(slots=True)
class RefusalLog:
    """What is recorded now, and what is only counted; for the threads of one process."""

    database: Database
    _full: dict[str, tuple[float, float]] = field(default_factory=dict)
    "By person: how many more may be recorded, and since when that is known. Only our links name people."
    _unrecorded: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def add(self, refusal: DoorRefusal) -> None:
        """Record a refusal, or count it when there are too many.

        Raises:
            Transient: the database cannot be reached.
        """
        whose = refusal.user or UNKNOWN
        with self._lock:
            if not self._allows(whose):
                self._unrecorded[whose] += 1
                return
            before = self._unrecorded.pop(whose, 0)
        log.warning("dashboard.refused", why=refusal.why, user=refusal.user, unrecorded=before)
        with self.database.write() as session:
            dashboard_access.refuse(session, refusal.why, user=refusal.user, link_id=refusal.link_id, unrecorded=before)

    def _allows(self, whose: str) -> bool:
        at = time.monotonic()
        left, since = self._full.get(whose, (float(AT_ONCE), at))
        left = min(float(AT_ONCE), left + (at - since) / SECONDS)
        self._full[whose] = (left - 1 if left >= 1 else left, at)
        return left >= 1
