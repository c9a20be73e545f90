"""Which writes are read back again, and when: `bot.store.accounts.read_backs`."""

from datetime import timedelta

import pytest

from bot.store.accounts import account_writes, read_backs
from bot.store.accounts.read_backs import LADDER, OpenReadBack
from bot.store.db import Database
from bot.store.schema import AccountWrite, DirectoryAgreement, StepKind, WriteState, now
from bot.store.tickets import steps
from tests.support.factories import Clock, at_once, new_turn, rows, running

UNKNOWN, DIVERGED, MATCHED = DirectoryAgreement.UNKNOWN, DirectoryAgreement.DIVERGED, DirectoryAgreement.MATCHED


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let time stand still until it is moved."""
    return Clock().rule(monkeypatch)


def written(database: Database, agreement: DirectoryAgreement | None, state: WriteState = WriteState.BEGUN) -> None:
    """Let a turn write, and read the directory back."""
    attempt = running(database, new_turn(database))
    with database.write() as session:
        account_writes.begin(session, attempt, step=3, account="acc", tool="unlock", at=now())
        request = {"arguments": {}, "intent": 7}
        steps.start(session, attempt, seq=3, kind=StepKind.TOOL, name="unlock", request=request)
        assert account_writes.end(session, attempt, step=3, state=state, agreement=agreement, at=now())


def due(database: Database) -> list[OpenReadBack]:
    """Return what is due now."""
    with database.read() as session:
        return list(read_backs.due(session, now()))


def keep(database: Database, one: OpenReadBack, found: DirectoryAgreement) -> bool | None:
    """Store what was found; return whether it is read back again, None if another caller was first."""
    with database.write() as session:
        kept = read_backs.keep(session, one, found, at=now())
    return None if kept is None else kept.open


@pytest.mark.parametrize("agreement", [None, MATCHED])
def test_what_the_directory_shows_is_not_read_back_again(
    database: Database, agreement: DirectoryAgreement | None
) -> None:
    """Nor is what it has certainly not done: there is nothing to see."""
    written(database, agreement, WriteState.REFUSED if agreement is None else WriteState.DONE)
    assert [(one.agreement, one.look_at) for one in rows(database, AccountWrite)] == [(agreement, None)]


def test_a_write_has_a_ladder_of_its_own_from_when_it_was_allowed(database: Database, clock: Clock) -> None:
    """It is read back at each rung once, a rung that was missed is not made up for, and after a day it is over."""
    written(database, UNKNOWN)
    begun = clock.at
    assert due(database) == []
    looked = []
    while (next_at := rows(database, AccountWrite)[0].look_at) is not None:
        clock.at = next_at - timedelta(seconds=1)
        assert due(database) == []
        clock.at = next_at
        [one] = due(database)
        looked.append(clock.at - begun)
        if len(looked) == 2:
            clock.passes(minutes=20)  # the clock was down
        keep(database, one, UNKNOWN)
    later = [rung for rung in LADDER if rung > timedelta(minutes=21)]
    assert looked == [LADDER[0], LADDER[1], *later]
    assert (later[-1], rows(database, AccountWrite)[0].agreement) == (timedelta(days=1), UNKNOWN)


def test_what_was_found_is_told_by_one_clock(database: Database, clock: Clock) -> None:
    """Of four that have read the same row, one stores it; the others are told that they were late."""
    written(database, UNKNOWN)
    clock.passes(minutes=2)
    [one] = due(database)
    assert (one.agent, one.subject, one.request["intent"]) == ("access", "U0MAYA", 7)
    assert sorted(map(str, at_once(4, lambda _: keep(database, one, MATCHED)))) == ["False", "None", "None", "None"]
    with database.read() as session:
        assert read_backs.all_open(session) == []


def test_what_is_found_missing_at_the_last_rung_is_looked_at_once_more(database: Database, clock: Clock) -> None:
    """So that it is open while its alert is told; after that it is over."""
    written(database, UNKNOWN)
    clock.passes(days=2)
    [one] = due(database)
    assert keep(database, one, DIVERGED)
    clock.passes(seconds=15)
    [one] = due(database)
    assert not keep(database, one, DIVERGED)


def test_a_write_that_nobody_saw_end_is_read_back_at_once(database: Database, clock: Clock) -> None:
    """One that was refused is not, and where none was allowed there is nothing to read back."""
    written(database, None)
    turn = rows(database, AccountWrite)[0].turn_id
    with database.write() as session:
        assert not read_backs.unseen(session, turn, 4, at=clock.at)
        assert read_backs.unseen(session, turn, 3, at=clock.at)
    assert [(one.agreement, one.turn_id, one.step) for one in due(database)] == [(UNKNOWN, turn, 3)]
