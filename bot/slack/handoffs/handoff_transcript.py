"""The transcript below a card: what it was made of is noted on the handoff, so that it can follow what it repeats.

Above it stands, whole, what a card has no room for: the summary, and what the agent tried.

Where others read the queue channel, what was said in private goes to the holder instead.
"""

from collections.abc import Iterator
from typing import Any

from bot.slack import mrkdwn
from bot.slack.handoffs import handoff_facts, linked_threads, queue_notes, transcript
from bot.store.db import Session
from bot.store.handoffs import shown
from bot.store.outbox import messages
from bot.store.schema import Handoff, MessageKind, Ticket
from bot.store.tickets import ticket_messages


def tell(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Make the transcript of all that has been said until now."""
    said = ticket_messages.said(session, ticket.id)
    shown.transcribed(handoff, said)
    retell(session, handoff)


def retell(session: Session, handoff: Handoff) -> None:
    """Bring the transcript up to what its lines say now."""
    key = f"transcript:handoff:{handoff.id}"
    bodies = transcript.of(messages.as_said(session, handoff.context.transcript), list(_in_full(handoff)))
    linked_threads.below(session, handoff, key=key, kind=MessageKind.TRANSCRIPT, bodies=bodies)


def hand_over(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Let a holder have the conversation that the queue channel does not show."""
    if not linked_threads.withheld(handoff):
        return
    key = linked_threads.placed(handoff, "private:handoff")
    about: dict[str, Any] = {"kind": MessageKind.TRANSCRIPT, "ticket_id": ticket.id, "handoff_id": handoff.id}
    body = queue_notes.in_private(ticket.requester)
    messages.add(session, key=key, lane=key, channel=str(handoff.claimed_by), body=body, **about)
    tell(session, handoff, ticket)


def _in_full(handoff: Handoff) -> Iterator[tuple[str, str]]:
    """Yield what is known of a handoff, in full: what it is, and the words."""
    yield "Summary", handoff.summary
    tried = handoff.context.tried
    if tried:
        yield "What the agent tried", "\n".join(f"{handoff_facts.in_words(tool)}: {got}" for tool, got in tried)
    calls, cost = handoff.context.calls, handoff.context.cost_nusd
    if calls:
        times = "1 model call" if calls == 1 else f"{calls:,} model calls"
        yield "What it has cost until then", f"{mrkdwn.dollars(cost)} ({times})"
