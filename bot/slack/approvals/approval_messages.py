"""Stores the messages about an approval: the requester's notice, the card, and the question to the manager.

Each is one message that is changed as the approval moves. To say the same again changes nothing, so every move ends in
`show`, and what the rows say is what people read.
"""

from bot.slack.approvals import approval_card, approval_facts, approval_notices, proof_messages
from bot.slack.approvals.approval_facts import ApprovalView
from bot.slack.handoffs import linked_threads
from bot.slack.sentences import spoken_by
from bot.store.approvals import approvals, proofs
from bot.store.db import Session
from bot.store.outbox import deliveries, messages, removals
from bot.store.schema import Approval, ApprovalState, MessageKind, Ticket
from bot.store.tickets import tickets


def card_key(approval_id: int) -> str:
    """Return the key of an approval's card."""
    return f"card:approval:{approval_id}"


def notice_key(approval_id: int) -> str:
    """Return the key of the requester's notice about an approval."""
    return f"notice:approval:{approval_id}"


def question_key(proof_id: int) -> str:
    """Return the key of the question to a manager."""
    return f"question:proof:{proof_id}"


def view_of(session: Session, approval: Approval, ticket: Ticket) -> ApprovalView:
    """Return what messages show of an approval now."""
    asked, history = proofs.of_approval(session, approval.id), approvals.history(session, approval.id)
    return approval_facts.view_of(approval, ticket, asked, history)


def opened(session: Session, approval: Approval, *, queue_channel: str) -> None:
    """Post the card and the requester's notice of an approval that was opened in this transaction."""
    ticket = tickets.read(session, approval.ticket_id)
    view, language = view_of(session, approval, ticket), spoken_by(session, ticket.requester)
    messages.add(
        session,
        key=card_key(approval.id),
        kind=MessageKind.APPROVAL,
        lane=f"approval:{approval.id}",
        channel=queue_channel,
        body=approval_card.card(view),
        ticket_id=ticket.id,
    )
    key, body = notice_key(approval.id), approval_notices.notice(view, language)
    linked_threads.in_thread(session, ticket, key=key, body=body)
    _ask_manager(session, view)


def show(session: Session, approval: Approval) -> None:
    """Change every message about an approval to what its rows say now; ask the manager if they are to be asked."""
    ticket = tickets.read(session, approval.ticket_id)
    view = view_of(session, approval, ticket)
    messages.revise(session, card_key(approval.id), approval_card.card(view))
    notice = approval_notices.notice(view, spoken_by(session, ticket.requester))
    messages.revise(session, notice_key(approval.id), notice)
    _ask_manager(session, view)


def say_card_again(session: Session, ticket_id: int, key: str, ts: str, *, stands: bool = False) -> None:
    """Post a card again while people still have to act on it.

    Args:
        session: the open write transaction.
        ticket_id: the ticket of the approval.
        key: the key of the message that is gone, or that Slack does not let us edit.
        ts: its ts.
        stands: whether the post is still there, so that it must be deleted.
    """
    tickets.lock(session, ticket_id)
    approval, card = approvals.active_of(session, ticket_id), messages.by_key(session, key)
    if approval is None or card is None or key != card_key(approval.id) or approval.state is ApprovalState.APPROVED:
        return
    if removals.say_again(session, card.id, ts) and stands:
        deliveries.take_back(session, key, channel=card.channel, ts=ts)


def tell_manager(session: Session, approval: Approval, manager: str) -> None:
    """Tell a manager in a direct message that a second factor of their report was reset."""
    key, body = (
        f"reset:approval:{approval.id}",
        proof_messages.reset_done(approval.requester, spoken_by(session, manager)),
    )
    messages.add(
        session, key=key, kind=MessageKind.PROOF, lane=key, channel=manager, body=body, ticket_id=approval.ticket_id
    )


def _ask_manager(session: Session, view: ApprovalView) -> None:
    """Store the question to the manager in their direct conversation, or change it to what it is now."""
    for proof in view.proofs:
        if not proof.is_of_manager or proof.asked_of is None:
            continue
        key, kind, manager = question_key(proof.proof_id), MessageKind.PROOF, proof.asked_of
        body = proof_messages.question(view, proof, spoken_by(session, manager))
        if (
            messages.add(session, key=key, kind=kind, lane=key, channel=manager, body=body, ticket_id=view.ticket_id)
            is None
        ):
            messages.revise(session, key, body)
