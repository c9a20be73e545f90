"""Cards that somebody else has deleted in a queue channel: posted there again, with all that was said until then.

What was copied below the old card stays in its thread, where it follows edits and where responders are still heard; the
transcript moves, and holds all of that too. What comes later goes below the new card.
"""

from bot.slack.handoffs import handoff_transcript, linked_threads
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.outbox import deliveries, messages, removals
from bot.store.outbox.deliveries import Delivery
from bot.store.schema import HandoffState, MessageKind
from bot.store.tickets import tickets


def say_again(session: Session, handoff_id: int, message_id: int, ts: str, *, stands: bool = False) -> None:
    """Let what a queue channel no longer shows as it is be said there again, while the handoff is the responders'.

    Args:
        session: the open write transaction.
        handoff_id: the handoff.
        message_id: its card, or what was said below that.
        ts: where Slack has it no longer, or does not let it be changed.
        stands: it is still there, and is owed to be deleted.
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
    said, card = messages.read(session, message_id), messages.by_key(session, linked_threads.card_key(handoff.id))
    if stands:
        deliveries.take_back(session, said.key, channel=said.channel, ts=ts)
    if card is not None and card.id == message_id and not linked_threads.withheld(handoff):
        removals.move_replies(session, card.id, kind=MessageKind.TRANSCRIPT)
        handoff_transcript.tell(session, handoff, ticket)


def below_again(session: Session, handoff_id: int, delivery: Delivery) -> None:
    """Let what was meant to stand below a card that is gone be said below the new one."""
    card = messages.by_key(session, linked_threads.card_key(handoff_id))
    if card is not None and card.ts is not None and card.ts == delivery.thread_ts:
        say_again(session, handoff_id, card.id, card.ts)
    if card is not None and (card.state, card.ts) != ("posted", delivery.thread_ts):
        deliveries.say_later(session, delivery)
