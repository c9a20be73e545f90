"""The proofs of who a requester is: `bot.store.approvals.proofs`."""

from datetime import timedelta
from itertools import product

import pytest

from bot.principals import ProofKind
from bot.store.approvals import approvals, proofs
from bot.store.approvals.proofs import ProofMoved, ProofNotMoved
from bot.store.db import Database
from bot.store.schema import ApprovalMove, ApprovalMoveKind, Proof, ProofState, WithdrawCause, now
from tests.support.approval_rows import ASKER, BEN, asked, opened, proof_asked
from tests.support.factories import at_once, everything, put, rows

ENDED = (ProofState.GIVEN, ProofState.REFUSED, ProofState.EXPIRED)


def answer(database: Database, proof_id: int, name: str, by: str = BEN) -> ProofMoved | ProofNotMoved:
    """Make a move of a proof."""
    with database.write() as session:
        if name == "give":
            return proofs.give(session, proof_id, by=by, words="It was her.")
        if name == "refuse":
            return proofs.refuse(session, proof_id, by=by, words="It was not me.")
        return proofs.expire(session, proof_id, unanswerable=name == "cannot be asked")


@pytest.mark.parametrize(
    ("name", "state", "what"),
    [
        ("give", ProofState.GIVEN, ApprovalMoveKind.PROOF_GIVEN),
        ("refuse", ProofState.REFUSED, ApprovalMoveKind.PROOF_REFUSED),
        ("cannot be asked", ProofState.EXPIRED, ApprovalMoveKind.PROOF_EXPIRED),
    ],
)
def test_an_answer_is_kept_once(database: Database, name: str, state: ProofState, what: ApprovalMoveKind) -> None:
    """With who gave it and their words; whatever comes after it changes nothing."""
    found = opened(database)
    proof = proof_asked(database, found.id, number="42", key="approval:1:push", manager="ben")
    moved = answer(database, proof.id, name)
    assert isinstance(moved, ProofMoved)
    assert (moved.proof.state, moved.approval.id) == (state, found.id)
    [row] = rows(database, Proof)
    assert (row.number, row.key, row.manager, row.asked_of) == ("42", "approval:1:push", "ben", BEN)
    assert (row.answered_by, row.words is None) == ((None, True) if state is ProofState.EXPIRED else (BEN, False))
    *_, last = rows(database, ApprovalMove)
    assert (last.what, last.detail) == (what, {"proof": proof.id, "kind": "manager"})
    before = everything(database)
    for other in ("give", "refuse", "expire", "cannot be asked"):
        assert isinstance(answer(database, proof.id, other), ProofNotMoved)
    assert everything(database) == before


@pytest.mark.parametrize(("name", "late"), [*product(("give", "refuse", "expire"), (False, True))])
def test_an_answer_counts_until_its_time_is_up(sqlite: Database, name: str, *, late: bool) -> None:
    """After that it only expires, and before that it does not."""
    proof = proof_asked(sqlite, opened(sqlite).id)
    if late:
        put(sqlite, Proof, proof.id, expires_at=now() - timedelta(seconds=1))
    assert isinstance(answer(sqlite, proof.id, name), ProofMoved) is ((name == "expire") is late)


def test_nobody_proves_who_they_are_by_their_own_word(sqlite: Database) -> None:
    """A requester who is their own manager, or a responder, gives no proof."""
    proof = proof_asked(sqlite, opened(sqlite).id)
    for name in ("give", "refuse"):
        assert isinstance(answer(sqlite, proof.id, name, by=ASKER), ProofNotMoved)
    assert rows(sqlite, Proof)[0].state is ProofState.ASKED


def test_one_proof_is_asked_at_a_time_and_each_kind_once(database: Database) -> None:
    """The next one after the end of the one before; none of a kind that was asked, or once the approval has ended."""
    found = opened(database)

    def ask(kind: ProofKind) -> Proof | None:
        with database.write() as session:
            return proofs.ask(session, found.id, kind, asked_of=None, minutes=10)

    first = ask(ProofKind.REMAINING_FACTOR)
    assert first is not None
    assert ask(ProofKind.MANAGER) is None
    answer(database, first.id, "cannot be asked")
    assert ask(ProofKind.REMAINING_FACTOR) is None
    second = ask(ProofKind.MANAGER)
    assert second is not None
    with database.read() as session:
        now_asked = proofs.asked_of(session, found.id)
        assert now_asked is not None
        assert now_asked.id == second.id
        assert [one.kind for one in proofs.of_approval(session, found.id)] == ["remaining_factor", "manager"]
    answer(database, second.id, "cannot be asked")
    with database.write() as session:
        approvals.withdraw(session, found.id, by=ASKER, cause=WithdrawCause.TAKEN_BACK)
    assert ask(ProofKind.CALL_BACK) is None
    with database.write() as session:
        assert proofs.ask(session, 99, ProofKind.MANAGER, asked_of=BEN, minutes=1) is None


def test_a_proof_of_what_was_withdrawn_counts_nothing(sqlite: Database) -> None:
    """A manager who presses afterwards is told so, and nothing is kept; neither is there a proof that never was."""
    found = opened(sqlite)
    proof = proof_asked(sqlite, found.id)
    with sqlite.write() as session:
        approvals.withdraw(session, found.id, by=ASKER, cause=WithdrawCause.TAKEN_BACK)
    assert isinstance(answer(sqlite, proof.id, "give"), ProofNotMoved)
    assert answer(sqlite, 99, "give") == ProofNotMoved(None, None, None)
    with sqlite.read() as session:
        assert proofs.find(session, 99) is None


def test_what_is_asked_already_needs_no_proof(sqlite: Database) -> None:
    """An approval that approvers can decide about asks for none."""
    found = asked(sqlite)
    with sqlite.write() as session:
        assert proofs.ask(session, found.id, ProofKind.MANAGER, asked_of=BEN, minutes=1) is None


def test_of_yes_no_and_too_late_at_once_one_counts(postgres: Database) -> None:
    """Whichever it is, the row has that one answer."""
    found = opened(postgres)
    for number, kind in enumerate(ProofKind):
        proof = proof_asked(postgres, found.id, kind)
        given = at_once(
            3,
            lambda who, proof=proof: answer(postgres, proof.id, ("give", "refuse", "cannot be asked")[who]),  # type: ignore[misc]
        )
        assert sum(isinstance(one, ProofMoved) for one in given) == 1
        assert rows(postgres, Proof)[number].state in ENDED
