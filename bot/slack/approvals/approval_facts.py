"""An approval as its messages show it, and its facts as plain text.

Invariant: every word of a person, of the directory or of the model becomes one line of plain text, in which nothing is
a link, a mention or markup, and no line of it can pass for one of ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from bot.principals import ProofKind, SecondStep
from bot.slack import mrkdwn
from bot.store.schema import (
    Approval,
    ApprovalEvidence,
    ApprovalMove,
    ApprovalMoveKind,
    ApprovalState,
    Proof,
    ProofState,
    Ticket,
    WithdrawCause,
)

_FACT, _STEP = 200, 300
"The most letters of one fact, and of one sentence of the plan."
_AHEAD = (ApprovalState.PROVING, ApprovalState.ASKED, ApprovalState.APPROVED)
_DECIDED = (ApprovalMoveKind.APPROVED, ApprovalMoveKind.DENIED)
_MOST_STEPS, _MOST_SIGN_INS, _MOST_FACTORS = 12, 5, 12


@dataclass(frozen=True, slots=True)
class ProofView:
    """One attempt to prove who the requester is."""

    proof_id: int
    kind: ProofKind
    state: ProofState
    asked_of: str | None
    "The manager's Slack user id, or the remaining factor."
    number: str | None
    "Two digits that the requester enters on their device."
    expires_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    "A Slack user id, or directory."
    words: str | None
    "What a responder said with it, redacted."

    @property
    def is_of_manager(self) -> bool:
        """Return whether it is asked of the requester's manager, in a direct message."""
        return self.kind is ProofKind.MANAGER


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval as its card, its forms and the requester's notice show it."""

    approval_id: int
    ticket_id: int
    state: ApprovalState
    requester: str
    "Slack user id."
    private: bool
    "Whether the request was made in a direct message."
    release: str
    account_id: str | None
    plan: tuple[str, ...]
    "Sentences that say exactly what will be done."
    evidence: ApprovalEvidence
    link: str | None
    "Permanent link to the requester's thread."
    withheld: bool
    "Whether the card must show neither plan nor account: they are private, and others read the channel."
    second_step: SecondStep
    expires_at: datetime | None
    "Until when it can be decided; None while the requester proves who they are."
    expires_minutes: float
    "How long approvers have, from the moment at which they are asked."
    first_by: str | None
    "The first of two approvers who said yes."
    first_at: datetime | None
    decided_by: str | None
    "Who approved or denied it."
    decided_at: datetime | None
    reason: str | None
    cause: WithdrawCause | None
    used_at: datetime | None
    ended_by: str | None
    "Who withdrew it: a Slack user id, clock, operator or an agent."
    ended_at: datetime | None
    "When it expired or was withdrawn."
    proofs: tuple[ProofView, ...]
    "In the order in which they were asked."

    @property
    def proof(self) -> ProofView | None:
        """Return the proof that is asked for now, or None."""
        return next((one for one in self.proofs if one.state is ProofState.ASKED), None)

    @property
    def given(self) -> ProofView | None:
        """Return the proof that was given, or None."""
        return next((one for one in self.proofs if one.state is ProofState.GIVEN), None)

    @property
    def was_asked(self) -> bool:
        """Return whether approvers were ever asked; otherwise nobody proved who the requester is."""
        return self.expires_at is not None


def view_of(
    approval: Approval, ticket: Ticket, proofs: Sequence[Proof], history: Sequence[ApprovalMove]
) -> ApprovalView:
    """Return what messages show of an approval, from its rows."""
    moves = {move.what: move for move in history}
    seconded, decided = moves.get(ApprovalMoveKind.SECONDED), moves.get(_DECIDED[0]) or moves.get(_DECIDED[1])
    ended = moves.get(ApprovalMoveKind.WITHDRAWN) or moves.get(ApprovalMoveKind.EXPIRED)
    return ApprovalView(
        approval_id=approval.id,
        ticket_id=ticket.id,
        state=approval.state,
        requester=approval.requester,
        private=ticket.private,
        release=approval.release,
        account_id=approval.account_id,
        plan=tuple(map(str, approval.plan)),
        evidence=approval.evidence,
        link=approval.link,
        withheld=approval.withheld,
        second_step=approval.second_step,
        expires_at=approval.expires_at,
        expires_minutes=approval.expires_minutes,
        first_by=approval.first_by,
        first_at=_at(seconded),
        decided_by=None if decided is None else decided.actor,
        decided_at=_at(decided),
        reason=approval.reason,
        cause=approval.cause,
        used_at=approval.used_at,
        ended_by=None if ended is None else ended.actor,
        ended_at=_at(ended),
        proofs=tuple(map(_proof, proofs)),
    )


