"""The faults 1, 8, 9 and 10 that others have shipped in approvals, by the numbers of the design's table.

They are about the row, the door and the turn; each guard was broken once. The others, about what people press and read,
are in `test_approval_faults`.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from bot.agent import attempt as agent_attempt
from bot.agent import door
from bot.agent.loop import AwaitsApproval, NeedsPerson
from bot.casework import approvals as casework
from bot.delegation.tokens import TokenRefused
from bot.principals import Reason
from bot.store.accounts import accounts
from bot.store.approvals import approvals
from bot.store.approvals.approval_moves import ApprovalMoved, ApprovalNotMoved
from bot.store.db import Database
from bot.store.schema import (
    Approval,
    ApprovalMove,
    ApprovalMoveKind,
    ApprovalState,
    AuditRow,
    TurnState,
    WithdrawCause,
    now,
)
from bot.store.tickets import suspended_turns
from bot.tools.directory import ResetFactorArgs
from bot.tools.registry import REGISTRY, ToolUse
from tests.support.agent_office import MakeOffice, Office, office, office_on
from tests.support.approval_plays import RESET, Request, let_approve, request, time_passes, turn_of
from tests.support.approval_rows import asked as asked_row
from tests.support.factories import at_once, begin, put, rows
from tests.support.volumes import volume

__all__ = ["office", "office_on"]

TOOL = REGISTRY[RESET[0]]
PHONE = ResetFactorArgs.model_validate({"lost": "phone"})
ROUNDS = volume(50, long=200)


def _other_release(asked: Request) -> None:
    asked.runtime = replace(asked.runtime, release=replace(asked.runtime.release, digest="0" * 64))


def _other_policy(asked: Request) -> None:
    asked.runtime = replace(asked.runtime, release=replace(asked.runtime.release, policy="0" * 64))


def _other_account(asked: Request) -> None:
    with asked.office.database.write() as session:
        accounts.seed(
            session,
            [
                accounts.AccountSeed.model_validate(
                    {
                        "id": asked.account,
                        "email": "kim@x.example",
                        "name": "Kim",
                        "status": "active",
                        "factors": ["totp"],
                    }
                )
            ],
        )


def _other_arguments(asked: Request) -> None:
    time_passes(asked, arguments_sha256="0" * 64)  # what was approved is not what the journal holds


CHANGES = {
    "release": _other_release,
    "policy": _other_policy,
    "account": _other_account,
    "arguments": _other_arguments,
}


@pytest.mark.parametrize("what", CHANGES)
def test_1_what_changed_between_yes_and_call_voids_the_approval(office: Office, what: str) -> None:
    """Nothing is done to the account, the row says why, and a person gets the ticket."""
    asked = request(let_approve(office)).waits()
    asked.approved()
    CHANGES[what](asked)
    outcome = asked.plays()
    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason is Reason.APPROVAL_NEEDED
    assert "no longer what would be done" in outcome.summary
    assert (asked.approval().state, asked.approval().cause) == (ApprovalState.WITHDRAWN, WithdrawCause.CHANGED)
    assert asked.changes() == []


def test_8_a_time_that_is_up_is_no_no_and_a_late_yes_is_told_so(office: Office) -> None:
    """Expired is a state of its own, clock or not; the late yes changes nothing and says what is."""
    asked = request(let_approve(office)).waits()
    time_passes(asked, expires_at=now() - timedelta(seconds=1))
    before_the_clock = asked.approved()
    assert before_the_clock == ApprovalNotMoved(ApprovalState.ASKED, None, None)
    with office.database.write() as session:
        assert isinstance(casework.expire(session, asked.approval().id), ApprovalMoved)
    late = asked.approved()
    assert late == ApprovalNotMoved(ApprovalState.EXPIRED, "clock", asked.approval().decided_at)
    outcome = asked.plays()
    assert isinstance(outcome, NeedsPerson)
    assert "It was not approved in time." in outcome.summary
    assert "said no" not in outcome.summary
    assert (asked.approval().state, asked.changes()) == (ApprovalState.EXPIRED, [])


def test_8_at_the_moment_of_expiry_what_is_shown_is_what_happened(postgres: Database) -> None:
    """Many times an approver and the clock at once: one of them, and row, history, audit and both answers agree."""
    first = asked_row(postgres, second_step="none")
    given: list[ApprovalState] = []
    for number in range(ROUNDS):
        edge = now() + timedelta(milliseconds=number % 8 - 2)
        anew = {"state": ApprovalState.ASKED, "decided_at": None, "decided_by": None, "expires_at": edge}
        put(postgres, Approval, first.id, **anew)

        def act(who: int) -> ApprovalMoved | ApprovalNotMoved:
            if who == 0:
                with postgres.write() as session:
                    return casework.approve(session, first.id, by="U0PRIYA", second_step="none")
            while True:  # as the clock looks again until the approval is decided
                with postgres.write() as session:
                    moved = casework.expire(session, first.id)
                if isinstance(moved, ApprovalMoved) or moved.state is not ApprovalState.ASKED:
                    return moved

        answers = at_once(2, act)
        won = [one.approval.state for one in answers if isinstance(one, ApprovalMoved)]
        [row] = rows(postgres, Approval)
        *_, last = rows(postgres, ApprovalMove)
        *_, audited = rows(postgres, AuditRow)
        assert won == [row.state]
        assert (last.what, audited.event) == (ApprovalMoveKind(row.state), f"approval.{row.state}")
        assert (row.decided_by == "U0PRIYA") is (row.state is ApprovalState.APPROVED)
        given.append(row.state)
    history = [one.what for one in rows(postgres, ApprovalMove)][2:]
    assert history == [ApprovalMoveKind(state) for state in given], "nothing else has moved"


def test_9_of_two_that_go_on_at_once_one_makes_the_call_once(database: Database, office_on: MakeOffice) -> None:
    """Two clocks resume it, two workers take it, and both use the approval: once each."""
    asked = request(let_approve(office_on(database))).waits()
    approval = asked.approval()
    with database.write() as session:
        approvals.approve(session, approval.id, by="U0PRIYA", second_step="none")

    def resume(_who: int) -> bool:
        with database.write() as session:
            return suspended_turns.resume(session, asked.turn)

    assert sorted(at_once(2, resume)) == [False, True]
    attempts = [one for one in at_once(2, lambda _who: begin(database, asked.turn)) if one is not None]
    assert len(attempts) == 1
    call = approvals.ApprovedCall(
        **{name: getattr(approval, name) for name in approvals.ApprovedCall.__dataclass_fields__}
    )

    def use(_who: int) -> bool:
        with database.write() as session:
            return isinstance(approvals.use(session, approval.id, call), ApprovalMoved)

    assert sorted(at_once(2, use)) == [False, True]
    asked.plays()
    assert (len(asked.changes()), turn_of(asked).state) == (3, TurnState.DONE)


@pytest.mark.parametrize(("claims", "state"), [*product((None, "1", "yes"), (None, "asked", "denied"))])
def test_10_nobody_gives_themselves_an_approval(office: Office, claims: str | None, state: str | None) -> None:
    """Whatever a caller says that it has: without the row that an approver decided, no passage runs the tool."""
    asked = request(let_approve(office))
    if state is not None:
        asked.waits()
        time_passes(asked, state=ApprovalState(state))
        put(office.database, type(turn_of(asked)), asked.turn, suspended_at=None)
    work = agent_attempt._work(asked.runtime, office.begin(asked.turn), asked.subject, lambda: asked.subject)
    account = asked.runtime.directory.account(asked.account)
    token = work.runtime.issuer.mint(door.delegation(work, 1, TOOL, PHONE, approval=claims), at=now())
    with office.database.write() as session:
        try:
            passage = door.enter(session, work, 1, TOOL, PHONE, token=token)
        except TokenRefused:
            return  # the token names another approval than the row
        assert door.redeem(session, work, 1, passage, account) is None
    with pytest.raises(TokenRefused):
        passage.run(ToolUse(asked.runtime.directory, account, key="k"))
    assert asked.changes() == []


def test_10_the_model_has_no_argument_that_approves(office: Office) -> None:
    """What it adds to a call is refused before anything is decided, and the call waits for people like any other."""
    asked = request(let_approve(office))
    with pytest.raises(ValueError, match="approved"):
        TOOL.parse({"lost": "phone", "approved": True, "approval": 1})
    assert isinstance(asked.plays(), AwaitsApproval)
    assert asked.changes() == []
