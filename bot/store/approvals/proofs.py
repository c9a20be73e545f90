"""The proofs of who a requester is: each is asked once, and answered by whom it was asked of, in time.

Each move is one conditional statement, a row in the history of its approval and an audit record. A proof that is given
does not ask the approvers by itself: `approvals.prove` does, in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select, update
from sqlalchemy.orm import Session

from bot.principals import ProofKind
from bot.store import db
from bot.store.approvals import approval_moves
from bot.store.approvals.approval_moves import CLOCK
from bot.store.schema import Approval, ApprovalMoveKind, ApprovalState, Proof, ProofState, now


@dataclass(frozen=True, slots=True)
class ProofMoved:
    """The move was made."""

    proof: Proof
    approval: Approval


@dataclass(frozen=True, slots=True)
class ProofNotMoved:
    """The move was refused and nothing changed; this is how the proof is now."""

    state: ProofState | None
    "None: there is no such proof."
    by: str | None
    at: datetime | None


def ask(
    session: Session,
    approval_id: int,
    kind: ProofKind,
    *,
    asked_of: str | None,
    minutes: float,
    manager: str | None = None,
    number: str | None = None,
    key: str | None = None,
) -> Proof | None:
    """Ask for a proof; return None if this kind was asked before, another one is, or the approval is not proving.

    Args:
        session: the open write transaction.
        approval_id: the approval.
        kind: how the requester can prove who they are.
        asked_of: the manager's Slack user id, or the remaining factor.
        minutes: how long the answer may take.
        manager: id in the directory of the manager who is asked.
        number: two digits that the requester enters on their device.
        key: idempotency key of the directory's challenge.
    """
    if not approval_moves.lock(session, approval_id):
        return None
    approval = session.get_one(Approval, approval_id, populate_existing=True)
    if approval.state is not ApprovalState.PROVING:
        return None
    at = now()
    about = {"asked_of": asked_of, "manager": manager, "number": number, "key": key}
    times = {"asked_at": at, "expires_at": at + timedelta(minutes=minutes)}
    new = db.insert_new(session, Proof, approval_id=approval_id, kind=kind, state=ProofState.ASKED, **about, **times)
    if new is None:
        return None
    approval_moves.note(session, approval, ApprovalMoveKind.PROOF_ASKED, CLOCK, proof=new, kind=kind, asked_of=asked_of)
    return session.get_one(Proof, new)


def give(session: Session, proof_id: int, *, by: str, words: str | None = None) -> ProofMoved | ProofNotMoved:
    """Keep that a proof was given in time; the requester cannot give one that is asked of somebody else.

    Args:
        session: the open write transaction.
        proof_id: the proof.
        by: who gave it: a Slack user id, or `directory`.
        words: what they said with it, redacted.
    """
    return _answer(session, proof_id, ApprovalMoveKind.PROOF_GIVEN, ProofState.GIVEN, by, words)


def refuse(session: Session, proof_id: int, *, by: str, words: str | None = None) -> ProofMoved | ProofNotMoved:
    """Keep that the answer to a proof was no."""
    return _answer(session, proof_id, ApprovalMoveKind.PROOF_REFUSED, ProofState.REFUSED, by, words)


def expire(session: Session, proof_id: int, *, unanswerable: bool = False) -> ProofMoved | ProofNotMoved:
    """End a proof that was not answered in time.

    Args:
        session: the open write transaction.
        proof_id: the proof.
        unanswerable: end it before its time: the directory cannot ask it.
    """
    over = and_(Proof.state == ProofState.ASKED, *([] if unanswerable else [Proof.expires_at <= now()]))
    values = {"state": ProofState.EXPIRED, "answered_at": now()}
    return _move(session, proof_id, ApprovalMoveKind.PROOF_EXPIRED, CLOCK, over, values)


def find(session: Session, proof_id: int) -> Proof | None:
    """Return a proof, or None."""
    return session.get(Proof, proof_id)


def asked_of(session: Session, approval_id: int) -> Proof | None:
    """Return the proof of an approval that is asked for now, or None."""
    query = select(Proof).where(Proof.approval_id == approval_id, Proof.state == ProofState.ASKED)
    return session.scalars(query).one_or_none()


def of_approval(session: Session, approval_id: int) -> Sequence[Proof]:
    """Return the proofs of an approval in the order in which they were asked."""
    return session.scalars(select(Proof).where(Proof.approval_id == approval_id).order_by(Proof.id)).all()


def _answer(
    session: Session, proof_id: int, what: ApprovalMoveKind, state: ProofState, by: str, words: str | None
) -> ProofMoved | ProofNotMoved:
    proving = exists().where(
        Approval.id == Proof.approval_id, Approval.state == ApprovalState.PROVING, Approval.requester != by
    )
    open_now = and_(Proof.state == ProofState.ASKED, Proof.expires_at > now(), proving)
    values = {"state": state, "answered_at": now(), "answered_by": by, "words": words}
    return _move(session, proof_id, what, by, open_now, values)


def _move(
    session: Session,
    proof_id: int,
    what: ApprovalMoveKind,
    actor: str,
    allowed: ColumnElement[bool],
    values: dict[str, Any],
) -> ProofMoved | ProofNotMoved:
    approval_id = session.scalar(select(Proof.approval_id).where(Proof.id == proof_id))
    if approval_id is None:
        return ProofNotMoved(None, None, None)
    approval_moves.lock(session, approval_id)
    changed = update(Proof).where(Proof.id == proof_id, allowed).values(values).returning(Proof.id)
    won = session.execute(changed).scalar_one_or_none()
    proof = session.get_one(Proof, proof_id, populate_existing=True)
    if won is None:
        return ProofNotMoved(proof.state, proof.answered_by, proof.answered_at)
    approval = session.get_one(Approval, approval_id, populate_existing=True)
    approval_moves.note(session, approval, what, actor, proof=proof_id, kind=proof.kind)
    return ProofMoved(proof, approval)
