"""A case that Priya has proposed and Ben is to decide about."""

from datetime import UTC, datetime

from bot.store.schema import CaseDraft, CaseProposal, ProposalState

PROPOSED_DRAFT = CaseDraft(
    id="locked-1", slice="locked", says="locked out", reasons=("requested",), not_ran=("hand_off",)
)


def proposed_case(draft: CaseDraft = PROPOSED_DRAFT, number: int = 7) -> CaseProposal:
    """Return a proposal that is in no database."""
    return CaseProposal(
        id=number,
        agent="access",
        ticket_id=3,
        handoff_id=9,
        draft=draft,
        revision=2,
        state=ProposalState.PROPOSED,
        assignee="U0BEN",
        proposed_by="U0PRIYA",
        proposed_at=datetime(2026, 11, 30, 9, tzinfo=UTC),
    )
