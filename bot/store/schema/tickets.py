"""Tickets and their turns: what was heard, done and said."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, Money, now
from bot.store.schema.enums import (
    FollowerState,
    InboxKind,
    InboxState,
    StepKind,
    StepStatus,
    TicketState,
    TurnOutcome,
    TurnState,
    listed,
)
from bot.store.schema.message_enums import MessageKind, MessageOp, MessageState

_KEPT = text("words_erased_at IS NULL")


class Ticket(Base):
    """One request for help, in one Slack thread."""

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("team", "channel", "thread_ts"),
        CheckConstraint(f"state IN ({listed(TicketState)})", name="state"),
        Index("ix_tickets_requester", "requester", "id"),
        Index("ix_tickets_agent_created_at", "agent", "created_at"),
        Index("ix_tickets_words_kept", "agent", "created_at", sqlite_where=_KEPT, postgresql_where=_KEPT),
        Index(
            "ix_tickets_surge",
            "surge_id",
            "following",
            sqlite_where=text("surge_id IS NOT NULL"),
            postgresql_where=text("surge_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team: Mapped[str]
    channel: Mapped[str]
    thread_ts: Mapped[str]
    private: Mapped[bool]
    "A direct message: private facts may be said here."
    requester: Mapped[str]
    "Slack user id."
    agent: Mapped[str]
    account: Mapped[str | None]
    "Id of the one directory account of the requester; None: not looked up yet, or there is no single one."
    state: Mapped[TicketState] = mapped_column(default=TicketState.OPEN)
    assignee: Mapped[str | None]
    "The responder who has claimed it; None while the agent has it or nobody does."
    category: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    resolved_at: Mapped[datetime | None]
    contradicted_at: Mapped[datetime | None]
    "When the requester first wrote more than thanks after a resolution; before `resolved_at`: after an older one."
    surge_id: Mapped[int | None] = mapped_column(Id)
    "The last surge that it was linked to; no foreign key, as a surge refers to a handoff and so to a ticket."
    following: Mapped[FollowerState | None]
    "How it stands to that surge."
    words_erased_at: Mapped[datetime | None]
    "When the words in its rows were erased; None: they are there, or somebody has written since."


class Requester(Base):
    """A person who asks; their row is locked while their turns and tickets are counted."""

    __tablename__ = "requesters"

    team: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(primary_key=True)
    heard_at: Mapped[datetime] = mapped_column(default=now)


class Turn(Base):
    """One accepted message (with those folded into it) and its one outcome."""

    __tablename__ = "turns"
    __table_args__ = (
        CheckConstraint(f"state IN ({listed(TurnState)})", name="state"),
        Index(
            "uq_turns_active",
            "ticket_id",
            unique=True,
            sqlite_where=text("state <> 'done'"),
            postgresql_where=text("state <> 'done'"),
        ),
        Index("ix_turns_owed", "state", "lease_until"),
        Index("ix_turns_finished_at", "finished_at"),
        Index("ix_turns_release", "release", "finished_at", "id"),
        Index("ix_turns_held_back", "ticket_id", sqlite_where=text("held_back"), postgresql_where=text("held_back")),
        Index(
            "ix_turns_directory_failed_at",
            "directory_failed_at",
            sqlite_where=text("directory_failed_at IS NOT NULL"),
            postgresql_where=text("directory_failed_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    state: Mapped[TurnState] = mapped_column(default=TurnState.WAITING)
    attempt: Mapped[int] = mapped_column(default=0)
    "Fencing number: every write of an attempt is conditional on it, so an attempt that lost its lease writes nothing."
    failures: Mapped[int] = mapped_column(default=0)
    "Number of attempts whose worker died or crashed; attempts that were put back (Slack was down) do not count."
    waits: Mapped[int] = mapped_column(default=0)
    "Number of attempts put back because calls under way left no room under a budget."
    held_back: Mapped[bool] = mapped_column(default=False)
    "Its requester has the most turns under way that one person may: it is queued when one of them ends."
    suspended_at: Mapped[datetime | None]
    "Since when it waits for an approval; no worker takes it before that is decided. None: it does not wait for one."
    waited_seconds: Mapped[float] = mapped_column(default=0.0)
    "How long it has waited for approvals that are decided: no part of the agent's own time."
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    queued_at: Mapped[datetime | None]
    "When it was last queued; upkeep queues again what has waited too long."
    directory_failed_at: Mapped[datetime | None]
    "When the directory last failed to answer it."
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    release: Mapped[str | None]
    outcome: Mapped[TurnOutcome | None]
    reason: Mapped[str | None]
    category: Mapped[str | None]

    @property
    def suspended(self) -> bool:
        """Return whether it waits for an approval."""
        return self.suspended_at is not None


class InboxEvent(Base):
    """One event that Slack told us, stored before it is acknowledged with a 200."""

    __tablename__ = "inbox_events"
    __table_args__ = (
        UniqueConstraint("channel", "ts"),
        Index("ix_inbox_events_kind", "kind", "state"),
        Index("ix_inbox_events_user", "user", "received_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    event_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[InboxKind]
    team: Mapped[str]
    channel: Mapped[str]
    ts: Mapped[str | None]
    "Message timestamp: a message is stored once, even if Slack delivers it under several event ids."
    user: Mapped[str]
    text: Mapped[str]
    "Redacted. A draft is stored as it will be sent; an internal message has no text."
    files: Mapped[list[Any]] = mapped_column(default=list)
    "Attachments, each with its name and, if Slack gave one, its link."
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("turns.id"), index=True)
    "None while it waits for the running turn to end, or when it is for people."
    state: Mapped[InboxState] = mapped_column(default=InboxState.ACCEPTED)
    queued_at: Mapped[datetime | None]
    "When the job that answers a command was last queued."
    received_at: Mapped[datetime] = mapped_column(default=now)


class Step(Base):
    """One model or tool call of a turn, redacted; a later attempt replays it."""

    __tablename__ = "steps"
    __table_args__ = (
        UniqueConstraint("turn_id", "seq"),
        CheckConstraint(f"kind IN ({listed(StepKind)})", name="kind"),
        Index(
            "ix_steps_unanswered",
            "turn_id",
            sqlite_where=text("response IS NULL"),
            postgresql_where=text("response IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id"))
    seq: Mapped[int]
    attempt: Mapped[int]
    kind: Mapped[StepKind]
    name: Mapped[str]
    "Model id or tool name."
    request: Mapped[dict[str, Any]]
    response: Mapped[dict[str, Any] | None]
    "None while the call is under way."
    status: Mapped[StepStatus] = mapped_column(default=StepStatus.STARTED)
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    input_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    cost_nusd: Mapped[int] = mapped_column(Money, default=0)


TO_REQUESTER = frozenset({MessageKind.REPLY, MessageKind.NOTICE, MessageKind.CLAIMED, MessageKind.HUMAN_REPLY})
"Kinds of message for a requester: in their thread, or as a direct message if the thread cannot take them."


class Message(Base):
    """One message to send to Slack, written down before it is sent.

    `stored -> sending -> posted`; `withdrawn` if a person has claimed the ticket before it is posted, `failed` if
    Slack will never take it. A `sending` message whose lease expired is in doubt: it is looked up by its metadata
    before it is sent again. A posted message with `revision > shown_revision` has to be updated.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint(f"op IN ({listed(MessageOp)})", name="op"),
        CheckConstraint(f"state IN ({listed(MessageState)})", name="state"),
        Index("ix_messages_owed", "state", "due_at"),
        Index("ix_messages_lane", "lane", "id"),
        Index("ix_messages_place", "channel", "ts"),
        Index(
            "ix_messages_unshown",
            "state",
            "due_at",
            sqlite_where=text("revision > shown_revision"),
            postgresql_where=text("revision > shown_revision"),
        ),
        Index(
            "ix_messages_look_at",
            "look_at",
            sqlite_where=text("look_at IS NOT NULL"),
            postgresql_where=text("look_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str]
    "Unique name, such as `reply:turn:12` or `card:handoff:3`; it is also the metadata by which Slack finds it again."
    kind: Mapped[MessageKind]
    op: Mapped[MessageOp] = mapped_column(default=MessageOp.POST)
    lane: Mapped[str]
    "Messages of one lane are sent in order: each waits until those before it are out."
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("turns.id"))
    handoff_id: Mapped[int | None] = mapped_column(ForeignKey("handoffs.id"), index=True)
    channel: Mapped[str]
    thread_ts: Mapped[str | None]
    thread_of: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    "The message below which this one is posted, in its thread."
    user: Mapped[str | None]
    "Slack user id of who sees an ephemeral message."
    bot_voice: Mapped[bool] = mapped_column(default=False)
    "The agent speaks to its requester: never after a person has claimed the ticket."
    body: Mapped[dict[str, Any]]
    "text, blocks, username: the arguments of the Web API call."
    state: Mapped[MessageState] = mapped_column(default=MessageState.STORED)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    "When to try next; for a `sending` message, when its sender's lease expires."
    look_at: Mapped[datetime | None]
    "When to check that Slack did not post a message in doubt twice; see `bot.slack.outbox.duplicates`."
    error: Mapped[str | None]
    ts: Mapped[str | None]
    "Slack's id of the posted message."
    file_id: Mapped[str | None]
    "Slack's id of the file that was shared with the message."
    revision: Mapped[int] = mapped_column(default=1)
    shown_revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    posted_at: Mapped[datetime | None]


class Feedback(Base):
    """What a person thought of an answer; their last choice counts."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("turn_id", "user"), Index("ix_feedback_at", "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id"))
    user: Mapped[str]
    good: Mapped[bool]
    words: Mapped[str | None]
    "What was wrong, in the requester's words, redacted."
    at: Mapped[datetime] = mapped_column(default=now)
