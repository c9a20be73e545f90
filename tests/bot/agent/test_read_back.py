"""The directory is read back after each write, and the outcome says whether it agreed: `bot.agent.read_back`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bot.agent.loop import Reply
from bot.agent.performing import NOT_SHOWN
from bot.directory.local import LocalDirectory
from bot.errors import DirectoryDown
from bot.principals import Account, AccountStatus
from bot.store.accounts import accounts
from bot.store.schema import AccountWrite, AuditRow
from tests.support.agent_office import Office, play_attempt
from tests.support.factories import rows
from tests.support.scripted_models import Block, Script, results

UNLOCK: Block = ("unlock_my_account", {})
LINK: Block = ("send_password_reset", {})


@dataclass
class Awry:
    """A directory around a real one, to which something happens after a write."""

    real: LocalDirectory
    after: Callable[[], None] = lambda: None
    down: bool = False
    reads: int = 0
    "How often it was read since the write."

    def __getattr__(self, name: str) -> Any:
        """Do as the real one does."""
        return getattr(self.real, name)

    def account(self, account_id: str) -> Account | None:
        """Return an account, unless it is down."""
        self.reads += 1
        if self.down:
            raise DirectoryDown("no answer")
        return self.real.account(account_id)

    def unlock(self, account_id: str, *, key: str, seen: Account) -> Account:
        """Unlock, and let it happen."""
        unlocked = self.real.unlock(account_id, key=key, seen=seen)
        self.after()
        self.reads = 0
        return unlocked


def unlock(office: Office, directory: Awry, *, answers: str = "Unlocked.") -> tuple[Any, Script]:
    """Let Kim be unlocked; return the outcome of the turn, and the model."""
    subject = office.account("kim")
    model = Script([(UNLOCK,), (answers,)])
    runtime = office.runtime(model, directory=directory)
    return play_attempt(runtime, office.begin(office.asks(user=subject.user)), subject), model


def agreements(office: Office) -> list[tuple[Any, Any, bool]]:
    """Return what the outcomes in the audit log and the writes say, and whether each write is read back again."""
    told = [one.record.get("agreement") for one in rows(office.database, AuditRow) if one.intent_id is not None]
    kept = [(one.agreement, one.look_at is not None) for one in rows(office.database, AccountWrite)]
    return [(said, *one) for said, one in zip(told, kept, strict=True)]


def test_a_write_that_the_directory_shows_matches(office: Office) -> None:
    """One read finds it; the model is told nothing of it, and nobody asks again."""
    directory = Awry(LocalDirectory(office.database))
    outcome, model = unlock(office, directory)
    assert outcome == Reply("Unlocked.", None)
    assert results(model.prompts[1]) == [{"done": True, "status": "active", "is_error": False}]
    assert agreements(office) == [("matched", "matched", False)]
    assert directory.reads <= 2, "once to read it back, and once more for what the answer may tell"


def test_a_write_that_the_directory_does_not_show_diverges(office: Office) -> None:
    """It was done, and the account is locked again: the model is told not to say so, and it is read back again."""
    directory = LocalDirectory(office.database)

    def locks() -> None:
        with office.database.write() as session:
            accounts.set_status(session, "acc-kim", AccountStatus.LOCKED, lock_reason="too many failed sign-ins")

    _, model = unlock(office, Awry(directory, after=locks), answers="I could not.")
    assert results(model.prompts[1])[0]["directory"] == NOT_SHOWN
    assert agreements(office) == [("diverged", "diverged", True)]
    assert [one.state for one in rows(office.database, AccountWrite)] == ["done"]


def test_a_directory_that_goes_down_after_a_write_leaves_it_unknown(office: Office) -> None:
    """The write stays done and the turn goes on; it is read back again later."""
    awry = Awry(LocalDirectory(office.database))

    def falls() -> None:
        awry.down = True

    awry.after = falls
    with pytest.raises(DirectoryDown):  # the answer is held back until the account can be read
        unlock(office, awry)
    assert agreements(office) == [("unknown", "unknown", True)]
    assert [one.state for one in rows(office.database, AccountWrite)] == ["done"]


def test_the_read_back_is_under_no_transaction(office: Office) -> None:
    """Its reader could not otherwise write to the same account from another connection."""
    seen: list[bool] = []
    awry = Awry(LocalDirectory(office.database))

    def watches() -> None:
        read = awry.real.account

        def account(account_id: str) -> Account | None:
            with office.database.write() as session:
                accounts.set_status(session, account_id, AccountStatus.ACTIVE)
            seen.append(True)
            return read(account_id)

        awry.account = account  # type: ignore[method-assign]

    awry.after = watches
    unlock(office, awry)
    assert seen
    assert agreements(office)[0][0] == "matched"


def test_a_read_or_a_refused_write_is_not_read_back(office: Office) -> None:
    """Nothing was written, so nothing is said of an agreement."""
    subject = office.account("kim", "active")
    model = Script([(("look_up_my_account", {}), UNLOCK), ("All is well.",)])
    play_attempt(office.runtime(model), office.begin(office.asks(user=subject.user)), subject)
    outcomes = [one.record for one in rows(office.database, AuditRow) if one.intent_id is not None]
    assert [("agreement" in one, one["tool"]) for one in outcomes] == [
        (False, "look_up_my_account"),
        (False, "unlock_my_account"),
    ]


def test_a_link_is_read_back_by_its_key(office: Office) -> None:
    """The account does not change until its owner has used the link."""
    subject = office.account("kim", "active")
    model = Script([(LINK,), ("Sent.",)])
    play_attempt(office.runtime(model), office.begin(office.asks(user=subject.user)), subject)
    assert agreements(office) == [("matched", "matched", False)]
