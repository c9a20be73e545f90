"""Direct messages without an agent: several agents hear direct messages, and the writer has not chosen one yet.

Each is stored once, redacted, until an agent is chosen; then that agent hears it like any other message. Until then it
follows its author's edits, and a deleted message is removed.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store import db
from bot.store.schema import InboxEvent, InboxKind
from bot.store.tickets import quotes, tickets
from bot.store.tickets.quotes import Quoted
from bot.store.tickets.tickets import Attachment, Heard

_THREAD = "thread"
"Key in its detail: timestamp of the thread that it was said in."


def keep(session: Session, heard: Heard) -> bool:
    """Store a message; return False if it is known.

    Args:
        session: a transaction that has locked the person.
        heard: the message, redacted.
    """
    thread = {} if heard.thread_ts is None else {_THREAD: heard.thread_ts}
    said = {"event_id": heard.event_id, "kind": InboxKind.UNASSIGNED, "team": heard.team, "channel": heard.channel}
    whose = {"ts": heard.ts, "user": heard.user, "text": heard.text, "files": tickets.stored(heard)}
    detail = {**thread, **quotes.kept(heard.quoted)}
    return db.insert_new(session, InboxEvent, **said, **whose, detail=detail) is not None


def of(session: Session, channel: str, user: str) -> Sequence[InboxEvent]:
    """Return a person's messages in a direct conversation that have no agent yet, in order."""
    mine = select(InboxEvent).where(InboxEvent.kind == InboxKind.UNASSIGNED, InboxEvent.user == user)
    return session.scalars(mine.where(InboxEvent.channel == channel).order_by(InboxEvent.id)).all()


def take(session: Session, channel: str, user: str) -> tuple[Heard, ...]:
    """Remove and return a person's messages, to be heard in this transaction, which has locked the person."""
    rows = of(session, channel, user)
    taken = tuple(_heard(row) for row in rows)
    for row in rows:
        session.delete(row)
    session.flush()
    return taken


def follow(session: Session, event: InboxEvent, text: str | None, quoted: Sequence[Quoted] | None) -> None:
    """Apply an edit, redacted, or with None a deletion, to a message."""
    if text is None:
        session.delete(event)
        return
    event.text = text
    if quoted is not None:
        event.detail = {**quotes.without(event.detail), **quotes.kept(tuple(quoted))}


def _heard(row: InboxEvent) -> Heard:
    return Heard(
        event_id=row.event_id,
        team=row.team,
        channel=row.channel,
        ts=str(row.ts),
        thread_ts=row.detail.get(_THREAD),
        user=row.user,
        text=row.text,
        files=tuple(Attachment(file["name"], file["link"]) for file in row.files),
        private=True,
        quoted=quotes.of(row),
    )
