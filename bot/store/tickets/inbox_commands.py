"""Slash commands, shortcuts and messages to look at: stored like messages, answered by a job."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.orm import Session

from bot import durations
from bot.store import db
from bot.store.schema import InboxEvent, InboxKind, InboxState, now
from bot.store.sql import prebuilt

ANSWERED = (InboxKind.COMMAND, InboxKind.SHORTCUT, InboxKind.WHY, InboxKind.PLEA)
"The kinds of event that a job answers."
ASKED_ABOUT, CONFIRMS = "asked_about", "confirms"
"Keys in a command's detail: what its author was asked about, and the command that they confirm."
_OVERDUE = and_(
    InboxEvent.kind.in_(ANSWERED),
    InboxEvent.state == InboxState.ACCEPTED,
    InboxEvent.queued_at < bindparam("queued_before"),
    InboxEvent.received_at > bindparam("received_after"),
)
_ANY_OVERDUE = select(InboxEvent.id).where(_OVERDUE).limit(1)
_TO_REQUEUE = select(InboxEvent.id).where(_OVERDUE).order_by(InboxEvent.id).limit(100).with_for_update(skip_locked=True)


@dataclass(frozen=True, slots=True)
class InboxCommand:
    """A slash command or a shortcut, as Slack delivered it."""

    event_id: str
    kind: InboxKind
    team: str
    channel: str
    user: str
    text: str
    detail: dict[str, Any]
    "command, response_url; channel and ts of the message that a shortcut or a plea is about."


def accept(session: Session, asked: InboxCommand) -> int | None:
    """Store a command once; return its id, or None if it is known."""
    return db.insert_new(
        session,
        InboxEvent,
        event_id=asked.event_id,
        kind=asked.kind,
        team=asked.team,
        channel=asked.channel,
        ts=None,
        user=asked.user,
        text=asked.text,
        detail=asked.detail,
        queued_at=now(),
    )


def get(session: Session, event_id: int) -> InboxEvent | None:
    """Return an event, or None if it does not wait for an answer."""
    event = session.get(InboxEvent, event_id)
    return event if event is not None and event.state is InboxState.ACCEPTED else None


def ask_first(session: Session, event: InboxEvent, about: Sequence[str]) -> None:
    """Store about what somebody is asked, before what they want is done."""
    row = session.get_one(InboxEvent, event.id, populate_existing=True)
    row.detail = {**row.detail, ASKED_ABOUT: list(about)}
    session.flush()


def question(session: Session, event_id: int, *, user: str) -> InboxEvent | None:
    """Return a command about which its author was asked whether they are sure; None: there is none of theirs."""
    event = session.get(InboxEvent, event_id)
    if event is None or event.kind is not InboxKind.COMMAND or event.user != user:
        return None
    return event if ASKED_ABOUT in event.detail and CONFIRMS not in event.detail else None


def confirm(session: Session, asked: InboxEvent, *, response_url: str | None) -> int | None:
    """Store once that the author of a command is sure; return the id of the new command, or None if it is known."""
    detail = {**asked.detail, CONFIRMS: asked.id, "response_url": response_url}
    return accept(
        session,
        InboxCommand(
            event_id=f"confirm:{asked.id}",
            kind=InboxKind.COMMAND,
            team=asked.team,
            channel=asked.channel,
            user=asked.user,
            text=asked.text,
            detail=detail,
        ),
    )


def confirmed(event: InboxEvent) -> Sequence[str] | None:
    """Return about what somebody was asked before they said that they are sure; None: they were not asked."""
    return list(map(str, event.detail[ASKED_ABOUT])) if CONFIRMS in event.detail else None


def read_again(session: Session, event: InboxEvent) -> None:
    """Reload an event: others may have changed it before its ticket was locked."""
    session.refresh(event)


def mark_answered(session: Session, event_id: int) -> bool:
    """Mark an event as answered; return False if it already was."""
    done = session.execute(
        update(InboxEvent)
        .where(InboxEvent.id == event_id, InboxEvent.state == InboxState.ACCEPTED)
        .values(state=InboxState.ANSWERED)
        .returning(InboxEvent.id)
    ).scalar_one_or_none()
    return done is not None


def to_requeue(session: Session) -> Sequence[int]:
    """Return the ids of events that have waited too long and can still be answered; mark them as queued now."""
    at = now()
    event_ids = prebuilt.rows(session, _TO_REQUEUE, **_overdue(at)).scalars().all()
    session.execute(update(InboxEvent).where(InboxEvent.id.in_(event_ids)).values(queued_at=at))
    return event_ids


def any_to_requeue(session: Session) -> bool:
    """Return whether `to_requeue` would find any."""
    return prebuilt.rows(session, _ANY_OVERDUE, **_overdue(now())).first() is not None


def _overdue(at: datetime) -> dict[str, datetime]:
    return {
        "queued_before": at - timedelta(seconds=durations.COMMAND_RETRY),
        "received_after": at - timedelta(seconds=durations.COMMAND_GIVE_UP),
    }
