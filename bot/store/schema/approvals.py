"""Approvals: one call of a tool that a person has to allow, its history, and the proofs of who asks for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Self

from sqlalchemy import JSON, CheckConstraint, Dialect, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from bot.principals import ProofKind, SecondStep
from bot.store.schema.approval_enums import ApprovalMoveKind, ApprovalState, ProofState, WithdrawCause
from bot.store.schema.base import Base, Id, Value, now
from bot.store.schema.enums import listed

_ACTIVE = text("state IN ('proving', 'asked', 'approved')")


@dataclass(frozen=True, slots=True)
class ApprovalEvidence:
    """What an approver is shown beside the plan, as it was when the approval was opened.

    Invariant: what an earlier build has stored can be read, as with `HandoffContext`.
    """

    status: str | None = None
    "State of the account in the directory; None: the call acts on no account."
    status_reason: str | None = None
    "Why it is in that state, in the directory's words."
    name: str | None = None
    "Name of the account's owner, in the directory's words."
    factors: tuple[str, ...] = ()
    "The kinds of second factors that are enrolled."
    sign_ins: tuple[tuple[str, bool, str, str], ...] = ()
    "The last sign-ins, newest first: time (ISO 8601), whether it succeeded, why not, place."
    cost_nusd: int = 0
    "What the ticket had cost so far."
    verified: str = ""
    "How the requester was bound to the account, in words."

    def to_json(self) -> dict[str, Any]:
        """Return it as its row stores it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return what a row holds, whichever build wrote it."""
        known = {one.name: stored[one.name] for one in fields(cls) if stored.get(one.name) is not None}
        lists: dict[str, Any] = {
            "factors": tuple(known.get("factors", ())),
            "sign_ins": tuple(tuple(one) for one in known.get("sign_ins", ())),
        }
        return cls(**(known | lists))


class ApprovalEvidenceJson(TypeDecorator[ApprovalEvidence]):
    """Stores evidence as JSON."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: ApprovalEvidence | None, _dialect: Dialect) -> dict[str, Any] | None:
        """Return the JSON that is stored."""
        return None if value is None else value.to_json()

    def process_result_value(self, value: dict[str, Any] | None, _dialect: Dialect) -> ApprovalEvidence | None:
        """Return the evidence that was stored."""
        return None if value is None else ApprovalEvidence.from_json(value)


class Approval(Base):
    """A person's permission for exactly one call of a tool; `bot.store.approvals.approvals` draws its moves.

    A ticket has at most one that is active, and a step of a turn has one in all (two indices ensure it).
    """

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint(f"state IN ({listed(ApprovalState)})", name="state"),
        UniqueConstraint("turn_id", "step"),
        Index("uq_approvals_active", "ticket_id", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index("ix_approvals_owed", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id"))
    step: Mapped[int]
    intent_id: Mapped[int] = mapped_column(Id)
    "The number of the call's intent in the audit log."
    agent: Mapped[str]
    release: Mapped[str]
    team: Mapped[str]
    requester: Mapped[str]
    "Slack user id."
    tool: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    "The validated arguments, as JSON values."
    arguments_sha256: Mapped[str]
    policy_sha256: Mapped[str]
    account_id: Mapped[str | None]
    "Id in the directory; None: the call acts on no account."
    account_version: Mapped[str]
    "SHA-256 of the whole account as the approver was shown it; empty without one."
    plan: Mapped[list[Any]] = mapped_column(default=list)
    "Sentences that say exactly what will be done."
    evidence: Mapped[ApprovalEvidence] = mapped_column(ApprovalEvidenceJson, default=ApprovalEvidence)
    second_step: Mapped[SecondStep] = mapped_column(Value(SecondStep))
    expires_minutes: Mapped[float]
    "How long approvers have, from the moment at which they are asked."
    state: Mapped[ApprovalState]
    created_at: Mapped[datetime] = mapped_column(default=now)
    asked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    "Until when approvers can decide, and once it is approved, until when the call must begin; None while proving."
    decided_at: Mapped[datetime | None]
    "When it was approved, denied, expired or withdrawn, whichever was first."
    decided_by: Mapped[str | None]
    "Who or what did that: a Slack user id, clock, operator or agent:<release>."
    first_by: Mapped[str | None]
    "The first of two approvers who said yes."
    second_step_given: Mapped[str | None]
    "How the approver showed a second time who they are, for the audit log."
    reason: Mapped[str | None]
    "Why it was denied, in the approver's words, redacted."
    cause: Mapped[WithdrawCause | None]
    used_at: Mapped[datetime | None]
    link: Mapped[str | None]
    "Permanent link to the requester's thread."
    withheld: Mapped[bool] = mapped_column(default=False)
    "The request is private and others can read the queue channel, so plan and evidence are in the forms alone."


class ApprovalMove(Base):
    """One thing that happened to an approval."""

    __tablename__ = "approval_moves"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    approval_id: Mapped[int] = mapped_column(ForeignKey("approvals.id"), index=True)
    what: Mapped[ApprovalMoveKind]
    actor: Mapped[str]
    "A Slack user id, clock, operator or agent:<release>."
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


class Proof(Base):
    """One attempt to prove that the requester is who they say; an approval has at most one that is asked at a time."""

    __tablename__ = "proofs"
    __table_args__ = (
        CheckConstraint(f"state IN ({listed(ProofState)})", name="state"),
        UniqueConstraint("approval_id", "kind"),
        Index(
            "uq_proofs_asked",
            "approval_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
        Index("ix_proofs_owed", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    approval_id: Mapped[int] = mapped_column(ForeignKey("approvals.id"))
    kind: Mapped[ProofKind] = mapped_column(Value(ProofKind))
    state: Mapped[ProofState] = mapped_column(default=ProofState.ASKED)
    asked_of: Mapped[str | None]
    "The manager's Slack user id, or the remaining factor; None: any responder may say that they called back."
    manager: Mapped[str | None]
    "Id in the directory of the manager who was asked."
    number: Mapped[str | None]
    "Two digits that the requester reads in Slack and enters on their device."
    key: Mapped[str | None]
    "Idempotency key of the challenge in the directory."
    asked_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
    "A Slack user id, or directory."
    words: Mapped[str | None]
    "What they said with it, redacted."
