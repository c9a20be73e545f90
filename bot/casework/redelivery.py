"""A known message that Slack delivers again, perhaps with parts that the first delivery lacked.

A mention is two events of one message: `app_mention` has no files, and the `message` with the files comes before or
after it. A later delivery removes nothing, opens nothing and is not counted again.
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


def brings_more(heard: Heard) -> bool:
    """Return whether a message has parts that an earlier delivery of it may have lacked."""
    return bool(heard.files or heard.quoted or heard.spoken)


def joined(session: Session, heard: Heard) -> FollowUp:
    """Add the files and quotes of a repeated delivery to the stored message, unless it has them or is not stored."""
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
        return NOTHING  # the requester has the words, which are stored nowhere, so their message cannot be rebuilt
    for handoff in rewriting.shown_in(session, known):
        relay.rewritten(session, handoff, ticket, known)
    return FollowUp(say_in=ticket.id)


def brings_words(session: Session, heard: Heard) -> bool:
    """Return whether this delivery adds the transcript of a clip to a message stored with its typed words only."""
    known = ticket_messages.heard_at(session, heard.channel, heard.ts) if heard.spoken else None
    return known is not None and known.text == redact(heard.text.removesuffix(heard.spoken).rstrip("\n"))
