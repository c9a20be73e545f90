"""A ticket from the message to the answer: what was heard, done and said."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, Money, now
from bot.store.schema.enums import (
    InboxKind,
    InboxState,
    MessageOp,
    MessageState,
    StepKind,
    StepStatus,
    TicketState,
    TurnOutcome,
    TurnState,
    listed,
)


class Ticket(Base):
    """One request for help, in one Slack thread."""

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("team", "channel", "thread_ts"),
        CheckConstraint(f"state IN ({listed(TicketState)})", name="state"),
        Index("ix_tickets_requester", "requester", "id"),
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
    "The one directory account that the verified requester was bound to, once somebody looked."
    state: Mapped[TicketState] = mapped_column(default=TicketState.OPEN)
    assignee: Mapped[str | None]
    "The responder who has claimed it; None while it is the agent's or nobody's."
    category: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    resolved_at: Mapped[datetime | None]
    contradicted_at: Mapped[datetime | None]
    "The requester came back within 24 hours of a resolution."


class Requester(Base):
    """Somebody who asks; the row is locked while their turns and tickets are counted."""

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
        Index("ix_turns_held_back", "ticket_id", sqlite_where=text("held_back"), postgresql_where=text("held_back")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    state: Mapped[TurnState] = mapped_column(default=TurnState.WAITING)
    attempt: Mapped[int] = mapped_column(default=0)
    "Fences a zombie: every write of an attempt is conditional on this number."
    failures: Mapped[int] = mapped_column(default=0)
    "Attempts whose worker died or crashed; what was only put back (Slack away) is none."
    waits: Mapped[int] = mapped_column(default=0)
    "Attempts that were put back because calls under way left no room under a budget."
    held_back: Mapped[bool] = mapped_column(default=False)
    "Its requester has as many turns under way as one person may: it is in no queue until one of them ends."
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    queued_at: Mapped[datetime | None]
    "When it last went to the queue; upkeep puts back what has waited too long."
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    release: Mapped[str | None]
    outcome: Mapped[TurnOutcome | None]
    reason: Mapped[str | None]
    category: Mapped[str | None]


class InboxEvent(Base):
    """One thing that Slack told us, kept from before the 200 that acknowledges it."""

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
    "Message timestamp: a message is one event however many ids it comes under."
    user: Mapped[str]
    text: Mapped[str]
    "Redacted; a draft is as it goes out, an internal word is not kept."
    files: Mapped[list[Any]] = mapped_column(default=list)
    "Attachments: name, and link where Slack gave one."
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("turns.id"), index=True)
    "None while it waits for the running turn to end, or belongs to a person's side."
    state: Mapped[InboxState] = mapped_column(default=InboxState.ACCEPTED)
    queued_at: Mapped[datetime | None]
    "When the job that answers a command last went to the queue."
    received_at: Mapped[datetime] = mapped_column(default=now)


class Step(Base):
    """One model or tool call of a turn, redacted: the journal that a later attempt replays."""

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


TO_REQUESTER = frozenset({"reply", "notice", "claimed", "human_reply"})
"Kinds of message that are said to a requester: in their thread, or directly where that cannot take them."


class Message(Base):
    """One thing to say in Slack, written down before it is said.

    `stored -> sending -> posted`; `withdrawn` when a person owns the ticket by the time it would be
    said, `failed` when Slack will never take it. `sending` past its lease means unknown: look it up
    by metadata first. `revision > shown_revision` of a posted message means: update it.
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
    "What it is, once: `reply:turn:12`, `card:handoff:3`; also the metadata by which it is found again."
    kind: Mapped[str]
    op: Mapped[MessageOp] = mapped_column(default=MessageOp.POST)
    lane: Mapped[str]
    "Messages of one lane are said in order: one waits until those before it are out."
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("turns.id"))
    handoff_id: Mapped[int | None] = mapped_column(ForeignKey("handoffs.id"), index=True)
    channel: Mapped[str]
    thread_ts: Mapped[str | None]
    thread_of: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    "Goes into the thread of that message, once it is posted."
    user: Mapped[str | None]
    "Who sees an ephemeral one."
    bot_voice: Mapped[bool] = mapped_column(default=False)
    "The agent speaking to its requester: never after a person has claimed the ticket."
    body: Mapped[dict[str, Any]]
    "text, blocks, username: the arguments of the Web API call."
    state: Mapped[MessageState] = mapped_column(default=MessageState.STORED)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    "When to try (again); of a `sending` one, when its sender is given up."
    look_at: Mapped[datetime | None]
    "When to look whether Slack has posted twice what was in doubt; see `bot.slack.outbox.duplicates`."
    error: Mapped[str | None]
    ts: Mapped[str | None]
    "Slack's id of the posted message."
    file_id: Mapped[str | None]
    "Slack's id of the file that was shared with it."
    revision: Mapped[int] = mapped_column(default=1)
    shown_revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    posted_at: Mapped[datetime | None]


class Feedback(Base):
    """What a person thought of an answer; their last word counts."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("turn_id", "user"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id"))
    user: Mapped[str]
    good: Mapped[bool]
    words: Mapped[str | None]
    "Redacted: what was wrong, as the requester of the answer says."
    at: Mapped[datetime] = mapped_column(default=now)
