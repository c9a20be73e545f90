"""Evaluation cases that people propose from resolved handoffs."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.schema.base import Base, Id, now
from bot.store.schema.case_draft import CaseDraft, CaseDraftJson
from bot.store.schema.enums import listed
from bot.store.schema.eval_enums import ProposalState


class CaseProposal(Base):
    """One proposed case. Accepted, it is a file diff for a person to apply; nothing adds it to a suite by itself."""

    __tablename__ = "case_proposals"
    __table_args__ = (
        CheckConstraint(f"state IN ({listed(ProposalState)})", name="state"),
        Index(None, "state", "assignee"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    agent: Mapped[str]
    handoff_id: Mapped[int] = mapped_column(ForeignKey("handoffs.id"), unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    state: Mapped[ProposalState] = mapped_column(default=ProposalState.PROPOSED)
    assignee: Mapped[str]
    "Slack user id of who is to edit it and to decide."
    draft: Mapped[CaseDraft] = mapped_column(CaseDraftJson)
    "What was drafted, and later what somebody has made of it."
    revision: Mapped[int] = mapped_column(default=1)
    "How often it was drafted or edited; a form is of one revision."
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime] = mapped_column(default=now)
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