def plan(view: ApprovalView) -> str:
    """Return exactly what will be done, or was asked for, to which account, as plain text of one line a sentence."""
    heading = "This will be done:" if view.state in _AHEAD else "This was asked for:"
    return "\n".join([heading, *steps(view)])


def steps(view: ApprovalView) -> Iterator[str]:
    """Yield each sentence of the plan, as a line of plain text."""
    for step in view.plan[:_MOST_STEPS]:
        yield f"• {mrkdwn.brief(step, _STEP) or mrkdwn.NO_WORDS}"
    if len(view.plan) > _MOST_STEPS:
        yield f"• and {len(view.plan) - _MOST_STEPS} more steps"


def evidence(view: ApprovalView) -> str:
    """Return what is known of the account and of the requester, as plain text of one line a fact."""
    return "\n".join(_facts(view))


def proved_by(view: ApprovalView) -> str:
    """Return how the requester has shown who they are, in mrkdwn of our own; empty while nobody has."""
    given = view.given
    if given is None:
        return ""
    at = mrkdwn.date(given.answered_at) if given.answered_at is not None else "in time"
    who = mrkdwn.mention(given.answered_by or "somebody")
    match given.kind:
        case ProofKind.REMAINING_FACTOR:
            return f"They have confirmed it on another factor of theirs, {at}."
        case ProofKind.MANAGER:
            return f"Their manager, {who}, has confirmed that it is them, {at}."
        case ProofKind.CALL_BACK:
            return f"{who} states that they called the number on record and that it is them, {at}."
        case _:
            assert_never(given.kind)


def _at(move: ApprovalMove | None) -> datetime | None:
    return None if move is None else move.at


def _proof(proof: Proof) -> ProofView:
    return ProofView(
        proof_id=proof.id,
        kind=proof.kind,
        state=proof.state,
        asked_of=proof.asked_of,
        number=proof.number,
        expires_at=proof.expires_at,
        answered_at=proof.answered_at,
        answered_by=proof.answered_by,
        words=proof.words,
    )


def _facts(view: ApprovalView) -> Iterator[str]:
    known = view.evidence
    if view.account_id is not None:
        owner = f" of {mrkdwn.brief(known.name, _FACT)}" if known.name else ""
        why = f": {mrkdwn.brief(known.status_reason, _FACT)}" if known.status_reason else ""
        status = mrkdwn.brief((known.status or "in an unknown state").replace("_", " "), _FACT)
        yield f"Account {mrkdwn.brief(view.account_id, _FACT)}{owner}: {status}{why}"
        yield f"Second factors enrolled: {_listed(known.factors[:_MOST_FACTORS]) or 'none'}"
        yield f"Last sign-ins, in UTC: {'; '.join(map(_sign_in, known.sign_ins[:_MOST_SIGN_INS])) or 'none'}"
    if known.verified:
        yield f"Whose account it is: {mrkdwn.brief(known.verified, _FACT)}"
    if view.given is not None and view.given.words:
        yield f"What they say of the call: {mrkdwn.brief(view.given.words, _FACT)}"
    yield f"Asked by the agent {mrkdwn.brief(view.release, _FACT)}; cost so far: {mrkdwn.dollars(known.cost_nusd)}"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(mrkdwn.brief(word.replace("_", " "), _FACT) for word in words)


def _sign_in(one: tuple[str, bool, str, str]) -> str:
    """Return a sign-in in words: when, whether it succeeded, and where from."""
    at, succeeded, why, place = one
    when = f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%d %H:%M}" if _is_time(at) else mrkdwn.brief(at, _FACT)
    came = "succeeded" if succeeded else " ".join(["failed", *([f"({mrkdwn.brief(why, _FACT)})"] if why else [])])
    return " ".join([when, came, *([f"from {mrkdwn.brief(place, _FACT)}"] if place else [])])


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
