"""The local directory, and what its administrator does to it: `bot.directory.local`.

What it shares with every directory is in `test_contract.py`.
"""

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier

import pytest

from bot.directory import seed_file
from bot.directory.local import AccountSeed, LocalDirectory
from bot.principals import AccountStatus
from bot.store.accounts import accounts
from bot.store.db import Database
from bot.store.schema import AccountRow, SignInRow
from tests.support.factories import rows
from tests.support.paths import DEMO_PEOPLE


def account(status: AccountStatus = AccountStatus.LOCKED, **changes: object) -> AccountSeed:
    """Return Maya's account in some state."""
    fields = {"id": "acc-maya", "email": "Maya@Northwind.example", "name": "Maya", "status": status}
    return AccountSeed.model_validate({**fields, "lock_reason": "too many failed sign-ins", **changes})


def unlock(found: LocalDirectory, account_id: str, key: str) -> None:
    """Unlock an account as it is."""
    seen = found.account(account_id)
    assert seen is not None
    found.unlock(account_id, key=key, seen=seen)


def test_seeding_again_replaces(database: Database) -> None:
    """The same file loaded twice is the same directory, without doubled sign-ins."""
    seeds, found = seed_file.read(DEMO_PEOPLE), LocalDirectory(database)
    assert found.seed(seeds) == found.seed(seeds) == len(rows(database, AccountRow)) == 12
    [maya] = found.find_by_email("maya.okafor@northwind.example")
    assert (maya.status, maya.factors, len(found.sign_ins(maya.id, at_most=10))) == (
        AccountStatus.LOCKED,
        ("totp", "sms"),
        4,
    )


def test_an_address_that_another_program_wrote_is_found(database: Database) -> None:
    """Its letters are compared as they stand in the row, in any case."""
    found = LocalDirectory(database)
    found.seed([account()])
    with database.write() as session:
        session.get_one(AccountRow, "acc-maya").email = "Maya@NORTHWIND.example"
    assert [one.id for one in found.find_by_email("mAYA@northwind.example")] == ["acc-maya"]


def test_a_status_is_set_from_outside(database: Database) -> None:
    """As the owner's new password would; an unknown account is no error."""
    found = LocalDirectory(database)
    found.seed([account(AccountStatus.PASSWORD_EXPIRED)])
    assert found.set_status("acc-maya", AccountStatus.ACTIVE)
    assert not found.set_status("acc-nobody", AccountStatus.ACTIVE)
    changed = found.account("acc-maya")
    assert changed is not None
    assert (changed.status, changed.password_changed_at is None) == (AccountStatus.ACTIVE, False)


def test_a_write_is_on_record_with_the_states_around_it(database: Database) -> None:
    """By account, oldest first; one account's record holds no other's."""
    found = LocalDirectory(database)
    found.seed([account(), account(id="acc-2")])
    unlock(found, "acc-maya", "a")
    unlock(found, "acc-2", "b")
    assert found.written() == (("acc-maya", "unlock"), ("acc-2", "unlock"))
    with database.read() as session:
        [write] = accounts.writes(session, "acc-2")
    assert (write.key, write.action, write.before, write.after) == ("b", "unlock", "locked", "active")


def test_seeds_at_once_are_one_directory(postgres: Database) -> None:
    """Operators who load a file at the same moment wait for each other: nothing is refused, no sign-in is doubled."""
    sign_in = {"minutes_ago": 5, "ok": False, "why": "wrong password"}
    seeds, found = [account(id=f"acc-{number}", sign_ins=(sign_in,)) for number in range(200)], LocalDirectory(postgres)
    for _ in ("new", "known"):
        together = Barrier(4)

        def load(order: int, together: Barrier = together) -> int:
            together.wait(30)
            return found.seed(seeds[::order])

        with ThreadPoolExecutor(4) as operators:
            assert list(operators.map(load, (1, -1, 1, -1))) == [200] * 4
        assert (len(rows(postgres, AccountRow)), len(rows(postgres, SignInRow))) == (200, 200)


def test_a_seed_waits_for_a_change_of_an_account(postgres: Database) -> None:
    """What the directory does to an account at the same moment comes before it, and is replaced like all else."""
    found = LocalDirectory(postgres)
    found.seed([account()])
    with ThreadPoolExecutor(1) as operators:
        with postgres.write() as session:
            accounts.set_status(session, "acc-maya", AccountStatus.ACTIVE)
            session.flush()
            loads = operators.submit(found.seed, [account()])
            wait([loads], timeout=0.5)
        assert loads.result(30) == 1
    [maya] = found.find_by_email("maya@northwind.example")
    assert (maya.status, maya.lock_reason) == (AccountStatus.LOCKED, "too many failed sign-ins")


@pytest.mark.parametrize("at_once", [3, 500])
def test_a_large_seed_is_stored_whole_and_what_it_says_last_counts(
    database: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Accounts of before are changed with their sign-ins, others are added, and one given twice is stored once."""
    monkeypatch.setattr(accounts, "AT_ONCE", at_once)
    found = LocalDirectory(database)
    old, new = ({"minutes_ago": 5, "ok": False, "why": why} for why in ("old", "new"))
    assert found.seed([account(id=f"acc-{number}", sign_ins=(old, old)) for number in range(4)]) == 4
    more = [account(AccountStatus.ACTIVE, id=f"acc-{number}", sign_ins=(new,)) for number in range(2, 8)]
    assert found.seed([*more, account(AccountStatus.LOCKED, id="acc-7")]) == 7
    sign_ins = rows(database, SignInRow)
    stored = {
        row.id: (row.status, [one.why for one in sign_ins if one.account_id == row.id])
        for row in rows(database, AccountRow)
    }
    before = {f"acc-{number}": ("locked", ["old", "old"]) for number in (0, 1)}
    after = {f"acc-{number}": ("active", ["new"]) for number in range(2, 7)}
    assert stored == {**before, **after, "acc-7": ("locked", [])}
