r"""Evaluation cases that people propose from resolved handoffs, each with an assignee and a state.

    proposed --accept--> accepted (it is a file diff now, and in no suite yet)
       |  ^ \--dismiss--> dismissed
       \--edit

Invariant: a handoff is proposed once. Every change is conditional on the revision that its author has seen, so that of
two people who decide at once one does, and each is audited.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.store import audit, db
from bot.store.schema import CaseDraft, CaseProposal, ProposalState, now


def propose(session: Session, *, agent: str, handoff_id: int, ticket_id: int, by: str, draft: CaseDraft) -> int | None:
    """Store a proposal, whose assignee is who proposes it; return its id, or None: the handoff was proposed before."""
    about = {"agent": agent, "handoff_id": handoff_id, "ticket_id": ticket_id}
    proposed = {"proposed_by": by, "proposed_at": now(), "assignee": by, "draft": draft}
    number = db.insert_new(session, CaseProposal, **about, **proposed)
    if number is not None:
        audit.append(session, "case.proposed", actor=by, ticket_id=ticket_id, handoff=handoff_id, proposal=number)
    return number


def get(session: Session, proposal_id: int) -> CaseProposal | None:
    """Return a proposal as it is now, or None."""
    return session.get(CaseProposal, proposal_id, populate_existing=True)


def of_handoff(session: Session, handoff_id: int) -> CaseProposal | None:
    """Return the proposal of a handoff, or None."""
    return session.scalars(select(CaseProposal).where(CaseProposal.handoff_id == handoff_id)).one_or_none()


def edit(
    session: Session, proposal_id: int, revision: int, *, by: str, draft: CaseDraft, assignee: str
) -> CaseProposal | None:
    """Store what somebody has made of a draft, and who goes on with it; None: it has changed since they saw it."""
    changed = _change(session, proposal_id, revision, draft=draft, assignee=assignee)
    if changed is not None:
        _audit(session, changed, "case.edited", by, assignee=assignee)
    return changed


def decide(
    session: Session, proposal_id: int, revision: int, *, by: str, state: ProposalState, draft: CaseDraft | None = None
) -> CaseProposal | None:
    """Accept or dismiss a proposal; None: it has changed since its author saw it.

    Args:
        session: an open write transaction.
        proposal_id: the proposal.
        revision: the revision that they saw.
        by: Slack user id.
        state: what it comes to.
        draft: what is accepted.
    """
    values = {} if draft is None else {"draft": draft}
    changed = _change(session, proposal_id, revision, state=state, decided_by=by, decided_at=now(), **values)
    if changed is not None:
        about = {} if draft is None else {"case": draft.id, "slice": draft.slice}
        _audit(session, changed, f"case.{state}", by, **about)
    return changed


def refuse(session: Session, proposal: CaseProposal, user: str, *, why: str) -> None:
    """Audit that somebody was not allowed to work on a proposal, or came too late."""
    _audit(session, proposal, "case.refused", user, why=why)


def assigned_to(session: Session, user: str, *, at_most: int) -> Sequence[CaseProposal]:
    """Return the undecided proposals of an assignee, the oldest first."""
    mine = select(CaseProposal).where(CaseProposal.state == ProposalState.PROPOSED, CaseProposal.assignee == user)
    return session.scalars(mine.order_by(CaseProposal.id).limit(at_most)).all()


def newest(session: Session, *, states: Sequence[ProposalState], at_most: int) -> Sequence[CaseProposal]:
    """Return proposals in these states, the newest first."""
    query = select(CaseProposal).where(CaseProposal.state.in_(states))
    return session.scalars(query.order_by(CaseProposal.id.desc()).limit(at_most)).all()


def _change(session: Session, proposal_id: int, revision: int, **values: object) -> CaseProposal | None:
    seen = (CaseProposal.id == proposal_id, CaseProposal.revision == revision)
    mine = update(CaseProposal).where(*seen, CaseProposal.state == ProposalState.PROPOSED)
    changed = session.scalar(mine.values(revision=revision + 1, **values).returning(CaseProposal.id))
    return None if changed is None else session.get_one(CaseProposal, changed, populate_existing=True)


def _audit(session: Session, proposal: CaseProposal, event: str, by: str, **facts: str) -> None:
    about: dict[str, Any] = {"handoff": proposal.handoff_id, "proposal": proposal.id, **facts}
    audit.append(session, event, actor=by, ticket_id=proposal.ticket_id, **about)
