"""Which release of an agent is its baseline, that later ones are held against.

Only a person promotes a release, and only one that has passed; else quality would creep down, pass by pass. The very
first that passes is promoted by itself, because there is nothing that it could be worse than.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.releases import releases, verdicts
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import EvalResult, EvalRun, Promotion, Release, RunKind, RunState, Verdict, now

_EVALUATED = (EvalRun.state == RunState.FINISHED, EvalRun.kind == RunKind.EVALUATION)
"Probes are plays of the release, too, and none of its evaluation."


class NotPromoted(StrEnum):
    """Why a release does not become the baseline; the value is said to people."""

    OTHER_AGENT = "it is a release of another agent"
    NOT_PASSED = "it has not passed the suite as it is now"
    ALREADY = "it is the baseline already"
    MEANWHILE = "another release was promoted at the same moment"


def current(session: Session, agent: str) -> Promotion | None:
    """Return the promotion that counts for an agent, or None if no release of it was ever promoted."""
    query = select(Promotion).where(Promotion.agent == agent).order_by(Promotion.number.desc()).limit(1)
    return session.scalars(query).one_or_none()


def plays(session: Session, agent: str, shas: Mapping[str, str]) -> dict[str, tuple[int, int]] | None:
    """Return how the baseline of an agent did: for each case how many of its plays passed, and how many there were.

    Only plays of finished runs count, and only of cases that are as they were, scored by the same code.

    Args:
        session: an open transaction.
        agent: the agent.
        shas: the fingerprint of each case as it is now, by the id of the case.

    Returns:
        The counts by the id of the case, or None if no release of the agent was promoted.
    """
    baseline = current(session, agent)
    return None if baseline is None else own_plays(session, baseline.release, shas)


def own_plays(session: Session, release: str, shas: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Return how a release did in its own evaluations, for each case of which the same is true; probes do not count."""
    passed = func.count(case((EvalResult.passed, 1)))
    query = (
        select(EvalResult.case_id, EvalResult.case_sha, passed, func.count())
        .join(EvalRun, EvalRun.id == EvalResult.run_id)
        .where(EvalRun.release == release, *_EVALUATED, EvalResult.played)
        .group_by(EvalResult.case_id, EvalResult.case_sha)
    )
    return {case_id: (won, played) for case_id, sha, won, played in session.execute(query) if shas.get(case_id) == sha}


def refusal(session: Session, agent: str, pair: ReleasePair) -> NotPromoted | None:
    """Return why a release cannot become the baseline of its agent now, or None."""
    release = releases.get(session, pair.release)
    if release is not None and release.agent != agent:  # agents with the same cases have suites of one fingerprint
        return NotPromoted.OTHER_AGENT
    if verdicts.standing(session, pair.release, pair.suite).verdict is not Verdict.PASS:
        return NotPromoted.NOT_PASSED
    before = current(session, agent)
    return NotPromoted.ALREADY if before is not None and before.release == pair.release else None


def plays_of(session: Session, release: str) -> Sequence[tuple[int, int]]:
    """Return how a release did in its finished runs: how many plays of each case passed, and how many there were."""
    passed = func.count(case((EvalResult.passed, 1)))
    of = (EvalRun.release == release, *_EVALUATED)
    query = select(passed, func.count()).join(EvalRun, EvalRun.id == EvalResult.run_id).where(*of, EvalResult.played)
    return [(won, played) for won, played in session.execute(query.group_by(EvalResult.case_id))]


def promote(session: Session, agent: str, pair: ReleasePair, *, by: str) -> Promotion | NotPromoted:
    """Make a release the baseline of its agent; it has passed the suite of the pair.

    Args:
        session: an open write transaction.
        agent: the agent.
        pair: the release, and the suite in the agent's folder now.
        by: Slack user id of the owner who promotes it.
    """
    before = current(session, agent)  # first: what is promoted after this look takes the number
    if (why := refusal(session, agent, pair)) is not None:
        return why
    number = 1 if before is None else before.number + 1
    if not _promoted(session, agent, number, release=pair.release, suite=pair.suite, by=by):
        return refusal(session, agent, pair) or NotPromoted.MEANWHILE
    return current(session, agent) or NotPromoted.MEANWHILE


def promote_first(session: Session, run_id: int) -> bool:
    """Make the release of a run that has just passed the baseline, if its agent has none; return whether it is.

    It belongs to the transaction that ends the run: of two runs that end at once, one promotes.
    """
    run = session.get_one(EvalRun, run_id)
    if run.verdict is not Verdict.PASS:
        return False
    agent = session.get_one(Release, run.release).agent
    return _promoted(session, agent, 1, release=run.release, suite=run.suite, by=run.started_by)


def _promoted(session: Session, agent: str, number: int, *, release: str, suite: str, by: str) -> bool:
    """Add a promotion with its audit row; return False if one with that number is there already."""
    row = {"agent": agent, "number": number, "release": release, "suite": suite, "by": by}
    if db.insert_new(session, Promotion, **row, at=now()) is None:
        return False
    audit.append(session, "release.promoted", actor=by, agent=agent, release=release, suite=suite, number=number)
    return True
