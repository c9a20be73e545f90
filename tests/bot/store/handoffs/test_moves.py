"""Moves of a handoff that many would make at once, of which one is made: `bot.store.handoffs.moves`."""

import time
from dataclasses import replace
from threading import Event

import pytest

from bot.principals import Reason
from bot.store.db import Database, Session
from bot.store.handoffs import handoff_history, handoffs
from bot.store.handoffs.handoff_history import ReplayedHandoff
from bot.store.handoffs.moves import Moved, NotMoved
from bot.store.schema import Handoff, HandoffContext, HandoffMove, HandoffState, MoveKind, Ticket
from bot.store.tickets import tickets
from tests.support.factories import FIRST, at_once, everything, handed_off, in_rounds, rows
from tests.support.handoff_moves import HOLDER, MOVES, OTHER, move, standing, trail

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
"The server is that of all processes of the tests, so that others' locks are not counted."
ROUNDS = 5
"Races of fifty claims. A claim that does not check again under the ticket's lock has many winners in each of them."


def test_of_fifty_claims_one_wins(postgres: Database) -> None:
    """In each of five rounds of 50 threads one has it, 49 are told who, and the trail shows one claim."""
    with postgres.write() as session:
        opened = [_opened(session, number) for number in range(ROUNDS)]
    users = [f"U{number}" for number in range(50)]

    def race(number: int, handoff_id: int) -> Moved | NotMoved:
        with postgres.write() as session:
            return handoffs.claim(session, handoff_id, users[number], lease_minutes=30)

    rounds = in_rounds(50, opened, race)
    for results in rounds:
        [(winner, moved)] = [
            (user, result) for user, result in zip(users, results, strict=True) if isinstance(result, Moved)
        ]
        assert (moved.handoff.claimed_by, moved.ticket.assignee, moved.handoff.state) == (winner, winner, "claimed")
        assert [result for result in results if result is not moved] == [NotMoved(HandoffState.CLAIMED, winner)] * 49
    stored = everything(postgres)
    winners = [(row["claimed_by"], "claimed", {"handoff": row["id"]}) for row in stored["handoffs"]]
    claims = [row for row in stored["audit"] if row["event"] == "handoff.claimed"]
    assert sorted(winners, key=str) == sorted(((row["actor"], "claimed", row["record"]) for row in claims), key=str)
    assert len(stored["handoff_moves"]) == 2 * ROUNDS
    assert [row["assignee"] for row in stored["tickets"]] == [row["claimed_by"] for row in stored["handoffs"]]


def _opened(session: Session, number: int) -> int:
    """Open the handoff of a ticket of its own."""
    accepted = tickets.accept(session, replace(FIRST, event_id=f"Ev{number}", ts=f"{number}.0"), agent="access")
    assert accepted is not None
    return handoffs.open_for(
        session,
        accepted.ticket_id,
        turn_id=None,
        reason=Reason.REQUESTED,
        summary="Maya asks for a person.",
        context=HandoffContext(),
        queue_channel="C0QUEUE",
        actor="agent:access@1",
    ).id


RACES = {
    "warn": ("claimed", "warned"),
    "escalate": ("open", "escalated"),
    "expire": ("overdue", "expired"),
    "leave": ("claimed", "expired"),
    "unclaim": ("claimed", "unclaimed"),
    "reassign": ("claimed", "reassigned"),
    "give back": ("claimed", "returned"),
    "resolve": ("claimed", "resolved"),
    "cancel": ("open", "cancelled"),
}


@pytest.mark.parametrize("name", RACES)
def test_of_twenty_who_make_a_move_one_makes_it(postgres: Database, name: str) -> None:
    """Two clocks, a double click: nineteen find it made, and there is one row of history."""
    state, made_move = RACES[name]
    handoff = standing(postgres, state)

    def race(_: int) -> Moved | NotMoved:
        with postgres.write() as session:
            return MOVES[name](session, handoff, HOLDER)

    results = at_once(20, race)
    assert len([one for one in results if isinstance(one, Moved)]) == 1
    assert [one.move for one in rows(postgres, HandoffMove)].count(MoveKind(made_move)) == 1


def test_a_claim_against_the_end_of_a_claim_and_a_cancellation(postgres: Database) -> None:
    """In 30 rounds claim, cancellation, expiry and an escalation at once leave ticket, row and history of one mind."""
    with postgres.write() as session:
        opened = [_opened(session, number) for number in range(30)]

    def race(number: int, handoff_id: int) -> Moved | NotMoved:
        with postgres.write() as session:
            row = Handoff(id=handoff_id, openings=1, escalation_level=0)
            return MOVES[("claim", "cancel", "leave", "escalate", "resolve", "unclaim")[number]](session, row, HOLDER)

    in_rounds(6, opened, race)
    with postgres.read() as session:
        for handoff_id in opened:
            row, of = session.get_one(Handoff, handoff_id), handoff_history.of_handoff(session, handoff_id)
            owner = session.get_one(Ticket, row.ticket_id).assignee
            assert handoff_history.replay(of) == ReplayedHandoff(
                row.state, row.claimed_by, row.expiries, row.openings, row.escalation_level
            )
            assert owner == (row.claimed_by if row.state == "claimed" else None)


def test_a_move_waits_for_what_is_being_done_to_its_ticket(postgres: Database) -> None:
    """A claim made while another transaction has the ticket is decided by what that one leaves."""
    handoff, held = handed_off(postgres), Event()

    def act(number: int) -> Moved | NotMoved:
        if number == 1:
            with postgres.write() as session:
                row = session.get_one(Handoff, handoff.id)  # as a listener has looked before it moves
                assert held.wait(300)
                return MOVES["claim"](session, row, OTHER)
        with postgres.write() as session:
            tickets.lock(session, handoff.ticket_id)
            held.set()
            deadline = time.monotonic() + 300
            while not _blocked(postgres):
                assert time.monotonic() < deadline, "the other did not wait"
                time.sleep(0.01)
            return handoffs.claim(session, handoff.id, HOLDER, lease_minutes=30)

    first, second = at_once(2, act)
    assert isinstance(first, Moved)
    assert second == NotMoved(HandoffState.CLAIMED, HOLDER)


def _blocked(database: Database) -> bool:
    """Tell whether a transaction waits for another."""
    with database.read() as session:
        return bool(session.connection().exec_driver_sql(WAITS).scalar_one())


def test_of_many_who_claim_at_once_the_one_who_asked_never_wins(postgres: Database) -> None:
    """Seven times the requester against one colleague, who has it then, in every order."""
    handoff = handed_off(postgres)
    outcomes = at_once(8, lambda number: move(postgres, "claim", OTHER if number == 7 else "U0MAYA"))
    assert [isinstance(one, Moved) for one in outcomes] == [False] * 7 + [True]
    assert all(one.own for one in outcomes if isinstance(one, NotMoved))
    assert rows(postgres, Handoff)[0].claimed_by == OTHER
    assert trail(postgres, handoff.id)[0][-1] == ("claimed", OTHER)
