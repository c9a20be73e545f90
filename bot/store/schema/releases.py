"""Releases of agents, and the evaluations that decide whether each may serve."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, Money, now
from bot.store.schema.enums import RunState, Verdict


class Release(Base):
    """An agent frozen by content hash, with the verdict that decides whether it may serve."""

    __tablename__ = "releases"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    agent: Mapped[str]
    body: Mapped[dict[str, Any]]
    "The content of which the fingerprint is the hash."
    created_at: Mapped[datetime] = mapped_column(default=now)
    verdict: Mapped[Verdict | None]
    "pass or block; None: never evaluated."
    verdict_at: Mapped[datetime | None]
    run_id: Mapped[int | None] = mapped_column(Id)


class EvalRun(Base):
    """One run of a suite against one release."""

    __tablename__ = "eval_runs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    release: Mapped[str] = mapped_column(ForeignKey("releases.fingerprint"), index=True)
    suite: Mapped[str]
    "Fingerprint of the data set and the scorers."
    repeats: Mapped[int]
    cases: Mapped[int]
    state: Mapped[RunState] = mapped_column(default=RunState.RUNNING)
    verdict: Mapped[Verdict | None]
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
    "Sentences that say what was expected and what was seen."
    transcript: Mapped[list[Any]] = mapped_column(default=list)
    duration_ms: Mapped[int]
    cost_nusd: Mapped[int] = mapped_column(Money, default=0)
