"""Every move of an approval, together with what is said of it: each move is one function for all callers.

Invariant: a move and its messages are one transaction. Each function returns what the store's move returns. A turn that
need not wait any longer goes on with the move: its caller queues it after the commit (`goes_on`).
"""

from bot.principals import ProofKind
from bot.slack.approvals import approval_card, approval_forms, approval_messages
from bot.slack.approvals.approval_facts import ApprovalView
from bot.store.approvals import approvals, proofs
from bot.store.approvals.approval_moves import ApprovalMoved, ApprovalNotMoved
from bot.store.approvals.proofs import ProofMoved, ProofNotMoved
from bot.store.db import Session
from bot.store.schema import Approval, ApprovalState, Proof, WithdrawCause
from bot.store.tickets import suspended_turns, tickets, turns

DIRECTORY = "directory"
"Who gives a proof that the directory has confirmed."


def opened(
    session: Session, approval_id: int, *, queue_channel: str, link: str | None = None, withheld: bool = False
) -> None:
    """Say that an approval was opened in this transaction: the requester's notice, and the card for approvers.

    Args:
        session: the transaction that opened it and suspended its turn.
        approval_id: the approval.
        queue_channel: where the agent's approvers read.
        link: permanent link to the requester's thread.
        withheld: whether the request is private and others read the queue channel, so that the card shows no plan.
    """
    approvals.shown(session, approval_id, link=link, withheld=withheld)
    approval = approvals.find(session, approval_id)
    if approval is not None:
        approval_messages.opened(session, approval, queue_channel=queue_channel)


def ask_proof(
    session: Session,
    approval_id: int,
    kind: ProofKind,
    *,
    asked_of: str | None,
    minutes: float,
    number: str | None = None,
    key: str | None = None,
    manager: str | None = None,
) -> Proof | None:
    """Ask for a proof of who the requester is; return None when it cannot be asked for now.

    Args:
        session: the open write transaction.
        approval_id: the approval.
        kind: how the requester can prove it.
        asked_of: the manager's Slack user id, or the remaining factor.
        minutes: how long the answer may take.
        number: two digits that the requester enters on their device.
        key: idempotency key of the directory's challenge.
        manager: id in the directory of the manager who is asked.
    """
    asked = proofs.ask(
        session, approval_id, kind, asked_of=asked_of, minutes=minutes, number=number, key=key, manager=manager
    )
    if asked is not None:
        refresh(session, approval_id)
    return asked


def proved(session: Session, proof_id: int, *, by: str, words: str | None = None) -> ProofMoved | ProofNotMoved:
    """Take a proof, and ask the approvers.

    Args:
        session: the open write transaction.
        proof_id: the proof.
        by: who gave it: a Slack user id, or `DIRECTORY`.
        words: what they said with it, redacted.
    """
    moved = proofs.give(session, proof_id, by=by, words=words)
    if isinstance(moved, ProofMoved):
        approvals.prove(session, moved.approval.id, by=by)
        refresh(session, moved.approval.id)
    return moved


def disproved(session: Session, proof_id: int, *, by: str, words: str | None = None) -> ProofMoved | ProofNotMoved:
    """Take a no to the question who the requester is: nothing is done, and the turn goes on to a person."""
    moved = proofs.refuse(session, proof_id, by=by, words=words)
    if isinstance(moved, ProofMoved):
        withdraw(session, moved.approval.id, by=by, cause=WithdrawCause.REFUSED_PROOF)
    return moved


def proof_expired(session: Session, proof_id: int, *, unanswerable: bool = False) -> ProofMoved | ProofNotMoved:
    """End a proof that was not answered in time, or that the directory cannot ask for, and take its button away."""
    moved = proofs.expire(session, proof_id, unanswerable=unanswerable)
    if isinstance(moved, ProofMoved):
        refresh(session, moved.approval.id)
    return moved


def approve(session: Session, approval_id: int, *, by: str, second_step: str) -> ApprovalMoved | ApprovalNotMoved:
    """Say yes for an approver who may; the turn goes on, unless another person has to approve it too.

    Args:
        session: the open write transaction.
        approval_id: the approval.
        by: Slack user id of the approver.
        second_step: how they showed a second time who they are, for the audit log.
    """
    return _said(session, approvals.approve(session, approval_id, by=by, second_step=second_step))


def deny(session: Session, approval_id: int, *, by: str, reason: str) -> ApprovalMoved | ApprovalNotMoved:
    """Say no for an approver who may, with their reason, redacted, which the requester reads; the turn goes on."""
    return _said(session, approvals.deny(session, approval_id, by=by, reason=reason))


def expire(session: Session, approval_id: int) -> ApprovalMoved | ApprovalNotMoved:
    """End an approval whose time is up; the turn goes on, and ends with a person."""
    return _said(session, approvals.expire(session, approval_id))


def withdraw(session: Session, approval_id: int, *, by: str, cause: WithdrawCause) -> ApprovalMoved | ApprovalNotMoved:
    """Make an approval void; a turn that waits for it goes on."""
    return _said(session, approvals.withdraw(session, approval_id, by=by, cause=cause))


def take_back(session: Session, approval_id: int, *, by: str) -> ApprovalMoved | ApprovalNotMoved:
    """Withdraw an approval for its requester, and end the turn that waits for it without calling a person."""
    moved = approvals.withdraw(session, approval_id, by=by, cause=WithdrawCause.TAKEN_BACK)
    if isinstance(moved, ApprovalMoved):
        turns.stop(session, moved.approval.ticket_id)
        approval_messages.show(session, moved.approval)
    return moved


def refresh(session: Session, approval_id: int) -> None:
    """Say what the rows of an approval say now, as after its call has begun; to say the same again changes nothing."""
    approval = approvals.find(session, approval_id)
    if approval is not None:
        approval_messages.show(session, approval)


def view(session: Session, approval: Approval) -> ApprovalView:
    """Return what messages and forms show of an approval now."""
    return approval_messages.view_of(session, approval, tickets.read(session, approval.ticket_id))


def press_too_late(session: Session, approval: Approval, user: str, *, act: str) -> str:
    """Audit a click that came too late, and return the sentence that says who did what, and when."""
    approvals.refuse(session, approval.id, user, act=act, why=f"it is {approval.state}")
    seen = view(session, approval)
    return (
        approval_card.call_too_late(seen) if act == approval_forms.CALLED_BACK else approval_card.too_late(seen, user)
    )


def goes_on(moved: ApprovalMoved | ApprovalNotMoved) -> int | None:
    """Return the turn that is to be queued after a move, once it is committed; None: it waits, or has ended."""
    if not isinstance(moved, ApprovalMoved) or moved.approval.state in _WAITS:
        return None
    return moved.approval.turn_id


_WAITS = (ApprovalState.PROVING, ApprovalState.ASKED)
"States in which the turn waits for people."


def _said(session: Session, moved: ApprovalMoved | ApprovalNotMoved) -> ApprovalMoved | ApprovalNotMoved:
    turn_id = goes_on(moved)
    if turn_id is not None:
        suspended_turns.resume(session, turn_id)
    if isinstance(moved, ApprovalMoved):
        approval_messages.show(session, moved.approval)
    return moved
