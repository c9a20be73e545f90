"""Posts a card again after somebody has deleted it in the queue channel, with the conversation until then.

Copies below the old card stay in its thread, where they follow edits and responders are still heard. The transcript
moves to the new card and repeats them. Later messages go below the new card.
"""

from bot.slack.handoffs import handoff_transcript, linked_threads
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.outbox import deliveries, messages, removals
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import HandoffState, MessageKind
from bot.store.tickets import tickets


def say_again(session: Session, handoff_id: int, message_id: int, ts: str, *, stands: bool = False) -> None:
    """Post a card, or a message below it, again, while the handoff is open or claimed.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        message_id: its card, or a message below it.
        ts: the ts of the post that is gone, or that Slack does not let us edit.
        stands: whether the post is still there, so that it must be deleted.
    """
    found = handoffs.find(session, handoff_id)
    if found is None:
        return
    handoff, ticket = found
    tickets.lock(session, ticket.id)
    handoff = handoffs.read_again(session, handoff_id)
    if handoff.state not in (HandoffState.OPEN, HandoffState.CLAIMED) or not removals.say_again(
        session, message_id, ts
    ):
        return
    message, card = messages.read(session, message_id), messages.by_key(session, linked_threads.card_key(handoff.id))
    if stands:
        deliveries.take_back(session, message.key, channel=message.channel, ts=ts)
    if card is not None and card.id == message_id and not linked_threads.withheld(handoff):
        removals.move_replies(session, card.id, kind=MessageKind.TRANSCRIPT)
        handoff_transcript.tell(session, handoff, ticket)


def below_again(session: Session, handoff_id: int, delivery: Delivery) -> None:
    """Post a message that was meant for below a deleted card below the new card."""
    card = messages.by_key(session, linked_threads.card_key(handoff_id))
    if card is not None and card.ts is not None and card.ts == delivery.thread_ts:
        say_again(session, handoff_id, card.id, card.ts)
    if card is not None and (card.state, card.ts) != ("posted", delivery.thread_ts):
        deliveries.say_later(session, delivery)
