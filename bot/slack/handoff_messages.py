"""What responders and the requester are told of each move of a handoff: message rows, in its transaction.

The queue channel's card, the transcript and everything copied into its thread share one lane, so that
they appear in order; what the requester sees goes through the lane of their own thread.
"""

from collections.abc import Iterable
from datetime import datetime

from bot.principals import Reason
from bot.slack import handoff_card, replies
from bot.slack.handoff_card import HandoffView, Line
from bot.slack.mrkdwn import Body
from bot.slack.outbox import AS_USER
from bot.store import messages, tickets
from bot.store.db import Session
from bot.store.handoffs import Moved
from bot.store.schema import Handoff, InboxEvent, Ticket


def thread_lane(ticket: Ticket) -> str:
    """Return the lane of a requester's thread."""
    return f"ticket:{ticket.id}"


def card_key(handoff_id: int) -> str:
    """Return the key of a handoff's card."""
    return f"card:handoff:{handoff_id}"


def opened(
    session: Session,
    handoff: Handoff,
    ticket: Ticket,
    *,
    expected_minutes: int,
    until: datetime | None = None,
    asked: bool = False,
) -> None:
    """Tell the responders everything and the requester that a person comes.

    Args:
        session: the transaction that opened the handoff.
        handoff: the handoff.
        ticket: its ticket.
        expected_minutes: what the requester is told about the wait.
        until: when the agent may work again, for a budget that is used up.
        asked: the requester wanted a person.
    """
    card = messages.add(
        session,
        key=card_key(handoff.id),
        kind="card",
        lane=f"handoff:{handoff.id}",
        channel=handoff.queue_channel,
        body=handoff_card.card(view_of(handoff, ticket)),
        ticket_id=ticket.id,
        handoff_id=handoff.id,
    )
    if card is None:
        return  # told before
    for number, body in enumerate(handoff_card.transcript(_lines(session, ticket))):
        _in_queue(session, handoff, card, key=f"transcript:handoff:{handoff.id}:{number}", kind="transcript", body=body)
    _to_requester(
        session,
        ticket,
        handoff,
        key=f"notice:handoff:{handoff.id}",
        kind="notice",
        bot_voice=True,
        body=replies.handed_off(
            Reason(handoff.reason), expected_minutes=expected_minutes, resets_at=until, asked=asked
        ),
    )


def claimed(session: Session, moved: Moved, user: str) -> None:
    """Show on the card who has it, and tell the requester."""
    refresh(session, moved)
    key = f"claimed:handoff:{moved.handoff.id}:{user}"
    _to_requester(session, moved.ticket, moved.handoff, key=key, kind="claimed", body=replies.claimed(user))


def replied(session: Session, moved: Moved, *, key: str, text: str, user: str) -> None:
    """Send a responder's words to the requester, and show them in the queue thread."""
    body = {**replies.human_reply(text, name="", image=None), AS_USER: user}
    _to_requester(session, moved.ticket, moved.handoff, key=f"human:{key}", kind="human_reply", body=body)
    card = messages.by_key(session, card_key(moved.handoff.id))
    if card is not None:
        body = replies.sent_to_requester(moved.ticket.requester, text, responder=user)
        _in_queue(session, moved.handoff, card.id, key=f"sent:{key}", kind="copy", body=body)


def was_sent(session: Session, key: str) -> bool:
    """Tell whether these words of a responder went to the requester before."""
    return messages.by_key(session, f"human:{key}") is not None


def requester_wrote(session: Session, handoff: Handoff, events: Iterable[InboxEvent]) -> None:
    """Copy a requester's messages into the queue thread."""
    card = messages.by_key(session, card_key(handoff.id))
    if card is None:
        return
    for event in events:
        body = replies.requester_said(event.user, event.text, tuple(event.files))
        _in_queue(session, handoff, card.id, key=f"copy:event:{event.id}", kind="copy", body=body)


def resolved(session: Session, moved: Moved, user: str) -> None:
    """Close the card and tell the requester what was done."""
    refresh(session, moved)
    done = str((moved.handoff.resolution or {}).get("done", ""))
    key = f"resolved:handoff:{moved.handoff.id}"
    body = replies.resolved(done, responder=user)
    _to_requester(session, moved.ticket, moved.handoff, key=key, kind="human_reply", body=body)


def refresh(session: Session, moved: Moved) -> None:
    """Bring the card up to what the handoff is now."""
    messages.revise(session, card_key(moved.handoff.id), handoff_card.card(view_of(moved.handoff, moved.ticket)))


def view_of(handoff: Handoff, ticket: Ticket) -> HandoffView:
    """Return what the card shows."""
    context = handoff.context
    return HandoffView(
        handoff_id=handoff.id,
        ticket_id=ticket.id,
        state=handoff.state,
        claimed_by=handoff.claimed_by,
        lease_until=handoff.lease_until,
        requester=ticket.requester,
        requester_zone=context.get("zone"),
        private=ticket.private,
        reason=Reason(handoff.reason),
        summary=handoff.summary,
        tried=tuple((name, said) for name, said in context.get("tried", ())),
        account=context.get("account"),
        cost_nusd=int(context.get("cost_nusd", 0)),
        opened_at=handoff.opened_at,
        waiting_since=handoff.waiting_since,
        thread_link=context.get("link"),
        resolution=handoff.resolution,
        fell_back=bool(context.get("fell_back")),
    )


def _lines(session: Session, ticket: Ticket) -> list[Line]:
    lines = []
    for row in tickets.said(session, ticket.id):
        if isinstance(row, InboxEvent):
            lines.append(Line(f"<@{row.user}>", row.received_at, row.text, tuple(row.files)))
        else:
            by = f"<@{row.body[AS_USER]}>" if AS_USER in row.body else "Deskhand"
            lines.append(Line(by, row.created_at, str(row.body["text"]), ()))
    return lines


def _in_queue(session: Session, handoff: Handoff, card: int, *, key: str, kind: str, body: Body) -> None:
    messages.add(
        session,
        key=key,
        kind=kind,
        lane=f"handoff:{handoff.id}",
        channel=handoff.queue_channel,
        thread_of=card,
        body=body,
        ticket_id=handoff.ticket_id,
        handoff_id=handoff.id,
    )


def _to_requester(
    session: Session, ticket: Ticket, handoff: Handoff, *, key: str, kind: str, body: Body, bot_voice: bool = False
) -> None:
    messages.add(
        session,
        key=key,
        kind=kind,
        lane=thread_lane(ticket),
        channel=ticket.channel,
        thread_ts=ticket.thread_ts,
        body=body,
        bot_voice=bot_voice,
        ticket_id=ticket.id,
        handoff_id=handoff.id,
    )
