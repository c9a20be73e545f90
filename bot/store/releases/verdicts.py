"""What a suite said of a release, and whether that lets it serve: read in every turn.

Invariant: a verdict counts for the pair of exactly this release and exactly this suite, so that an edited case voids it
as an edited prompt does. A waiver counts for the run under which it was signed, until the moment at which it ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, assert_never

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import Release, UtcDateTime, Verdict, VerdictRow, Waiver, now
from bot.store.sql import prebuilt

_IN_FORCE = and_(
    Waiver.release == VerdictRow.release,
    Waiver.suite == VerdictRow.suite,
    Waiver.run_id == VerdictRow.run_id,
    Waiver.revoked_at.is_(None),
    Waiver.ends_at > bindparam("moment", type_=UtcDateTime()),
)
_STANDING = (
    select(
        VerdictRow.verdict,
        VerdictRow.at,
        VerdictRow.run_id,
        Waiver.id,
        Waiver.owner,
        Waiver.reason,
        Waiver.ends_at,
    )
    .select_from(VerdictRow)
    .outerjoin(Waiver, _IN_FORCE)
    .where(VerdictRow.release == bindparam("release"), VerdictRow.suite == bindparam("suite"))
    .order_by(Waiver.ends_at.desc().nulls_last())
    .limit(1)
)


class ReleasePair(NamedTuple):
    """A release and the suite in its folder: what a verdict is about."""

    release: str
    suite: str


@dataclass(frozen=True, slots=True)
class WaiverInForce:
    """A waiver that lets a release serve now."""

    id: int
    owner: str
    "Slack user id of who has signed it."
    reason: str
    ends_at: datetime

    @property
    def words(self) -> str:
        """Return by whom it is signed, until when and why, for a terminal."""
        return f'{self.owner} answers for it until {self.ends_at:%Y-%m-%d %H:%M} UTC: "{self.reason}"'


@dataclass(frozen=True, slots=True)
class ReleaseStanding:
    """What its evaluation says of a release now."""

    verdict: Verdict | None
    "None: this pair of release and suite was never evaluated."
    at: datetime | None
    run_id: int | None
    waiver: WaiverInForce | None

    @property
    def serves(self) -> bool:
        """Return whether the release may answer: it has passed, or its owner answers for it until a waiver ends."""
        return self.verdict is Verdict.PASS or (self.verdict is not None and self.waiver is not None)

    @property
    def words(self) -> str:
        """Return what is said of the release, after its name: `has passed its evaluation`."""
        waived = "" if self.waiver is None else f", and {self.waiver.words}"
        match self.verdict:
            case Verdict.PASS:
                return "has passed its evaluation"
            case Verdict.BLOCK:
                return f"did not pass its evaluation{waived}"
            case Verdict.INCONCLUSIVE:
                return f"has an evaluation that decided nothing{waived}"
            case Verdict.NOT_RUN | None:
                return "was never evaluated with these cases"
            case _:
                assert_never(self.verdict)


NEVER_EVALUATED = ReleaseStanding(None, None, None, None)


def standing(session: Session, release: str, suite: str) -> ReleaseStanding:
    """Return what the evaluation of a release by a suite says now."""
    row = prebuilt.rows(session, _STANDING, release=release, suite=suite, moment=now()).one_or_none()
    if row is None:
        return NEVER_EVALUATED
    verdict, at, run_id, waiver_id, owner, reason, ends_at = row
    waiver = None if waiver_id is None else WaiverInForce(waiver_id, owner, reason, ends_at)
    return ReleaseStanding(verdict, at, run_id, waiver)


def of_agent(session: Session, agent: str) -> Sequence[VerdictRow]:
    """Return what was said of each release of an agent by each suite, the newest verdict first."""
    query = select(VerdictRow).join(Release, Release.fingerprint == VerdictRow.release).where(Release.agent == agent)
    return session.scalars(query.order_by(VerdictRow.at.desc(), VerdictRow.release, VerdictRow.suite)).all()


def newest(session: Session, release: str) -> ReleaseStanding:
    """Return the newest verdict of a release, whatever its suite; it lets nothing serve."""
    said = next(iter(of_release(session, release)), None)
    return NEVER_EVALUATED if said is None else ReleaseStanding(said.verdict, said.at, said.run_id, None)


def give(session: Session, run_id: int, pair: ReleasePair, verdict: Verdict, why: Sequence[str]) -> None:
    """Store what a finished run says of a pair; it replaces what an earlier one said."""
    db.upsert(
        session,
        VerdictRow,
        release=pair.release,
        suite=pair.suite,
        verdict=verdict,
        at=now(),
        run_id=run_id,
        why=list(why),
    )


def of_release(session: Session, release: str) -> Sequence[VerdictRow]:
    """Return what was said of a release by each suite, the newest verdict first."""
    query = select(VerdictRow).where(VerdictRow.release == release)
    return session.scalars(query.order_by(VerdictRow.at.desc(), VerdictRow.suite)).all()
