"""What is due of approvals and what waits for people: `bot.store.approvals.waiting`."""

import re
from datetime import timedelta

from bot.principals import ProofKind
from bot.store.approvals import approvals, proofs, waiting
from bot.store.db import Database
from bot.store.schema import Approval, ApprovalState, Proof, ProofState, Turn, TurnState, now
from tests.support.approval_rows import BEN, asked, opened, proof_asked, time_is_up
from tests.support.factories import plans, put


def test_an_approval_is_due_when_its_time_is_up_or_nothing_is_asked_for(database: Database) -> None:
    """While it waits for a proof or an approver it is not; once it has ended it never is."""

    def due() -> list[int]:
        with database.read() as session:
            return list(waiting.due(session))

    found = opened(database)
    assert due() == [found.id]
    proof = proof_asked(database, found.id)
    assert due() == []
    with database.write() as session:
        proofs.give(session, proof.id, by=BEN)
        approvals.prove(session, found.id, by=BEN)
    assert due() == []
    time_is_up(database, found.id)
    assert due() == [found.id]
    with database.write() as session:
        approvals.expire(session, found.id)
    assert due() == []


def test_a_proof_is_due_when_nobody_answered_in_time(database: Database) -> None:
    """A challenge is the directory's while there is time; a proof of another kind never is."""
    found = opened(database)
    proof = proof_asked(database, found.id, ProofKind.REMAINING_FACTOR, key="k1")

    def due() -> tuple[list[int], list[int]]:
        with database.read() as session:
            return list(waiting.due_proofs(session)), [one.id for one, _ in waiting.challenges(session)]

    assert due() == ([], [proof.id])
    put(database, Proof, proof.id, expires_at=now() - timedelta(seconds=1))
    assert due() == ([proof.id], [])
    with database.write() as session:
        proofs.expire(session, proof.id)
    proof_asked(database, found.id, ProofKind.MANAGER)
    assert due() == ([], [])


def test_what_waits_for_approvers_is_what_they_can_decide(database: Database) -> None:
    """Of the agents whose approvers they are, while there is time."""
    found = asked(database)

    def waits(*agents: str) -> list[int]:
        with database.read() as session:
            return [
                approval.id for approval, ticket in waiting.waiting_for(session, agents) if ticket.agent == "access"
            ]

    assert waits("access", "other") == [found.id]
    assert waits("other") == []
    time_is_up(database, found.id)
    assert waits("access") == []
    with database.read() as session:
        assert list(waiting.active_of_agent(session, "access")) == [found.id]
        assert list(waiting.active_of_agent(session, "other")) == []


def test_an_index_finds_what_is_due(database: Database) -> None:
    """The clock asks every second, after a hundred thousand approvals too."""
    for text, plan in plans(database, waiting.due_proofs).items():
        assert {"ix_proofs_owed", "uq_proofs_asked"} & set(re.findall(r"\w+", plan)), text
    for text, plan in plans(database, waiting.challenges).items():
        assert {"ix_proofs_owed", "uq_proofs_asked"} & set(re.findall(r"\w+", plan)), text


def test_nothing_can_be_due_unless_something_is_under_way(database: Database) -> None:
    """An active approval, a proof that was asked for, or a suspended turn, each alone."""

    def under_way() -> bool:
        with database.read() as session:
            return waiting.any_under_way(session)

    assert not under_way()
    found = opened(database)
    assert under_way()
    proof = proof_asked(database, found.id)
    put(database, Approval, found.id, state=ApprovalState.WITHDRAWN)
    assert under_way()
    put(database, Proof, proof.id, state=ProofState.EXPIRED)
    assert not under_way()
    put(database, Turn, found.turn_id, suspended_at=now(), state=TurnState.WAITING)
    assert under_way()
