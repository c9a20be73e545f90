"""Releases of agents, and the evaluations that decide whether each may serve."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, Money, now
from bot.store.schema.eval_enums import PlayedBy, ProbeState, RunKind, RunState, Verdict


class Release(Base):
    """An agent frozen by content hash; whether it may serve is what `VerdictRow` says of it."""

    __tablename__ = "releases"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    agent: Mapped[str]
    body: Mapped[dict[str, Any]]
    "The content of which the fingerprint is the hash."
    created_at: Mapped[datetime] = mapped_column(default=now)


class VerdictRow(Base):
    """What the last finished run of one suite said of one release; it says nothing about any other pair."""

    __tablename__ = "release_verdicts"

    release: Mapped[str] = mapped_column(ForeignKey("releases.fingerprint"), primary_key=True)
    suite: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[Verdict]
    at: Mapped[datetime]
    run_id: Mapped[int] = mapped_column(Id)
    why: Mapped[list[Any]] = mapped_column(default=list)
    "Sentences."


class Waiver(Base):
    """An owner's signature under one verdict that is no pass: its release serves until the waiver ends."""

    __tablename__ = "waivers"
    __table_args__ = (Index(None, "release", "suite"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    release: Mapped[str] = mapped_column(ForeignKey("releases.fingerprint"))
    suite: Mapped[str]
    run_id: Mapped[int] = mapped_column(Id)
    "The run whose verdict is waived; the verdict of a later run is not."
    owner: Mapped[str]
    "Slack user id of the owner who has signed it."
    reason: Mapped[str]
    signed_at: Mapped[datetime] = mapped_column(default=now)
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
    expired_at: Mapped[datetime | None]
    "When it was noted that it had ended; it counts no longer from `ends_at` on, noted or not."


class FileText(Base):
    """The text of a file, by its SHA-256."""

    __tablename__ = "file_texts"

    sha: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]


class KeptFile(Base):
    """A file of an agent's folder as it was in a release or a suite."""

    __tablename__ = "kept_files"

    owner: Mapped[str] = mapped_column(primary_key=True)
    "The fingerprint of the release or of the suite."
    name: Mapped[str] = mapped_column(primary_key=True)
    "Its path in the folder, such as `prompt.md` or `evals/locked.yaml`."
    sha: Mapped[str] = mapped_column(ForeignKey("file_texts.sha"))


class ReleaseNotice(Base):
    """Responders were told that every request goes to them, and later that the agent answers again."""

    __tablename__ = "release_notices"
    __table_args__ = (UniqueConstraint("release", "suite", "cause"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    agent: Mapped[str] = mapped_column(index=True)
    release: Mapped[str]
    suite: Mapped[str]
    cause: Mapped[str]
    "`unevaluated`, or `waiver:7` when that waiver has ended."
    told_at: Mapped[datetime] = mapped_column(default=now)
    over_at: Mapped[datetime | None]
    "When they were told that the agent answers again."


class EvalRun(Base):
    """One run of a suite, or of the probes among its cases, against one release."""

    __tablename__ = "eval_runs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    release: Mapped[str] = mapped_column(ForeignKey("releases.fingerprint"), index=True)
    suite: Mapped[str]
    "Fingerprint of the data set and the scorers."
    repeats: Mapped[int]
    "How many times each case is played before the next look, or was played in all."
    fixed_repeats: Mapped[int | None]
    "How many times somebody wants each case played; None: the gate decides after each round."
    cases: Mapped[int]
    only: Mapped[list[Any]] = mapped_column(default=list)
    "What was chosen of the suite, such as `--slice locked`; such a run never gives a verdict. Empty: all of it."
    state: Mapped[RunState] = mapped_column(default=RunState.RUNNING)
    verdict: Mapped[Verdict | None]
    why: Mapped[list[Any]] = mapped_column(default=list)
    "The reasons for the verdict, one sentence each."
    model_is_standin: Mapped[bool] = mapped_column(default=False)
    "Whether the model's endpoint said that it is a stand-in: its figures say nothing about Claude."
    started_by: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    cost_nusd: Mapped[int] = mapped_column(Money, default=0)
    kind: Mapped[RunKind] = mapped_column(default=RunKind.EVALUATION)
    played_by: Mapped[PlayedBy] = mapped_column(default=PlayedBy.COMMAND)
    width: Mapped[int] = mapped_column(default=1)
    "How many plays are in the queue or in hand at a time."
    queued: Mapped[list[Any]] = mapped_column(default=list)
    "The plays that were put in the queue and have no result yet, as `case:repeat`."
    held_by: Mapped[str | None]
    "The process of a command that sees to the run."
    seen_at: Mapped[datetime | None] = mapped_column(default=now)
    "When somebody last worked on the run; a command renews it for as long as it lives."
    shown_to: Mapped[str | None]
    "Slack user id of whom a direct message shows how far it is; None: nobody."
    told_at: Mapped[datetime | None]
    "When that message came to say how the run ended."


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
    case_sha: Mapped[str] = mapped_column(default="")
    "SHA-256 of the case as it was played; empty in runs from before it was kept."
    played: Mapped[bool] = mapped_column(default=True)
    "False if every try met an outage: then nothing is known of the case."
    outages: Mapped[list[Any]] = mapped_column(default=list)
    "Why tries ended early through no fault of the agent, one sentence each."
    passed: Mapped[bool]
    failures: Mapped[list[Any]] = mapped_column(default=list)
    "Sentences that say what was expected and what was seen."
    transcript: Mapped[list[Any]] = mapped_column(default=list)
    duration_ms: Mapped[int]
    cost_nusd: Mapped[int] = mapped_column(Money, default=0)


class ProbeResult(Base):
    """What a run of probes that was played to its end says of its release, beside the release's own evaluation."""

    __tablename__ = "probe_results"

    run_id: Mapped[int] = mapped_column(ForeignKey("eval_runs.id"), primary_key=True, autoincrement=False)
    state: Mapped[ProbeState]
    runs: Mapped[int]
    "How many of the last runs are compared together, in the window that shows the most."
    p_value: Mapped[float | None]
    "How likely passes as few as those of the window are if nothing has changed; None: there was nothing to compare."
    difference: Mapped[float | None]
    "The pass rate of the window less that of the evaluation, as the mean over the cases, from -1 to 1."
    hard_failures: Mapped[list[Any]] = mapped_column(default=list)
    "Ids of the cases of hard slices that failed in this run."
