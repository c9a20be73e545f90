"""The states of an approval and of its proofs, and what may happen to one; see `bot.store.approvals.approvals`."""

from enum import StrEnum


class ApprovalState(StrEnum):
    """How far an approval is."""

    PROVING = "proving"
    "It is not asked for yet: the requester has to show first who they are."
    ASKED = "asked"
    "Approvers can decide until its time is up."
    APPROVED = "approved"
    "The call may be made once, exactly as it was approved."
    USED = "used"
    "The call was begun with it; it allows no other."
    DENIED = "denied"
    "An approver has said no."
    EXPIRED = "expired"
    "Nobody proved, decided or acted in time."
    WITHDRAWN = "withdrawn"
    "It is void, for the cause that is kept with it."


class WithdrawCause(StrEnum):
    """Why an approval was withdrawn."""

    DELETED = "deleted"
    "The requester deleted the request."
    TAKEN = "taken"
    "A person has the ticket."
    SUSPENDED = "suspended"
    "The agent was suspended."
    CHANGED = "changed"
    "The arguments, the policy, the release or the account are no longer those that were approved."
    TAKEN_BACK = "taken_back"
    "The requester pressed the button that takes it back."
    REFUSED_PROOF = "refused_proof"
    "Somebody who was asked for proof said that it was not the requester."


class ProofState(StrEnum):
    """What became of one attempt to prove who the requester is."""

    ASKED = "asked"
    "It waits for its answer until its time is up."
    GIVEN = "given"
    "It shows that the requester is who they say."
    REFUSED = "refused"
    "Its answer was no."
    EXPIRED = "expired"
    "Nobody answered in time, or it could not be asked."


class ApprovalMoveKind(StrEnum):
    """What happened to an approval, in its history; the audit event is `approval.` and this word."""

    OPENED = "opened"
    "The agent needs it."
    PROOF_ASKED = "proof_asked"
    "A proof of who the requester is was asked for."
    PROOF_GIVEN = "proof_given"
    "That proof was given."
    PROOF_REFUSED = "proof_refused"
    "Its answer was no."
    PROOF_EXPIRED = "proof_expired"
    "It was not answered in time, or could not be asked."
    ASKED = "asked"
    "Approvers were asked."
    SECONDED = "seconded"
    "The first of two approvers said yes."
    APPROVED = "approved"
    "It was approved."
    USED = "used"
    "The agent began the call."
    DENIED = "denied"
    "An approver said no."
    EXPIRED = "expired"
    "Its time was up."
    WITHDRAWN = "withdrawn"
    "It was withdrawn."
