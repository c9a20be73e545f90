"""Stores the messages to responders and the requester about each move of a handoff, in the move's transaction.

The key of each message contains the number of the move, so that it is posted once.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import assert_never

from bot.escalation import EscalationAction
from bot.principals import Reason
from bot.slack import sentences
from bot.slack.handoffs import handoff_facts, handoff_transcript, linked_threads, queue_card, queue_notes
from bot.slack.mrkdwn import Body
from bot.slack.requesters import replies, surge_messages
from bot.slack.requesters.replies import Occasion
from bot.slack.sentences import Language, say
from bot.store.db import Session
from bot.store.handoffs import shown
from bot.store.handoffs.moves import Moved
from bot.store.outbox import messages
from bot.store.schema import ExpiryCause, Handoff, HandoffState, MessageKind, SurgeEnd, Ticket
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
    """Post the card and the transcript for the responders, and the notice for the requester.

    Args:
        session: the transaction that opened the handoff.
        handoff: the handoff.
        ticket: its ticket.
        expected_minutes: how long until a person usually answers, which the requester is told.
        until: when a used-up budget resets, so that the agent may work again; None for another reason.
        occasion: how it came to that, which decides what the requester is told.
        opens_at: when people are at work again; None while they are.
        footers: small print below it.
    """
    if not _add_card(session, handoff, ticket):
        return  # the handoff was posted before
    language = sentences.spoken_by(session, ticket.requester)
    notice = replies.handed_off(
        Reason(handoff.reason),
        done=handoff.context.went_through,
        expected_minutes=expected_minutes,
        resets_at=until,
        occasion=occasion,
        opens_at=opens_at,
        language=language,
    )
    shown.noticed(handoff, notice, footers)
    handoff_transcript.tell(session, handoff, ticket)
    key, bodies = _notice_key(handoff), [_notice(handoff, language)]
    linked_threads.to_requester(session, ticket, handoff, key=key, kind=MessageKind.NOTICE, bodies=bodies, ours=True)


def claimed(session: Session, moved: Moved, user: str) -> None:
    """Show the holder on the card, tell the requester, and drop the bot's own messages that are not posted yet."""
    messages.withdraw_unsaid(session, moved.ticket.id)
    refresh(session, moved)
    handoff_transcript.hand_over(session, moved.handoff, moved.ticket)
    _tell_requester(session, moved, "claimed", lambda language: replies.claimed(user, language))


def reassigned(session: Session, moved: Moved, *, by: str, holder: str, why: str) -> None:
    """Tell the next holder and the requester who has the handoff now."""
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
    """Tell the responders and the requester that the holder has unclaimed the handoff."""
    refresh(session, moved)
    _note(session, moved, "unclaimed", queue_notes.unclaimed(_subject(moved), holder, call))
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
    """Tell the responders and the requester that a claim has expired."""
    refresh(session, moved)
    _note(session, moved, "expired", queue_notes.expired(_subject(moved), holder, call, why=why))
    _tell_requester(session, moved, "expired", lambda language: replies.let_go(holder, opens_at, language), ours=True)


def stranded(session: Session, moved: Moved, holder: str) -> None:
    """Tell both sides that a claim has ended because the agent is gone, and that nobody may act on its tickets."""
    refresh(session, moved)
    _note(session, moved, "expired", queue_notes.stranded(_subject(moved), holder))
    _tell_requester(session, moved, "expired", lambda language: replies.stranded(holder, language), ours=True)


def warned(session: Session, moved: Moved) -> None:
    """Remind the holder that their claim ends soon."""
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
    """Post the messages of an escalation level.

    Args:
        session: the transaction of the move.
        moved: the move.
        action: the level's action.
        call: the people to mention when somebody must come.
        expected_minutes: how long until a person usually answers, which the requester is told.
        reminded: whether an earlier action has told the responders.
        already: whether the people on call have just been called for another handoff.
        opens_at: when people are at work again; None while they are.
    """
    handoff = moved.handoff
    match action:
        case EscalationAction.REMIND:
            _note(session, moved, "escalated", queue_notes.reminded(_subject(moved), handoff.waiting_since))
        case EscalationAction.MENTION:
            note = queue_notes.called(_subject(moved), call, handoff.waiting_since, already=already)
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
    """Close the card, and say on both sides that the agent goes on."""
    refresh(session, moved)
    _note(
        session,
        moved,
        "returned",
        queue_notes.given_back(holder, "" if linked_threads.withheld(moved.handoff) else note),
    )
    _tell_requester(session, moved, "returned", lambda language: replies.given_back(holder, language), ours=True)


def went_on(session: Session, moved: Moved, owner: str) -> None:
    """Close the card, and say on both sides that the agent goes on after a raise of its budget."""
    refresh(session, moved)
    _note(session, moved, "returned", queue_notes.went_on(owner))
    _tell_requester(session, moved, "returned", replies.goes_on, ours=True)


def went_on_after_surge(session: Session, moved: Moved) -> None:
    """Close the card, and say on both sides that the agent goes on because the directory answers again."""
    refresh(session, moved)
    _note(session, moved, "returned", queue_notes.went_on_after_surge())
    _tell_requester(
        session, moved, "returned", lambda language: surge_messages.over(SurgeEnd.ANSWERS, language), ours=True
    )


def surge_over(session: Session, handoff: Handoff) -> None:
    """Tell the holder of a handoff that the directory answers again."""
    body = queue_notes.surge_over(str(handoff.claimed_by))
    key = f"surge_over:handoff:{handoff.id}"
    linked_threads.below(session, handoff, key=key, kind=MessageKind.MOVE, bodies=[body])


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
    """Close the card, and change the notice to the requester."""
    notice = say("handoff.cancelled", _theirs(session, moved))
    shown.noticed(moved.handoff, notice)
    refresh(session, moved)
    _note(session, moved, "cancelled", queue_notes.cancelled(moved.ticket.requester))


def refresh(session: Session, moved: Moved) -> None:
    """Update the card, and the notice with its button, to the handoff's state."""
    handoff = moved.handoff
    show_card(session, handoff, moved.ticket)
    if moved.handoff.context.notice:
        messages.revise(session, _notice_key(handoff), _notice(handoff, _theirs(session, moved)))


def show_card(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Update the card to what its rows say now."""
    messages.revise(session, linked_threads.card_key(handoff.id), _card(session, handoff, ticket))


def _add_card(session: Session, handoff: Handoff, ticket: Ticket) -> bool:
    """Store the card, and return whether it is new."""
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
    return card is not None


def _card(session: Session, handoff: Handoff, ticket: Ticket) -> Body:
    words = first_words.of(session, [ticket.id]).get(ticket.id)
    return queue_card.card(handoff_facts.view_of(handoff, ticket, words))


def hide(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Remove private words from a queue channel that others can now read."""
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


def _subject(moved: Moved) -> queue_notes.NoteSubject:
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
