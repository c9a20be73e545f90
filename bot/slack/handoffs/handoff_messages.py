"""What responders and the requester are told of each move of a handoff: message rows, in its transaction.

What a move says bears the move's number, so that it is said once.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import assert_never

from bot.principals import Reason
from bot.slack import sentences
from bot.slack.handoffs import handoff_facts, handoff_transcript, linked_threads, queue_card, queue_notes
from bot.slack.mrkdwn import Body
from bot.slack.requesters import replies
from bot.slack.requesters.replies import Occasion
from bot.slack.sentences import Language, say
from bot.store.db import Session
from bot.store.handoffs import shown
from bot.store.handoffs.moves import Moved
from bot.store.outbox import messages
from bot.store.schema import EscalationAction, ExpiryCause, Handoff, HandoffState, MessageKind, Ticket
from bot.store.tickets import first_words


def opened(
    session: Session,
    handoff: Handoff,
    ticket: Ticket,
    *,
    expected_minutes: int,
    until: datetime | None = None,
    occasion: Occasion = "usual",
    opens_at: datetime | None = None,
    footers: Sequence[str] = (),
) -> None:
    """Tell the responders everything and the requester that a person comes.

    Args:
        session: the transaction that opened the handoff.
        handoff: the handoff.
        ticket: its ticket.
        expected_minutes: what the requester is told about the wait.
        until: when the agent may work again, for a budget that is used up.
        occasion: how it came to that.
        opens_at: when people are at work again; None while they are.
        footers: what the requester reads in small print below the notice.
    """
    reason = Reason(handoff.reason)
    language = sentences.spoken_by(session, ticket.requester)
    notice = replies.handed_off(
        reason,
        done=handoff.context.went_through,
        expected_minutes=expected_minutes,
        resets_at=until,
        occasion=occasion,
        opens_at=opens_at,
        language=language,
    )
    card = messages.add(
        session,
        key=linked_threads.card_key(handoff.id),
        kind=MessageKind.CARD,
        lane=f"handoff:{handoff.id}",
        channel=handoff.queue_channel,
        body=_card(session, handoff, ticket),
        ticket_id=ticket.id,
        handoff_id=handoff.id,
    )
    if card is None:
        return  # told before
    shown.noticed(handoff, notice, footers)
    handoff_transcript.tell(session, handoff, ticket)
    linked_threads.to_requester(
        session,
        ticket,
        handoff,
        key=_notice_key(handoff),
        kind=MessageKind.NOTICE,
        bodies=[_notice(handoff, language)],
        ours=True,
    )


def claimed(session: Session, moved: Moved, user: str) -> None:
    """Show on the card who has it, and tell the requester; what the bot had yet to say is left unsaid."""
    messages.withdraw_unsaid(session, moved.ticket.id)
    refresh(session, moved)
    handoff_transcript.hand_over(session, moved.handoff, moved.ticket)
    _tell_requester(session, moved, "claimed", lambda language: replies.claimed(user, language))


def reassigned(session: Session, moved: Moved, *, by: str, holder: str, why: str) -> None:
    """Tell the next holder and the requester who has it now."""
    to = str(moved.handoff.claimed_by)
    refresh(session, moved)
    handoff_transcript.hand_over(session, moved.handoff, moved.ticket)
    why = "" if linked_threads.withheld(moved.handoff) else why
    note = queue_notes.reassigned(by, holder, to, until=moved.handoff.lease_until, why=why)
    _note(session, moved, "reassigned", note)
    _tell_requester(session, moved, "claimed", lambda language: replies.claimed(to, language))


def unclaimed(
    session: Session, moved: Moved, holder: str, *, call: Sequence[str], opens_at: datetime | None = None
) -> None:
    """Say that a holder let go, to everybody whom it concerns."""
    refresh(session, moved)
    _note(session, moved, "unclaimed", queue_notes.unclaimed(_named(moved), holder, call))
    _tell_requester(session, moved, "unclaimed", lambda language: replies.let_go(holder, opens_at, language), ours=True)


def expired(
    session: Session,
    moved: Moved,
    holder: str,
    *,
    call: Sequence[str],
    why: ExpiryCause = ExpiryCause.LEASE,
    opens_at: datetime | None = None,
) -> None:
    """Announce a claim that ended by itself, to everybody whom it concerns."""
    refresh(session, moved)
    _note(session, moved, "expired", queue_notes.expired(_named(moved), holder, call, why=why))
    _tell_requester(session, moved, "expired", lambda language: replies.let_go(holder, opens_at, language), ours=True)


def stranded(session: Session, moved: Moved, holder: str) -> None:
    """Say that a claim has ended because the agent is gone, and no one may act on its tickets."""
    refresh(session, moved)
    _note(session, moved, "expired", queue_notes.stranded(_named(moved), holder))
    _tell_requester(session, moved, "expired", lambda language: replies.stranded(holder, language), ours=True)


def warned(session: Session, moved: Moved) -> None:
    """Remind the holder that the claim ends soon."""
    holder, until = moved.handoff.claimed_by, moved.handoff.lease_until
    if holder is not None and until is not None:
        _note(session, moved, "warned", queue_notes.warned(holder, until))


def escalated(
    session: Session,
    moved: Moved,
    action: EscalationAction,
    *,
    call: Sequence[str],
    expected_minutes: int,
    reminded: bool,
    already: bool = False,
    opens_at: datetime | None = None,
) -> None:
    """Say what an escalation level says.

    Args:
        session: the transaction of the move.
        moved: the move.
        action: what is done.
        call: who is mentioned when somebody must come.
        expected_minutes: what the requester is told about the wait.
        reminded: responders were told by an action before this one.
        already: those on call have just been called for another one.
        opens_at: when people are at work again; None while they are.
    """
    handoff = moved.handoff
    match action:
        case EscalationAction.REMIND:
            _note(session, moved, "escalated", queue_notes.reminded(_named(moved), handoff.waiting_since))
        case EscalationAction.MENTION:
            note = queue_notes.called(_named(moved), call, handoff.waiting_since, already=already)
            _note(session, moved, "escalated", note)
        case EscalationAction.TELL:
            _note(session, moved, "escalated", queue_notes.told(opens_at))
            _tell_requester(
                session,
                moved,
                "escalated",
                lambda language: replies.still_waiting(expected_minutes, opens_at, language, reminded=reminded),
                ours=True,
            )
        case _:
            assert_never(action)


def returned(session: Session, moved: Moved, holder: str, *, note: str) -> None:
    """Close the card and say that the agent goes on."""
    refresh(session, moved)
    _note(
        session,
        moved,
        "returned",
        queue_notes.given_back(holder, "" if linked_threads.withheld(moved.handoff) else note),
    )
    _tell_requester(session, moved, "returned", lambda language: replies.given_back(holder, language), ours=True)


def went_on(session: Session, moved: Moved, owner: str) -> None:
    """Close the card and say that the agent goes on, since a budget's owner has raised it."""
    refresh(session, moved)
    _note(session, moved, "returned", queue_notes.went_on(owner))
    _tell_requester(session, moved, "returned", replies.goes_on, ours=True)


