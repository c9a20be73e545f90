"""What responders write: in the requester's own thread, to the agent, and drafts for the requester.

Each is kept once, however often Slack delivers it; a draft is decided once, by who wrote it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import InboxEvent, InboxKind, InboxState, Ticket, Turn
from bot.store.tickets import quotes, tickets
from bot.store.tickets.tickets import Heard

WORDS = "words"
"In the detail of a draft: what was written, until it is decided; its text is redacted then."


def answered(session: Session, ticket: Ticket, heard: Heard) -> InboxEvent | None:
    """Keep what a responder wrote in the requester's own thread; None when it is known."""
    return _keep(session, ticket, heard, kind=InboxKind.ANSWER, state=InboxState.RELAYED)


def noted(session: Session, ticket: Ticket, turn: Turn, *, user: str, text: str, handoff_id: int) -> None:
    """Keep what a responder wrote to the agent on giving a handoff back, as what a turn answers."""
    note = InboxEvent(
        event_id=_note_id(handoff_id),
        kind=InboxKind.NOTE,
        team=ticket.team,
        channel=ticket.channel,
        user=user,
        text=text,
        ticket_id=ticket.id,
        turn_id=turn.id,
    )
    session.add(note)


def note(session: Session, handoff_id: int) -> str:
    """Return what a responder wrote to the agent on giving a handoff back."""
    said = select(InboxEvent.text).where(InboxEvent.event_id == _note_id(handoff_id))
    return session.scalars(said).one_or_none() or ""


def returned_from(note: InboxEvent) -> int:
    """Return the handoff that was given back with a note."""
    return int(note.event_id.rpartition(":")[2])


def drafted(
    session: Session, ticket: Ticket, heard: Heard, *, handoff_id: int, state: InboxState, words: str | None = None
) -> InboxEvent | None:
    """Keep what a responder wrote for the requester: `sent`, or `asked` about first; None when it is known.

    Args:
        session: the open write transaction.
        ticket: whose requester it is for.
        heard: the message as it may be kept.
        handoff_id: the handoff.
        state: `sent` or `asked`.
        words: what was written, where that may not be kept; held until it is decided.
    """
    detail = {"handoff": handoff_id} | ({} if words is None else {WORDS: words})
    return _keep(session, ticket, heard, kind=InboxKind.DRAFT, state=state, detail=detail)


def composed(
    session: Session, ticket: Ticket, *, key: str, channel: str, user: str, text: str, words: str, handoff_id: int
) -> InboxEvent | None:
    """Keep what a responder wrote for the requester in no message of its own, to be asked about; None when known."""
    said = {
        "event_id": key,
        "kind": InboxKind.DRAFT,
        "team": ticket.team,
        "channel": channel,
        "user": user,
        "text": text,
    }
    detail = {"handoff": handoff_id, WORDS: words}
    event_id = db.insert_new(session, InboxEvent, **said, detail=detail, ticket_id=ticket.id, state=InboxState.ASKED)
    return None if event_id is None else session.get_one(InboxEvent, event_id)


def hold(draft: InboxEvent, words: str | None) -> None:
    """Hold the words of a draft that may not be kept; with None they are forgotten."""
    rest = {name: value for name, value in draft.detail.items() if name != WORDS}
    draft.detail = rest if words is None else {**rest, WORDS: words}


def undecided(session: Session, *, before: datetime) -> Sequence[InboxEvent]:
    """Return the drafts that have been asked about since before then and whose words may not be kept."""
    asked = select(InboxEvent).where(InboxEvent.kind == InboxKind.DRAFT, InboxEvent.state == InboxState.ASKED)
    old = asked.where(InboxEvent.received_at < before, InboxEvent.detail[WORDS].as_string().is_not(None))
    return session.scalars(old.order_by(InboxEvent.id)).all()


def draft(session: Session, event_id: int | None) -> InboxEvent | None:
    """Return what a responder wrote for the requester."""
    event = None if event_id is None else session.get(InboxEvent, event_id)
    return event if event is not None and event.kind is InboxKind.DRAFT else None


def take_back(draft: InboxEvent) -> None:
    """Note that what was sent to the requester is theirs no longer, though its author has not deleted it."""
    draft.state = InboxState.KEPT


def decide(session: Session, event_id: int, user: str, *, state: InboxState) -> InboxEvent | None:
    """Send or keep a draft, once, by who wrote it; None when that is not theirs or decided already."""
    decided = session.execute(
        update(InboxEvent)
        .where(InboxEvent.id == event_id, InboxEvent.kind == InboxKind.DRAFT, InboxEvent.user == user)
        .where(InboxEvent.state == InboxState.ASKED)
        .values(state=state)
        .returning(InboxEvent.id)
    ).scalar_one_or_none()
    return None if decided is None else session.get_one(InboxEvent, decided, populate_existing=True)


def _keep(
    session: Session,
    ticket: Ticket,
    heard: Heard,
    *,
    kind: InboxKind,
    state: InboxState,
    detail: dict[str, Any] | None = None,
) -> InboxEvent | None:
    """Keep a responder's message once."""
    event_id = db.insert_new(
        session,
        InboxEvent,
        event_id=heard.event_id,
        kind=kind,
        team=heard.team,
        channel=heard.channel,
        ts=heard.ts,
        user=heard.user,
        text=heard.text,
        files=tickets.stored(heard),
        detail={**(detail or {}), **quotes.kept(heard.quoted)},
        ticket_id=ticket.id,
        state=state,
    )
    return None if event_id is None else session.get_one(InboxEvent, event_id)


def _note_id(handoff_id: int) -> str:
    return f"returned:handoff:{handoff_id}"
