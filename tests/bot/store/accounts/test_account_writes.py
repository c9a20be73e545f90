"""How often an account is written: `bot.store.accounts.account_writes`."""

from datetime import datetime, timedelta
from itertools import count
from time import sleep

import pytest

from bot.principals import PastWrite
from bot.store.accounts import account_writes
from bot.store.db import Database
from bot.store.schema import WriteState, now
from bot.store.tickets.turns import Attempt
from tests.support.factories import at_once, heard, new_turn, running

_numbers = count(100)


def attempt(database: Database) -> Attempt:
    """Return an attempt at a turn of a ticket of its own."""
    number = next(_numbers)
    opened = heard(number, ts=f"17.{number}", thread_ts=None, user=f"U0{number}", channel=f"C{number}")
    return running(database, new_turn(database, opened))


def begin(database: Database, one: Attempt, *, step: int = 3, account: str = "acc", tool: str = "unlock") -> datetime:
    with database.write() as session:
        return account_writes.begin(session, one, step=step, account=account, tool=tool, at=now())


def end(database: Database, one: Attempt, state: WriteState) -> bool:
    with database.write() as session:
        return account_writes.end(session, one, step=3, state=state, agreement=None, at=now())


def since(database: Database, hours: float = 1, *, besides: tuple[int, int] = (0, 0)) -> list[tuple[str, int, bool]]:
    with database.write() as session:
        found = account_writes.since(session, "acc", now() - timedelta(hours=hours), besides=besides)
    return [(one.tool, one.ticket_id, one.seen) for one in found]


def test_a_write_counts_from_its_intent_on(database: Database) -> None:
    """Whoever asks, in whichever ticket and channel; until its end was seen it is told as such."""
    first, second = attempt(database), attempt(database)
    begin(database, first)
    begin(database, second, tool="link")
    begin(database, second, step=5, account="another")
    assert since(database) == [("unlock", first.ticket.id, False), ("link", second.ticket.id, False)]
    end(database, first, WriteState.DONE)
    assert since(database)[0] == ("unlock", first.ticket.id, True)
    assert since(database, hours=-1) == []


def test_one_step_is_one_write(database: Database) -> None:
    """An attempt that takes it over does not count again, nor against itself."""
    one = attempt(database)
    assert begin(database, one) == begin(database, one), "when it was first allowed"
    assert len(since(database)) == 1
    assert since(database, besides=(one.turn_id, 3)) == []
    assert len(since(database, besides=(one.turn_id, 5))) == 1


def test_what_the_directory_refused_does_not_count(database: Database) -> None:
    """It is known not to have been done; what was done stays so, whatever comes later."""
    one, other = attempt(database), attempt(database)
    begin(database, one)
    begin(database, other)
    assert end(database, one, WriteState.REFUSED)
    assert end(database, other, WriteState.DONE)
    assert not end(database, other, WriteState.REFUSED)
    assert since(database) == [("unlock", other.ticket.id, True)]


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_of_ten_at_once_one_finds_nobody_before_it(database: Database, known: bool) -> None:  # noqa: FBT001 - a parameter
    """Who counts has the account to itself until it commits: ten turns of one account, ten tickets, one write."""
    attempts = [attempt(database) for _ in range(10)]
    if known:  # it was written before: its row is there, and no insert makes the others wait
        with database.write() as session:
            account_writes.lock(session, "acc")

    def count_and_write(number: int) -> tuple[PastWrite, ...]:
        with database.write() as session:
            account_writes.lock(session, "acc")
            found = account_writes.since(session, "acc", now() - timedelta(hours=1), besides=(0, 0))
            sleep(0.005)  # the others count meanwhile, if they may
            if not found:
                account_writes.begin(session, attempts[number], step=3, account="acc", tool="unlock", at=now())
            return found

    found = at_once(10, count_and_write)
    assert [len(one) for one in found].count(0) == 1
    assert len(since(database)) == 1


def test_time_may_pass_for_an_account(database: Database) -> None:
    """A demonstration does not wait for an hour; the writes of other accounts stay where they are."""
    one = attempt(database)
    begin(database, one)
    with database.write() as session:
        account_writes.backdate(session, "another", timedelta(hours=2))
    assert len(since(database)) == 1
    with database.write() as session:
        account_writes.backdate(session, "acc", timedelta(hours=1))
    assert since(database) == []
    assert len(since(database, hours=2)) == 1
