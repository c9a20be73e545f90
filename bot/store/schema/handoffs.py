"""Handoffs, their moves, and what is known of members of the workspace."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now
from bot.store.schema.enums import HandoffState, MoveKind, listed
from bot.store.schema.handoff_context import HandoffContext, HandoffContextJson


class Handoff(Base):
    """A ticket given to people; see `bot.store.handoffs.handoffs` for its moves."""

    __tablename__ = "handoffs"
    __table_args__ = (
        CheckConstraint(f"state IN ({listed(HandoffState)})", name="state"),
        Index(
            "uq_handoffs_active",
            "ticket_id",
            unique=True,
            sqlite_where=text("state IN ('open', 'claimed')"),
            postgresql_where=text("state IN ('open', 'claimed')"),
        ),
        Index("ix_handoffs_opened_at", "opened_at"),
        Index("ix_handoffs_closed_at", "closed_at", "opened_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("turns.id"))
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("handoffs.id"))
    "The handoff that this one reopens."
    reason: Mapped[str]
    summary: Mapped[str]
    context: Mapped[HandoffContext] = mapped_column(HandoffContextJson, default=HandoffContext)
    "What the person gets with the ticket, and what has been shown of it."
    state: Mapped[HandoffState] = mapped_column(default=HandoffState.OPEN)
    queue_channel: Mapped[str]
    claimed_by: Mapped[str | None]
    claimed_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    warned: Mapped[bool] = mapped_column(default=False)
    "The holder was reminded that this lease expires soon."
    sent: Mapped[bool] = mapped_column(default=False)
    "In this claim something was sent to the requester; the first `>` of a claim must be confirmed."
    expiries: Mapped[int] = mapped_column(default=0)
    openings: Mapped[int] = mapped_column(default=1)
    "How often the handoff was open: at first, and again after each claim that ended without ending the handoff."
    open_since: Mapped[datetime] = mapped_column(default=now)
    "When it last became open; escalation is timed from here."
    escalation_level: Mapped[int] = mapped_column(default=0)
    "Number of escalation levels reached since then."
    waiting_since: Mapped[datetime]
    "Since when the requester waits; the bot's own messages do not reset it."
    opened_at: Mapped[datetime] = mapped_column(default=now)
    first_response_at: Mapped[datetime | None]
    "When a person first wrote to the requester."
    closed_at: Mapped[datetime | None]
    resolution: Mapped[dict[str, Any] | None]
    "What the responder said on resolving: done, category, agent_could (bool)."


class HandoffMove(Base):
    """One change of a handoff; the moves replayed in order give its present state."""

    __tablename__ = "handoff_moves"
    __table_args__ = (Index("ix_handoff_moves_handoff_id", "handoff_id", "move", "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    handoff_id: Mapped[int] = mapped_column(ForeignKey("handoffs.id"))
    move: Mapped[MoveKind]
    actor: Mapped[str]
    "A Slack user id, or agent:<name>, or clock."
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


class Departed(Base):
    """A member who has left the workspace and may no longer act or hold a claim."""

    __tablename__ = "departed"

    user: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)


class MemberRow(Base):
    """What Slack last said of a person, kept as long as it may be used: see `bot.slack.api.membership`."""

    __tablename__ = "members"

    user: Mapped[str] = mapped_column(primary_key=True)
    said: Mapped[dict[str, Any] | None]
    "None: their profile has changed since."
    asked_at: Mapped[datetime]
    "When Slack was asked, or when their profile changed."
    asking_until: Mapped[datetime | None]
    "Until when one process alone may ask Slack about them; None: no process is asking."


class SpokenLanguage(Base):
    """The language that a person has set in Slack, kept when the rest of their profile is deleted."""

    __tablename__ = "spoken_languages"

    user: Mapped[str] = mapped_column(primary_key=True)
    locale: Mapped[str]
    "As Slack writes it: `de-DE`."
