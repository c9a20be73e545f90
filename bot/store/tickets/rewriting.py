"""A message that its author edits or deletes after it was heard: the row always says what Slack says.

Whoever has the ticket: what people have is changed where they read it, what waits is answered as it is by then, and a
turn that has begun on other words ends without an answer, before its next tool, and another one answers the words as
they are now. Deleted words are gone from every row, the journal and the card's summary included.
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

EDITED = "edited"
"In the detail of an event: when its author last edited it, by Slack's clock."
DELETED = "(deleted)"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of an edit or a deletion."""

    event: InboxEvent
    turn_id: int | None = None
    "The turn to queue: it answers the words as they are now."
    stopped: int | None = None
    "The turn that was ended, which a worker may have in hand."
    asked: bool = False
    "It was said to somebody else before, and is a request now."


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
    """Let an edit, or with None a deletion, follow.

    Args:
        session: the open write transaction; with `at_once` it has locked the person.
        channel: where it was said.
        ts: when, by Slack's clock.
        text: the new words, redacted.
        quoted: what comes with it now and others wrote, redacted; None: the edit does not tell.
        edited_at: when the edit was made, by Slack's clock; an older one than the last changes nothing.
        changes: the edit says something else, and does not only mend a slip: what was answered is answered again.
        asks: it calls the agent now: what was said to somebody else before becomes a request.
        at_once: the most turns of one person that may be under way; None: any number.

    Returns:
        None when the message is unknown, or says that already, or was deleted before.
    """
    event = ticket_messages.heard_at(session, channel, ts)
    if event is None or event.ticket_id is None:
        return None
    ticket = tickets.lock(session, event.ticket_id)
    session.refresh(event)  # a turn that ended while we waited may have folded it into the next
    asks = asks and event.kind == InboxKind.OVERHEARD and event.user == ticket.requester
    passes_on = text is not None and quoted is not None and quotes.differ(event, quoted)
    if (
        event.state is InboxState.WITHDRAWN
        or (event.text == text and not (asks or passes_on))
        or _is_older(event, edited_at)
    ):
        return None
    turn = session.get(Turn, event.turn_id, with_for_update=True, populate_existing=True) if event.turn_id else None
    before, is_unread = event.text, event.state is InboxState.PARKED
    beside = [one.text for one in quotes.of(event)] + [str(file["name"]) for file in event.files]
    if text is None:
        event.state, event.text, event.files = InboxState.WITHDRAWN, "", []
        event.detail = quotes.without(event.detail)
    else:
        event.text = text
        event.detail = {**event.detail, **({EDITED: edited_at} if edited_at else {})}
        if passes_on and quoted is not None:
            event.detail = {**quotes.without(event.detail), **quotes.kept(tuple(quoted))}
    session.flush()
    answers = Rewritten(event)
    if asks and text is not None:
        answers = _asked(session, ticket, event, at_once=at_once)
    elif not is_unread:
        answers = _followed(session, ticket, event, turn, changes=changes, at_once=at_once)
    for words in (before, *beside) if text is None else (before,):
        _requote(session, ticket, words, DELETED if text is None else text)
    if text is None:
        steps.forget(session, ticket.id, (before, *beside), DELETED)
    return answers


def _asked(session: Session, ticket: Ticket, event: InboxEvent, *, at_once: int | None) -> Rewritten:
    """Hear as a request what was said to somebody else before."""
    event.kind = InboxKind.MESSAGE
    if ticket.state is TicketState.HANDED_OFF:
        event.state = InboxState.RELAYED
        return Rewritten(event, asked=True)
    ticket.state = TicketState.OPEN
    return Rewritten(event, _to_queue(tickets.to_answer(session, ticket, event, at_once=at_once)), asked=True)


def _to_queue(turn: Turn | None) -> int | None:
    return None if turn is None or turn.held_back else turn.id


def _followed(
    session: Session, ticket: Ticket, event: InboxEvent, turn: Turn | None, *, changes: bool, at_once: int | None
) -> Rewritten:
    """Let the turn that answers a message follow what it says now."""
    gone = event.state is InboxState.WITHDRAWN
    working = tickets.active(session, ticket.id) if gone else turn  # whatever it works on, it has read those words
    if working is not None and working.state is not TurnState.DONE:
        if tickets.has_begun(working):
            return _begun_anew(session, ticket, event, working)
        if not ticket_messages.messages_of(session, working.id):
            _end(working)
        return Rewritten(event)
    is_answered = turn is not None and event.kind is InboxKind.MESSAGE and not gone
    if not (is_answered and changes) or ticket.state is TicketState.HANDED_OFF:
        return Rewritten(event)
    ticket.state = TicketState.OPEN
    return Rewritten(event, _to_queue(tickets.to_answer(session, ticket, event, at_once=at_once)))


def _begun_anew(session: Session, ticket: Ticket, event: InboxEvent, turn: Turn) -> Rewritten:
    """End a turn that has begun on other words; what is left to answer has a turn of its own.

    Its attempt is fenced off: it calls no other tool and says nothing.
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
    """Return whether an edit was made before the one that is known: Slack delivers them in any order."""
    known = event.detail.get(EDITED)
    return bool(known and edited_at) and float(edited_at) < float(str(known))


def _requote(session: Session, ticket: Ticket, before: str, text: str) -> None:
    """Let the summaries that quote a message quote what it says now."""
    for handoff in session.scalars(select(Handoff).where(Handoff.ticket_id == ticket.id)):
        handoff.summary = quotes.requoted(handoff.summary, before, text)
