"""The journal of a turn: `bot.store.tickets.steps`."""

from datetime import timedelta

import pytest

from bot.store.db import Database
from bot.store.schema import Step, StepKind, StepStatus, now
from bot.store.tickets import steps, turns
from bot.store.tickets.turns import Attempt, Fenced
from tests.support import factories
from tests.support.factories import new_turn, rows, running


def start(database: Database, attempt: Attempt, *, seq: int = 0, name: str = "unlock_my_account") -> None:
    """Write a tool call down."""
    with database.write() as session:
        steps.start(session, attempt, seq=seq, kind=StepKind.TOOL, name=name, request={"arguments": {}})


def finish(database: Database, attempt: Attempt, *, seq: int = 0, done: bool = True) -> None:
    """Write down what a call gave."""
    with database.write() as session:
        steps.finish(
            session, attempt, seq=seq, status=StepStatus.OK, response={"done": done}, tokens=(10, 2), cost_nusd=700
        )


def taken_over(database: Database) -> tuple[Attempt, Attempt]:
    """Return an attempt that was given up after it began a step, and the one that took its turn over."""
    turn_id = new_turn(database)
    zombie = running(database, turn_id, worker="zombie")
    start(database, zombie)
    factories.expire(database, turn_id)
    return zombie, running(database, turn_id, worker="w2")


def test_a_step_is_found_as_what_it_is(database: Database) -> None:
    """Begun, it is unfinished; answered, it is there to be replayed, with its tokens and its cost."""
    attempt = running(database, new_turn(database))
    start(database, attempt)
    assert attempt.journal == {}
    with database.read() as session:
        assert steps.unfinished(session, attempt.turn_id, 0) is not None
    finish(database, attempt)
    with database.read() as session:
        assert steps.unfinished(session, attempt.turn_id, 0) is None
    factories.expire(database, attempt.turn_id)
    [(seq, step)] = running(database, attempt.turn_id).journal.items()
    assert seq == 0
    assert (step.status, step.response, step.finished_at is None) == ("ok", {"done": True}, False)
    assert (step.input_tokens, step.output_tokens, step.cost_nusd) == (10, 2, 700)


def test_an_unfinished_step_is_taken_over(database: Database) -> None:
    """A later attempt begins the same step again in the same row, under its own number."""
    _, attempt = taken_over(database)
    start(database, attempt, name="send_password_reset")
    [step] = rows(database, Step)
    assert (step.attempt, step.name, step.status) == (2, "send_password_reset", "started")


def test_a_zombie_journals_nothing(database: Database) -> None:
    """An attempt that was given up neither begins a step nor finishes one."""
    zombie, attempt = taken_over(database)
    for seq in (0, 1):
        with pytest.raises(Fenced):
            start(database, zombie, seq=seq)
    with pytest.raises(Fenced):
        finish(database, zombie)
    [step] = rows(database, Step)
    assert (step.attempt, step.response) == (1, None)
    with pytest.raises(Fenced):
        finish(database, attempt)  # it has not begun it
    start(database, attempt)
    finish(database, attempt)
    for late in (zombie, attempt):
        with pytest.raises(Fenced):
            finish(database, late, done=False)
    assert rows(database, Step)[0].response == {"done": True}


def test_a_stopped_turn_still_learns_how_what_it_had_begun_came_out(database: Database) -> None:
    """Nobody else will: the attempt may finish its step, and begin nothing more."""
    attempt = running(database, new_turn(database))
    start(database, attempt)
    with database.write() as session:
        turns.stop(session, attempt.ticket.id)
    finish(database, attempt)
    [step] = rows(database, Step)
    assert step.response == {"done": True}
    with pytest.raises(Fenced):
        start(database, attempt, seq=1)


def end_unseen(database: Database) -> list[int]:
    """End what nobody will see any more; return the places of those steps."""
    with database.write() as session:
        return [step.seq for step, _ in steps.end_unseen(session, done_before=now() + timedelta(seconds=1))]


def test_a_tool_call_is_unseen_once_its_turn_is_done(database: Database) -> None:
    """Not while another attempt may replay it; and it is ended once."""
    attempt = running(database, new_turn(database))
    start(database, attempt, seq=0)
    finish(database, attempt, seq=0)
    start(database, attempt, seq=1)
    assert end_unseen(database) == []
    factories.finish(database, attempt)
    assert end_unseen(database) == [1]
    assert [(step.status, step.response is None) for step in rows(database, Step)] == [("ok", False), ("unseen", False)]
    assert end_unseen(database) == []


def test_steps_of_a_ticket_come_in_order_and_from_all_its_turns(database: Database) -> None:
    """A person gets what was tried, first things first, and nothing of another ticket."""
    attempt = running(database, new_turn(database))
    for seq in (1, 0):
        start(database, attempt, seq=seq, name=f"first {seq}")
    factories.finish(database, attempt)
    start(database, running(database, new_turn(database, factories.heard(2))), name="second 0")
    start(database, running(database, new_turn(database, factories.heard(3, thread_ts=None))), name="other")
    with database.read() as session:
        names = [step.name for step in steps.of_ticket(session, attempt.ticket.id)]
    assert names == ["first 0", "first 1", "second 0"]


def test_what_went_through_after_a_stop_is_known(database: Database) -> None:
    """Not what had ended before it, and not what the directory refused."""
    attempt = running(database, new_turn(database))
    for seq, name in enumerate(("look_up_my_account", "unlock_my_account", "send_password_reset")):
        start(database, attempt, seq=seq, name=name)
    finish(database, attempt, seq=0)
    with database.write() as session:
        turns.stop(session, attempt.ticket.id)
    finish(database, attempt, seq=1)
    with database.write() as session:
        steps.finish(session, attempt, seq=2, status=StepStatus.REFUSED, response={"done": False})
        assert steps.done_after_stop(session, attempt.turn_id) == {"unlock_my_account"}
