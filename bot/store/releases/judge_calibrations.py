"""How well a judge agrees with people: a calibration counts until the judge's model or prompt changes."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import audit
from bot.store.schema import JudgeCalibration, now


def keep(
    session: Session,
    *,
    agent: str,
    model: str,
    judge: str,
    good: tuple[int, int],
    bad: tuple[int, int],
    cost_nusd: int,
    by: str,
) -> int:
    """Store a calibration and return its id.

    Args:
        session: an open write transaction.
        agent: whose answers were judged.
        model: the judge's model id.
        judge: the fingerprint of the judge.
        good: how many good answers there were, and how many of them the judge called good.
        bad: how many bad answers there were, and how many of them the judge called bad.
        cost_nusd: what it cost.
        by: a Slack user id, or `operator`.
    """
    row = JudgeCalibration(
        agent=agent,
        model=model,
        judge=judge,
        good=good[0],
        good_found=good[1],
        bad=bad[0],
        bad_found=bad[1],
        cost_nusd=cost_nusd,
        at=now(),
        by=by,
    )
    session.add(row)
    session.flush()
    audit.append(
        session, "judge.calibrated", actor=by, agent=agent, model=model, judge=judge, good=list(good), bad=list(bad)
    )
    return row.id


def valid(session: Session, agent: str, judge: str) -> JudgeCalibration | None:
    """Return the newest calibration of exactly this judge for an agent, or None: it has none, or it has expired."""
    query = select(JudgeCalibration).where(JudgeCalibration.agent == agent, JudgeCalibration.judge == judge)
    return session.scalars(query.order_by(JudgeCalibration.id.desc()).limit(1)).one_or_none()
