"""Carries edits and deletions of a stored message to its row, its turn and every place that shows its words.

Slack delivers them in any order and repeatedly; an edit that adds a mention of the bot comes as `message_changed` and
as `app_mention`. Of two edits, the later one by Slack's clock counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot import rights
from bot.agent.redaction import redact
from bot.agent.typos import only_typos
from bot.casework import answers
from bot.casework import handoffs as casework
from bot.casework.context import HearingContext, actor, tell_only
from bot.queue import RUN_TURN, SHOW_STOPPED
from bot.rights import Membership
from bot.slack.handoffs import denials, relay
from bot.store.db import Session
from bot.store.handoffs import handoffs
from bot.store.handoffs.moves import Moved
from bot.store.outbox import messages
from bot.store.personal import deleted_words
from bot.store.schema import Handoff, HandoffState, InboxEvent, InboxKind, Ticket
from bot.store.tickets import followers, quotes, rewriting, shares, ticket_messages, tickets, unassigned
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.rewriting import Rewritten

NOT_BY_EDIT = "It seems to hold a password or another secret. To send it, write a new message that starts with `>`."
OF_RESPONDERS = frozenset({InboxKind.DRAFT, InboxKind.ANSWER})
"The kinds of a responder's messages to a requester."


@dataclass(frozen=True, slots=True)
class EditEvent:
    """An edit or a deletion in an event."""

    event_id: str
    channel: str
    ts: str
    "The ts of the message."
    thread_ts: str | None
    text: str | None
    "Its text now; None when it is deleted."
    edited_at: str
    "The time of the edit by Slack's clock; empty when Slack does not say."
    asks: bool = False
    "Whether it mentions the bot now."
    quoted: tuple[Quoted, ...] | None = None
    "The quotes in it now; None when the event does not say."


def follow(ctx: HearingContext, change: EditEvent, membership: Callable[[], Membership]) -> bool:
    """Carry out an edit or deletion; return False when the message is not stored, as most are not.

    Args:
        ctx: where to store and queue.
        change: the edit or deletion.
        membership: looks up its author, with no transaction open.
    """
    with ctx.database.read() as session:
        if not ticket_messages.is_heard(session, change.channel, change.ts):
            return False
    kept = None if change.text is None else redact(change.text)  # slow, so it is done with no transaction open
    change = replace(change, quoted=change.quoted and answers.redacted_quotes(change.quoted))
    who = Membership.UNCHECKED if change.text is None else membership()
    with ctx.database.write() as session:
        known = ticket_messages.heard_at(session, change.channel, change.ts)
        if known is None:
            return False
        refused_in = None
        if change.text is not None and known.kind in OF_RESPONDERS:
            refused_in, kept = _judged(ctx, session, change, known, change.text, who)
        rewritten = None if refused_in is not None else _rewritten(ctx, session, known, change, kept)
    if rewritten is not None:
        _tell_workers(ctx, rewritten)
    ctx.deliver(refused_in if rewritten is None else rewritten.event.ticket_id)
    return True


def _judged(
    ctx: HearingContext, session: Session, change: EditEvent, known: InboxEvent, text: str, membership: Membership
) -> tuple[int | None, str]:
    """Judge the edit of a responder's message; if it changes nothing, tell its author why.

    Returns:
        The ticket in which the author is told, or None, and the new text for storing.
    """
    ticket = tickets.lock(session, int(known.ticket_id or 0))
    why = rights.barred_from(ctx.answering(ticket.agent), actor(session, known.user, membership))
    kept = None if why is not None else answers.edited(known, text) if known.kind is InboxKind.DRAFT else redact(text)
    if kept is not None:
        return None, kept
    explanation = NOT_BY_EDIT if why is None else denials.in_words(why)
    tell_only(
        session,
        key=change.event_id,
        user=known.user,
        channel=known.channel,
        thread_ts=change.thread_ts,
        text=f"Your edit was not passed on. {explanation}",
        ticket_id=ticket.id,
    )
    return ticket.id, text


def _rewritten(
    ctx: HearingContext, session: Session, known: InboxEvent, change: EditEvent, text: str | None
) -> Rewritten | None:
    """Change the row and everything made from it; a deletion is carried out whoever made it, as it adds no words."""
    if known.kind == InboxKind.UNASSIGNED:
        unassigned.follow(session, known, text, change.quoted)
        return None
    at_once = None
    if known.kind in (InboxKind.MESSAGE, InboxKind.OVERHEARD):
        shares.lock(session, known.team, known.user)
        agent = ctx.answering(tickets.lock(session, int(known.ticket_id or 0)).agent)
        at_once = None if agent is None else agent.card.per_person.turns
    said = _said(known)
    rewritten = rewriting.rewrite(
        session,
        change.channel,
        change.ts,
        text,
        edited_at=change.edited_at,
        asks=change.asks,
        quoted=change.quoted,
        changes=text is not None and (not only_typos(known.text, text) or _passes_on_more(known, change)),
        at_once=at_once,
    )
    if rewritten is None:
        return None
    ticket = tickets.lock(session, int(rewritten.event.ticket_id or 0))
    for handoff in shown_in(session, rewritten.event):
        if rewritten.asked and handoff.state in (HandoffState.OPEN, HandoffState.CLAIMED):
            relay.wrote(session, handoff, ticket, [rewritten.event])
        relay.rewritten(session, handoff, ticket, rewritten.event)
    if text is None and not tickets.has_words_left(session, ticket.id):
        _withdraw(session, ticket)
    now_said = _said(rewritten.event)
    deleted_words.forget(session, ticket.id, [one for one in said[1:] if one not in now_said], rewriting.DELETED)
    if said[0] not in now_said:
        deleted_words.forget(session, ticket.id, said[:1], rewriting.DELETED if text is None else text)
    return rewritten


def _withdraw(session: Session, ticket: Ticket) -> None:
    """Close a ticket of which nothing is left, unless somebody works on it."""
    handoff_now = handoffs.active(session, ticket.id)
    if handoff_now is None:
        messages.withdraw_unsaid(session, ticket.id)
        followers.leave(session, ticket, why="withdrawn")
        tickets.withdraw(ticket)
    elif not isinstance(casework.cancel(session, handoff_now.id, by=ticket.requester), Moved):
        relay.emptied(session, handoff_now, ticket)


def _said(event: InboxEvent) -> list[str]:
    """Return the words of a message, and then what came with it."""
    return [event.text, *(one.text for one in quotes.of(event)), *(str(file["name"]) for file in event.files)]


def _passes_on_more(known: InboxEvent, change: EditEvent) -> bool:
    had = {one.text for one in quotes.of(known)}
    return any(one.text not in had for one in change.quoted or ())


def _tell_workers(ctx: HearingContext, rewritten: Rewritten) -> None:
    """Stop the turn that began with the old words, and queue the one that answers the new ones."""
    if rewritten.stopped is not None:
        ctx.stop(RUN_TURN, rewritten.stopped)
    if rewritten.turn_id is not None:
        ctx.put(RUN_TURN, rewritten.turn_id)
    elif rewritten.stopped is not None:
        ctx.put(SHOW_STOPPED, int(rewritten.event.ticket_id or 0))


def shown_in(session: Session, event: InboxEvent) -> Sequence[Handoff]:
    """Return the handoffs whose two threads show a message."""
    shown = handoffs.of_ticket(session, int(event.ticket_id or 0))
    return [one for one in shown if event.kind is not InboxKind.DRAFT or one.id == event.detail["handoff"]]
