"""An agent that asks for a reset of a second factor, and the people who let it go on, without Slack."""

from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from sqlalchemy import select

from bot.agent.approval_terms import ApprovalTerms
from bot.agent.conclusion import conclude
from bot.agent.loop import AwaitsApproval, Outcome
from bot.agent.model import CallModel, Completion, Prompt
from bot.agent.runtime import AgentRuntime
from bot.casework import approvals as casework
from bot.principals import ProofKind, Subject
from bot.store.accounts import accounts
from bot.store.approvals import proofs
from bot.store.approvals.approval_moves import ApprovalMoved, ApprovalNotMoved
from bot.store.schema import Approval, ApprovalState, Turn, TurnState
from tests.support.agent_office import Office, play_attempt
from tests.support.factories import expire, put, turn_row
from tests.support.scripted_models import Block, completion, results

RESET: Block = ("reset_second_factor", {"lost": "phone"})
FACTORS = ("totp", "push", "security_key")
_names = count(1)


def let_approve(office: Office, **terms: object) -> Office:
    """Let people approve a reset of a second factor."""
    card = office.agent.card
    asked = {"proof": ["manager"], "second_step": "none", **terms}
    people = card.handoff.model_copy(update={"approvers": ("U0PRIYA", "U0BEN")})
    allowed = {"approvals": {RESET[0]: ApprovalTerms.model_validate(asked)}, "handoff": people}
    office.agent = replace(office.agent, card=card.model_copy(update=allowed))
    return office


@dataclass
class Request:
    """One request for a reset, by somebody of its own with an account of its own."""

    office: Office
    runtime: AgentRuntime
    subject: Subject
    turn: int

    @property
    def account(self) -> str:
        """Return the id of the account."""
        return str(self.subject.account)

    def plays(self) -> Outcome:
        """Play the turn once as a worker does, after one that has died; write down what comes of it."""
        if turn_row(self.office.database, self.turn).state is TurnState.RUNNING:
            expire(self.office.database, self.turn)
        attempt = self.office.begin(self.turn)
        outcome = play_attempt(self.runtime, attempt, self.subject)
        with self.office.database.write() as session:
            conclude(session, self.runtime, attempt, self.subject, outcome)
        return outcome

    def approval(self) -> Approval:
        """Return its approval, as its row is now."""
        with self.office.database.read() as session:
            return session.scalars(select(Approval).where(Approval.turn_id == self.turn)).one()

    def proved(self) -> None:
        """Let the manager confirm who asks."""
        with self.office.database.write() as session:
            proof = proofs.asked_of(session, self.approval().id) or proofs.ask(
                session, self.approval().id, ProofKind.MANAGER, asked_of="U0OLIVIA", minutes=10
            )
            assert proof is not None
            casework.proved(session, proof.id, by="U0OLIVIA")

    def approved(self, by: str = "U0PRIYA") -> ApprovalMoved | ApprovalNotMoved:
        """Let an approver say yes."""
        with self.office.database.write() as session:
            return casework.approve(session, self.approval().id, by=by, second_step="none")

    def waits(self) -> "Request":
        """Play it until it waits for an approver."""
        assert isinstance(self.plays(), AwaitsApproval)
        self.proved()
        assert self.approval().state is ApprovalState.ASKED
        return self

    def changes(self) -> list[str]:
        """Return what was done to the account, in order."""
        with self.office.database.read() as session:
            return [row.action for row in accounts.writes(session, self.account)]

    def factors(self) -> tuple[str, ...]:
        """Return the second factors that are enrolled now."""
        found = self.runtime.directory.account(self.account)
        assert found is not None
        return found.factors


def resetter(prompt: Prompt) -> Completion:
    """Call the tool, and say that it is done, judging by the prompt alone, as a real model does."""
    return completion("It is done." if results(prompt) else RESET, model=prompt.model)


def request(office: Office, model: CallModel = resetter, **changes: Any) -> Request:
    """Let somebody with a lost phone ask an agent that calls the tool."""
    name = f"kim{next(_names)}"
    subject = office.account(name, "active", factors=list(FACTORS))
    turn = office.asks("I lost my phone", user=subject.user)
    assert turn is not None
    return Request(office, office.runtime(model, **changes), subject, turn)


def time_passes(asked: Request, **columns: object) -> None:
    """Set columns of an approval behind everybody's back, as time does."""
    put(asked.office.database, Approval, asked.approval().id, **columns)


def turn_of(asked: Request) -> Turn:
    """Return the turn of a request as its row is now."""
    return turn_row(asked.office.database, asked.turn)
