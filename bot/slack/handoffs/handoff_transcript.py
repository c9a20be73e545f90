"""The transcript below a card. The handoff stores which messages it holds, so that it can follow their edits.

Above the conversation it has in full what a card has no room for: the summary, and what the agent tried.

If others read the queue channel, the transcript of a private conversation goes to the holder instead.
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
    """Make the transcript of the conversation until now."""
    shown.transcribed(handoff, ticket_messages.said(session, ticket.id))
    retell(session, handoff)


def retell(session: Session, handoff: Handoff) -> None:
    """Update the transcript to what its messages say now."""
    key = f"transcript:handoff:{handoff.id}"
    bodies = transcript.of(messages.as_said(session, handoff.context.transcript), list(_in_full(handoff)))
    linked_threads.below(session, handoff, key=key, kind=MessageKind.TRANSCRIPT, bodies=bodies)


def hand_over(session: Session, handoff: Handoff, ticket: Ticket) -> None:
    """Give a holder the conversation that the queue channel does not show."""
    if not linked_threads.withheld(handoff):
        return
    key = linked_threads.placed(handoff, "private:handoff")
    about: dict[str, Any] = {"kind": MessageKind.TRANSCRIPT, "ticket_id": ticket.id, "handoff_id": handoff.id}
    body = queue_notes.in_private(ticket.requester)
    messages.add(session, key=key, lane=key, channel=str(handoff.claimed_by), body=body, **about)
    tell(session, handoff, ticket)


def _in_full(handoff: Handoff) -> Iterator[tuple[str, str]]:
    """Yield headings and texts of what is known of a handoff, in full."""
    yield "Summary", handoff.summary
    tried = handoff.context.tried
    if tried:
        yield "What the agent tried", "\n".join(f"{handoff_facts.in_words(tool)}: {got}" for tool, got in tried)
    calls, cost = handoff.context.calls, handoff.context.cost_nusd
    if calls:
        times = "1 model call" if calls == 1 else f"{calls:,} model calls"
        yield "What it has cost until then", f"{mrkdwn.dollars(cost)} ({times})"
