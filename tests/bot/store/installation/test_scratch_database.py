import pytest
from sqlalchemy.exc import IntegrityError

from bot.directory.local import AccountSeed, LocalDirectory
from bot.store.accounts import accounts
from bot.store.installation import scratch_database
from bot.store.schema import SignInRow, now

KIM = AccountSeed.model_validate({"id": "kim", "email": "kim@x.example", "name": "Kim", "status": "locked"})


def test_a_private_database_starts_empty_every_time() -> None:
    """What one case left is gone in the next one, though it runs on the same engine."""
    with scratch_database.database() as first:
        engine = first.engine
        with first.write() as session:
            accounts.seed(session, [KIM])
        assert LocalDirectory(first).account("kim") is not None
    with scratch_database.database() as second:
        assert second.engine is engine
        assert LocalDirectory(second).account("kim") is None


def test_a_case_that_breaks_leaves_nothing() -> None:
    """An open transaction goes with its connection, and the next case finds every table and no row."""

    def break_down() -> None:
        with scratch_database.database() as first, first.write() as session:
            accounts.seed(session, [KIM])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_down()
    with scratch_database.database() as second:
        assert LocalDirectory(second).account("kim") is None


def test_nothing_is_compiled_again_for_another_database() -> None:
    """What one has compiled the others have too, in whichever thread they are; and foreign keys hold in all."""
    with scratch_database.database() as first, scratch_database.database() as second:
        LocalDirectory(first).seed([KIM])
        LocalDirectory(first).account("kim")
        known = set(scratch_database._compiled())
        LocalDirectory(second).seed([KIM])
        assert LocalDirectory(second).account("kim") is not None
        assert set(scratch_database._compiled()) == known
        with pytest.raises(IntegrityError), second.write() as session:
            session.add(SignInRow(account_id="gone", at=now(), ok=True, why=""))


def test_two_at_a_time_are_apart() -> None:
    """Cases that run side by side do not see each other's accounts."""
    with scratch_database.database() as first, scratch_database.database() as second:
        with first.write() as session:
            accounts.seed(session, [KIM])
        assert LocalDirectory(second).account("kim") is None


def test_everything_is_text() -> None:
    """A word in any column of any table is found in the text."""
    with scratch_database.database() as database:
        assert "kim@x.example" not in scratch_database.everything(database)
        with database.write() as session:
            accounts.seed(session, [KIM])
        assert "kim@x.example" in scratch_database.everything(database)
