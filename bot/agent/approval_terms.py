"""Under which terms a person may approve a call of a tool: a part of the card."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bot.policy.rules import CardPart
from bot.principals import ProofKind, SecondStep
from bot.tools.registry import REGISTRY

TWO = 2
"How many people must agree where no approver has an authenticator app."


def _each_once(proof: tuple[ProofKind, ...]) -> tuple[ProofKind, ...]:
    if len(set(proof)) < len(proof):
        raise ValueError("expected each kind of proof once")
    return proof


class ApprovalTerms(CardPart):
    """What must be shown before an approver is asked, and what the approver must show."""

    proof: Annotated[tuple[ProofKind, ...], Field(min_length=1), AfterValidator(_each_once)]
    "How requesters prove who they are, in this order; the next kind is asked for when one stays without an answer."
    proof_minutes: float = Field(default=10, gt=0, le=24 * 60, allow_inf_nan=False)
    "How long the answer to one proof may take."
    second_step: SecondStep | Literal["default"] = "default"
    "What an approver needs beside their Slack session; default: a code where an approver has one, else two people."
    expires_minutes: float = Field(default=30, gt=0, le=24 * 60, allow_inf_nan=False)
    "How long approvers have, from the moment at which they are asked."

    def second_step_of(self, *, enrolled: bool, approvers: int) -> SecondStep:
        """Return what one approval asks of its approver; two people need two who may decide.

        Args:
            enrolled: whether any of those who may decide has a code.
            approvers: how many people may decide.
        """
        if self.second_step != "default":
            return self.second_step
        return SecondStep.CODE if enrolled or approvers < TWO else SecondStep.TWO_PEOPLE


def mistakes(
    approvals: Mapping[str, ApprovalTerms], tools: Collection[str], approvers: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield each mistake in what a card says of approvals: field and reason."""
    for name, terms in approvals.items():
        if name not in tools or not REGISTRY[name].needs_approval:
            yield f"approvals.{name}", "expected the name of a tool in tools that needs an approval"
        if not approvers:
            yield "handoff.approvers", f"expected at least one: {name} may be approved"
        if terms.second_step == SecondStep.TWO_PEOPLE and len(set(approvers)) == 1:
            yield "handoff.approvers", f"expected at least two: approvals.{name}.second_step is two_people"
