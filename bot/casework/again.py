"""A known message that is delivered again, and may bring what it came without the first time.

A mention is two events of one message: `app_mention` has no files, and the `message` that bears them comes before it
or after it. Nothing is taken away by a later delivery, and nothing is opened or counted again.
"""

from bot.agent.redaction import redact
from bot.casework import answers, rewriting
from bot.casework.context import NOTHING, FollowUp
from bot.slack.handoffs import relay
from bot.slack.requesters import sealed
from bot.store.db import Session
from bot.store.schema import InboxKind, InboxState
from bot.store.tickets import inbox_commands, quotes, ticket_messages, tickets
from bot.store.tickets.tickets import Heard


def joined(session: Session, heard: Heard) -> FollowUp:
    """Add what this delivery of a message brings to what is kept of it: files, and what was passed on.

    A message that is kept as it was delivered now, or not kept at all, stays as it is.
    """
    known = ticket_messages.heard_at(session, heard.channel, heard.ts) if heard.files or heard.quoted else None
    if known is None or known.ticket_id is None:
        return NOTHING
    ticket = tickets.lock(session, known.ticket_id)
    inbox_commands.read_again(session, known)
    kept = answers.redacted(heard)
    if known.state is InboxState.WITHDRAWN or not quotes.join(known, tickets.stored(kept), kept.quoted):
        return NOTHING
    session.flush()
    if known.kind is InboxKind.DRAFT and sealed.holds_secret(heard.text):
        return NOTHING  # its words are with the requester and are kept nowhere, so what they read is not made anew
    for handoff in rewriting.shown_in(session, known):
        relay.rewritten(session, handoff, ticket, known)
    return FollowUp(say_in=ticket.id)


def brings_words(session: Session, heard: Heard) -> bool:
    """Return whether this delivery has the transcript of a clip, and what is kept is what was typed with it."""
    known = ticket_messages.heard_at(session, heard.channel, heard.ts) if heard.spoken else None
    return known is not None and known.text == redact(heard.text.removesuffix(heard.spoken).rstrip("\n"))
