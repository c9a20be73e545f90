"""Stores messages about a handoff: below its card, in its requester's thread, or to one person directly.

Every message has a key and is posted once; storing it again under the same key edits it. The card and the messages
below it share one lane, so that they appear in order; messages to the requester use the lane of their thread.
"""

from collections.abc import Sequence
from typing import Any

from bot.slack.mrkdwn import Body
from bot.slack.outbox import enclosures
from bot.store.db import Session
from bot.store.outbox import messages
from bot.store.schema import Handoff, HandoffState, MessageKind, Ticket

QUEUE_SIDE = frozenset({"card", "transcript", "copy", "move", "question"})
"The kinds of a card and of messages below it."
PRIVATE_KINDS = frozenset({MessageKind.TRANSCRIPT, MessageKind.COPY, MessageKind.QUESTION})
"The kinds that contain words of or to the requester."


def thread_lane(ticket: Ticket) -> str:
    """Return the lane of a requester's thread."""
    return f"ticket:{ticket.id}"


def card_key(handoff_id: int) -> str:
    """Return the key of a handoff's card."""
    return f"card:handoff:{handoff_id}"


def below(session: Session, handoff: Handoff, *, key: str, kind: MessageKind, bodies: Sequence[Body]) -> None:
    """Post messages in the thread of a card, or edit those with this key.

    If others read the queue channel, private words go to the holder directly, or to nobody while there is none.
    """
    if withheld(handoff) and kind in PRIVATE_KINDS:
        head = (
            None
            if handoff.state is not HandoffState.CLAIMED
            else messages.by_key(session, placed(handoff, "private:handoff"))
        )
        if head is not None:
            alone: dict[str, Any] = {"lane": head.lane, "channel": str(handoff.claimed_by), "thread_of": head.id}
            key, about = placed(handoff, key), {"ticket_id": handoff.ticket_id, "handoff_id": handoff.id}
            _in_parts(session, key, bodies, kind=kind, **about, **alone)
        return
    card = messages.by_key(session, card_key(handoff.id))
    if card is not None:
        where = {"lane": f"handoff:{handoff.id}", "channel": handoff.queue_channel, "thread_of": card.id}
        _in_parts(session, key, bodies, kind=kind, ticket_id=handoff.ticket_id, handoff_id=handoff.id, **where)


def to_requester(
    session: Session,
    ticket: Ticket,
    handoff: Handoff,
    *,
    key: str,
    kind: MessageKind,
    bodies: Sequence[Body],
    ours: bool = False,
) -> None:
    """Post messages in the requester's thread, or edit those with this key.

    Args:
        session: the open write transaction.
        ticket: the ticket of the thread.
        handoff: the handoff that they are about.
        key: the key of the first; the others get a number behind it.
        kind: their kind.
        bodies: the messages, in order.
        ours: whether the bot speaks for itself, which it no longer does once a person has the ticket.
    """
    where = {"lane": thread_lane(ticket), "channel": ticket.channel, "thread_ts": ticket.thread_ts}
    about = {"ticket_id": ticket.id, "handoff_id": handoff.id, "bot_voice": ours}
    _in_parts(session, key, bodies, kind=kind, **where, **about)


def directly(session: Session, ticket: Ticket, handoff: Handoff, *, key: str, bodies: Sequence[Body]) -> None:
    """Send direct messages to the requester, or edit those with this key."""
    about = {"kind": MessageKind.HUMAN_REPLY, "ticket_id": ticket.id, "handoff_id": handoff.id}
    _in_parts(session, key, bodies, lane=f"direct:{key}", channel=ticket.requester, **about)


def in_thread(session: Session, ticket: Ticket, *, key: str, body: Body, **more: Any) -> None:
    """Post a message of the bot itself in the requester's thread, once."""
    where = {"lane": thread_lane(ticket), "channel": ticket.channel, "thread_ts": ticket.thread_ts}
    messages.add(
        session, key=key, kind=MessageKind.NOTICE, body=body, bot_voice=True, ticket_id=ticket.id, **where, **more
    )


def withheld(handoff: Handoff) -> bool:
    """Return whether the words of a ticket may not be shown in the queue channel."""
    return handoff.context.withheld


def placed(handoff: Handoff, key: str) -> str:
    """Return the key of a message below a card; if it is withheld there, that of the message to the holder."""
    return f"{key}:{handoff.id}:{handoff.claimed_by}" if withheld(handoff) else key


def _in_parts(session: Session, key: str, bodies: Sequence[Body], **row: Any) -> None:
    """Post each body under its own key, edit those that exist, and delete those that are left over.

    A file cannot be edited: a file with other content has another key.
    """
    files = {f"{key}:file:{body['file']['name']}": body for body in bodies if enclosures.is_file(body)}
    bodies = [body for body in bodies if not enclosures.is_file(body)]
    messages.take_back_others(session, row["ticket_id"], f"{key}:file:", files)
    for number, body in enumerate(bodies):
        part = key if number == 0 else f"{key}:{number}"
        if messages.add(session, key=part, body=body, **row) is None:
            messages.revise(session, part, body)
    for part, body in files.items():
        if messages.add(session, key=part, body=body, **row) is None:
            messages.revise(session, part, body)
    number = len(bodies)
    while messages.take_back(session, f"{key}:{number}"):
        number += 1
