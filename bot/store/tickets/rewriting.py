"""Edits and deletions of messages that were heard: the row always holds what Slack shows.

A message that waits is answered as it reads then. A turn that began with the old words ends without an answer before
its next tool call, and a new turn answers the new words. What people were shown is updated. Deleted words are removed
from every row, also from the journal and from summaries.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.schema import (
    Handoff,
    InboxEvent,
    InboxKind,
    InboxState,
    Ticket,
    TicketState,
    Turn,
    TurnOutcome,
    TurnState,
    now,
)
from bot.store.tickets import quotes, steps, ticket_messages, tickets, waiting_messages
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.shares import NewTurn

EDITED = "edited"
"Key in the detail of an event: Slack's timestamp of its last edit."
DELETED = "(deleted)"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of an edit or a deletion."""

    event: InboxEvent
    turn_id: int | None = None
    "The turn to queue: it answers the words as they are now."
    stopped: int | None = None
    "The turn that was ended; a worker may still be playing it."
    asked: bool = False
    "It was said to somebody else before and is a request now."


def rewrite(
    session: Session,
    channel: str,
    ts: str,
    text: str | None,
    *,
    quoted: Sequence[Quoted] | None = None,
    edited_at: str = "",
    changes: bool = True,
    asks: bool = False,
    at_once: int | None = None,
) -> Rewritten | None:
    """Apply an edit or a deletion; return None if the message is unknown, deleted, or says that already.

    Args:
        session: the open write transaction; with `at_once` it has locked the person.
        channel: channel of the message.
        ts: its timestamp.
        text: the new words, redacted; None: it was deleted.
        quoted: its quotations now, redacted; None: the edit does not say.
        edited_at: Slack's timestamp of the edit; an edit older than the last one is ignored.
        changes: the edit changes what is said and is no mere correction, so it is answered again.
        asks: the message calls the agent now, so what was said to somebody else becomes a request.
        at_once: the most turns of one person that may be under way; None: any number.
    """
    event = ticket_messages.heard_at(session, channel, ts)
    if event is None or event.ticket_id is None:
        return None
    ticket = tickets.lock(session, event.ticket_id)
    session.refresh(event)  # a turn that ended meanwhile may have moved it to the next turn
    asks = asks and event.kind == InboxKind.OVERHEARD and event.user == ticket.requester
    if not _is_news(event, text, quoted, edited_at, asks=asks):
        return None
    turn = session.get(Turn, event.turn_id, with_for_update=True, populate_existing=True) if event.turn_id else None
    was_parked = event.state is InboxState.PARKED
    replaced = _apply(event, text, quoted, edited_at)
    session.flush()
    rewritten = Rewritten(event)
    if asks and text is not None:
        rewritten = _make_request(session, ticket, event, at_once=at_once)
    elif not was_parked:
        rewritten = _update_turn(session, ticket, event, turn, changes=changes, at_once=at_once)
    _replace_quotations(session, ticket, replaced, text)
    return rewritten


def _is_news(
    event: InboxEvent, text: str | None, quoted: Sequence[Quoted] | None, edited_at: str, *, asks: bool
) -> bool:
    """Return whether an edit or a deletion changes anything of a message."""
    if event.state is InboxState.WITHDRAWN or _is_older(event, edited_at):
        return False
    return event.text != text or asks or (text is not None and quoted is not None and quotes.differ(event, quoted))


def _apply(event: InboxEvent, text: str | None, quoted: Sequence[Quoted] | None, edited_at: str) -> tuple[str, ...]:
    """Store an edit or, with None, a deletion; return the words that the message no longer says."""
    before = event.text
    if text is None:
        beside = [one.text for one in quotes.of(event)] + [str(file["name"]) for file in event.files]
        event.state, event.text, event.files = InboxState.WITHDRAWN, "", []
        event.detail = quotes.without(event.detail)
        return (before, *beside)
    if quoted is not None and quotes.differ(event, quoted):
        event.detail = {**quotes.without(event.detail), **quotes.kept(tuple(quoted))}
    event.text = text
    event.detail = {**event.detail, **({EDITED: edited_at} if edited_at else {})}
    return (before,)


def _make_request(session: Session, ticket: Ticket, event: InboxEvent, *, at_once: int | None) -> Rewritten:
    """Make a request of what was said to somebody else before."""
    event.kind = InboxKind.MESSAGE
    if ticket.state is TicketState.HANDED_OFF:
        event.state = InboxState.RELAYED
        return Rewritten(event, asked=True)
    ticket.state = TicketState.OPEN
    return Rewritten(event, _to_queue(tickets.to_answer(session, ticket, event, at_once=at_once)), asked=True)


def _to_queue(turn: Turn | NewTurn | None) -> int | None:
    return None if turn is None or turn.held_back else turn.id


def _update_turn(
    session: Session, ticket: Ticket, event: InboxEvent, turn: Turn | None, *, changes: bool, at_once: int | None
) -> Rewritten:
    """Bring the turn that answers a message in line with its new words."""
    gone = event.state is InboxState.WITHDRAWN
    # Any turn under way has read the deleted words as background.
    working = tickets.active(session, ticket.id) if gone else turn
    if working is not None and working.state is not TurnState.DONE:
        if tickets.has_begun(working):
            return _replace_turn(session, ticket, event, working)
        if not ticket_messages.messages_of(session, working.id):
            _end(working)
        return Rewritten(event)
    is_answered = turn is not None and event.kind is InboxKind.MESSAGE and not gone
    if not (is_answered and changes) or ticket.state is TicketState.HANDED_OFF:
        return Rewritten(event)
    ticket.state = TicketState.OPEN
    return Rewritten(event, _to_queue(tickets.to_answer(session, ticket, event, at_once=at_once)))


def _replace_turn(session: Session, ticket: Ticket, event: InboxEvent, turn: Turn) -> Rewritten:
    """End a turn that began with other words, and open another for what is left to answer.

    The attempt is fenced off: it calls no further tool and says nothing.
    """
    left = ticket_messages.messages_of(session, turn.id)
    _end(turn)
    turn.attempt += 1
    session.flush()
    parked = waiting_messages.parked(session, ticket.id)
    if not left and not parked:
        return Rewritten(event, stopped=turn.id)
    following = tickets.open_turn(session, ticket.id)
    waiting_messages.fold([*left, *parked], following.id)
    return Rewritten(event, following.id, stopped=turn.id)


def _end(turn: Turn) -> None:
    turn.state, turn.outcome, turn.finished_at = TurnState.DONE, TurnOutcome.WITHDRAWN, now()


def _is_older(event: InboxEvent, edited_at: str) -> bool:
    """Return whether a later edit is known: Slack delivers edits in any order."""
    known = event.detail.get(EDITED)
    return bool(known and edited_at) and float(edited_at) < float(str(known))


def _replace_quotations(session: Session, ticket: Ticket, replaced: Sequence[str], text: str | None) -> None:
    """Replace words in the summaries that quote them, and deleted words in the journal too."""
    instead = DELETED if text is None else text
    for handoff in session.scalars(select(Handoff).where(Handoff.ticket_id == ticket.id)):
        for words in replaced:
            handoff.summary = quotes.requoted(handoff.summary, words, instead)
    if text is None:
        steps.forget(session, ticket.id, replaced, instead)
