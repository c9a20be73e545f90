"""What lets an agent serve and what shows how it did: releases, evaluations, the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, Money, now
from bot.store.schema.enums import RunState


class Release(Base):
    """An agent frozen by content hash, with the verdict that lets it serve or not."""

    __tablename__ = "releases"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    agent: Mapped[str]
    body: Mapped[dict[str, Any]]
    "What the fingerprint was taken over."
    created_at: Mapped[datetime] = mapped_column(default=now)
    verdict: Mapped[str | None]
    "pass or block; None: never evaluated"
    verdict_at: Mapped[datetime | None]
    run_id: Mapped[int | None] = mapped_column(Id)


class EvalRun(Base):
    """One playing of a suite against one release."""

    __tablename__ = "eval_runs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    release: Mapped[str] = mapped_column(ForeignKey("releases.fingerprint"), index=True)
    suite: Mapped[str]
    "Eval fingerprint: data set and scorers."
    repeats: Mapped[int]
    cases: Mapped[int]
    state: Mapped[RunState] = mapped_column(default=RunState.RUNNING)
    verdict: Mapped[str | None]
    started_by: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    cost_nusd: Mapped[int] = mapped_column(Money, default=0)


class EvalResult(Base):
    """One case, played once."""

    __tablename__ = "eval_results"
    __table_args__ = (UniqueConstraint("run_id", "case_id", "repeat"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("eval_runs.id"))
    case_id: Mapped[str]
    slice: Mapped[str]
    hard: Mapped[bool]
    repeat: Mapped[int]
    passed: Mapped[bool]
    failures: Mapped[list[Any]] = mapped_column(default=list)
    "What was expected and what was seen, one sentence each."
    transcript: Mapped[list[Any]] = mapped_column(default=list)
    duration_ms: Mapped[int]
    cost_nusd: Mapped[int] = mapped_column(Money, default=0)


class AuditRow(Base):
    """One record of an act: never changed, never deleted."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_ticket", "ticket_id"),
        Index("ix_audit_intent", "intent_id", unique=True),
    )

    seq: Mapped[int] = mapped_column(Id, primary_key=True)
    event: Mapped[str]
    "noun.verb in the past tense: tool.intended, tool.finished, handoff.claimed"
    actor: Mapped[str]
    subject: Mapped[str | None]
    ticket_id: Mapped[int | None] = mapped_column(Id)
    intent_id: Mapped[int | None] = mapped_column(Id)
    "An outcome names the intent that it closes; an intent has one outcome."
    record: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=now)