def resolved(session: Session, moved: Moved, user: str) -> None:
    """Close the card and tell the requester what was done."""
    refresh(session, moved)
    done = str((moved.handoff.resolution or {}).get("done", ""))
    body = replies.resolved(done, user, _theirs(session, moved))
    key = f"resolved:handoff:{moved.handoff.id}"
    linked_threads.to_requester(
        session, moved.ticket, moved.handoff, key=key, kind=MessageKind.HUMAN_REPLY, bodies=[body]
    )


def cancelled(session: Session, moved: Moved) -> None:
    """Close the card; the requester sees it where they were told that somebody comes."""
    notice = say("handoff.cancelled", _theirs(session, moved))
    shown.noticed(moved.handoff, notice)
    refresh(session, moved)
    _note(session, moved, "cancelled", queue_notes.cancelled(moved.ticket.requester))


def refresh(session: Session, moved: Moved) -> None:
    """Bring the card, and the notice with its button, up to what the handoff is now."""
    handoff = moved.handoff
    show_card(session, handoff, moved.ticket)
    if moved.handoff.context.notice:
        messages.revise(session, _notice_key(handoff), _notice(handoff, _theirs(session, moved)))


def show_card(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Bring the card up to what its rows say now."""
    messages.revise(session, linked_threads.card_key(handoff.id), _card(session, handoff, ticket))


def _card(session: Session, handoff: Handoff, ticket: Ticket) -> Body:
    words = first_words.of(session, [ticket.id]).get(ticket.id)
    return queue_card.card(handoff_facts.view_of(handoff, ticket, words))


def hide(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Take what was said in private from a queue channel that others have come to read."""
    messages.take_back_kinds(session, handoff.id, linked_threads.PRIVATE_KINDS)
    shown.withhold(handoff)
    show_card(session, handoff, ticket)
    if handoff.state is HandoffState.CLAIMED:
        handoff_transcript.hand_over(session, handoff, ticket)


def _notice_key(handoff: Handoff) -> str:
    return f"notice:handoff:{handoff.id}"


def _theirs(session: Session, moved: Moved) -> Language:
    """Return the requester's language."""
    return sentences.spoken_by(session, moved.ticket.requester)


def _notice(handoff: Handoff, language: Language) -> Body:
    text, footers = str(handoff.context.notice), handoff.context.footers
    cancels = handoff.id if handoff.state is HandoffState.OPEN else None
    return replies.notice(text, cancels=cancels, footers=footers, language=language)


def _named(moved: Moved) -> queue_notes.NoteSubject:
    ticket, link = moved.ticket, moved.handoff.context.link
    return queue_notes.NoteSubject(ticket.id, ticket.requester, None if ticket.private else link)


def _note(session: Session, moved: Moved, what: str, body: Body) -> None:
    linked_threads.below(
        session, moved.handoff, key=f"{what}:move:{moved.number}", kind=MessageKind.MOVE, bodies=[body]
    )


def _tell_requester(
    session: Session, moved: Moved, what: str, says: Callable[[Language], Body], *, ours: bool = False
) -> None:
    key = f"{what}:requester:move:{moved.number}"
    kind = MessageKind.NOTICE if ours else MessageKind.CLAIMED
    bodies = [says(_theirs(session, moved))]
    linked_threads.to_requester(session, moved.ticket, moved.handoff, key=key, kind=kind, bodies=bodies, ours=ours)
