"""What responders write: in the requester's thread, to the agent, and drafts for the requester.

Each message is stored once, even if Slack delivers it twice; a draft is decided once, by its writer.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import InboxEvent, InboxKind, InboxState, Ticket, Turn
from bot.store.sql import prebuilt
from bot.store.tickets import quotes, tickets
from bot.store.tickets.tickets import Heard

WORDS = "words"
"Key in the detail of a draft: the unredacted words, until the draft is decided."
_UNDECIDED = (
    select(InboxEvent.id)
    .where(InboxEvent.kind == InboxKind.DRAFT, InboxEvent.state == InboxState.ASKED)
    .where(InboxEvent.received_at < bindparam("before"), InboxEvent.detail[WORDS].as_string().is_not(None))
    .order_by(InboxEvent.id)
)


def answered(session: Session, ticket: Ticket, heard: Heard) -> InboxEvent | None:
    """Store what a responder wrote in the requester's thread; return None if it is known."""
    return _keep(session, ticket, heard, kind=InboxKind.ANSWER, state=InboxState.RELAYED)


def noted(session: Session, ticket: Ticket, turn: Turn, *, user: str, text: str, handoff_id: int) -> None:
    """Store a responder's note to the agent on giving a handoff back; the turn answers it."""
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
    """Return a responder's note to the agent on giving a handoff back."""
    text = select(InboxEvent.text).where(InboxEvent.event_id == _note_id(handoff_id))
    return session.scalars(text).one_or_none() or ""


def returned_from(note: InboxEvent) -> int:
    """Return the id of the handoff that was given back with a note."""
    return int(note.event_id.rpartition(":")[2])


def drafted(
    session: Session, ticket: Ticket, heard: Heard, *, handoff_id: int, state: InboxState, words: str | None = None
) -> InboxEvent | None:
    """Store a draft for the requester, `sent`, or `asked` if it must be confirmed; return None if it is known.

    Args:
        session: the open write transaction.
        ticket: the ticket of the requester.
        heard: the message, redacted.
        handoff_id: the handoff.
        state: `sent` or `asked`.
        words: the unredacted words, if they differ; they are held until the draft is decided.
    """
    detail = {"handoff": handoff_id} | ({} if words is None else {WORDS: words})
    return _keep(session, ticket, heard, kind=InboxKind.DRAFT, state=state, detail=detail)


def composed(
    session: Session, ticket: Ticket, *, key: str, channel: str, user: str, text: str, words: str, handoff_id: int
) -> InboxEvent | None:
    """Store a draft that a responder wrote in a form, to be confirmed; return None if it is known."""
    values = {
        "event_id": key,
        "kind": InboxKind.DRAFT,
        "team": ticket.team,
        "channel": channel,
        "user": user,
        "text": text,
    }
    detail = {"handoff": handoff_id, WORDS: words}
    event_id = db.insert_new(session, InboxEvent, **values, detail=detail, ticket_id=ticket.id, state=InboxState.ASKED)
    return None if event_id is None else session.get_one(InboxEvent, event_id)


def hold(draft: InboxEvent, words: str | None) -> None:
    """Hold the unredacted words of a draft; with None they are deleted."""
    rest = {name: value for name, value in draft.detail.items() if name != WORDS}
    draft.detail = rest if words is None else {**rest, WORDS: words}


def undecided(session: Session, *, before: datetime) -> Sequence[int]:
    """Return the ids of drafts that wait for confirmation since before a time and hold unredacted words."""
    return prebuilt.rows(session, _UNDECIDED, before=before).scalars().all()


def draft(session: Session, event_id: int | None) -> InboxEvent | None:
    """Return a draft, or None."""
    event = None if event_id is None else session.get(InboxEvent, event_id)
    return event if event is not None and event.kind is InboxKind.DRAFT else None


def take_back(draft: InboxEvent) -> None:
    """Note that a draft that was sent was taken back from the requester, though its author has not deleted it."""
    draft.state = InboxState.KEPT


def decide(session: Session, event_id: int, user: str, *, state: InboxState) -> InboxEvent | None:
    """Decide a draft, once; return None if it is another person's, or was decided before."""
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
    """Store a responder's message once."""
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
