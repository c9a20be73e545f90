"""A person is erased: nothing of them is in any table, and whatever is not theirs is as it was."""

import pytest
from sqlalchemy import func, select

from bot.store.db import Database
from bot.store.personal import erasing, whose
from bot.store.personal.inventory import TABLES
from bot.store.personal.kinds_of_data import DataKind, Kept
from bot.store.schema import AccountRow, FileText, KeptFile, LedgerRow, OwnerAlert
from tests.support.factories import everything
from tests.support.lived_person import HER, UNRELATED, UNRELATED_TICKET, lived_in, shows, traces

DIRECTORY = tuple(name for name, data in TABLES.items() if data.kept is Kept.DIRECTORY)


def erase(database: Database, *also: str) -> dict[str, int]:
    """Erase Maya."""
    with database.write() as session:
        who = whose.gather(session, HER, also)
        erasing.lock(session, who)
        counts = erasing.erase(session, who)
        erasing.forget_in_audit(session, who)
        return counts


def test_nothing_of_a_person_is_left_in_any_table(database: Database) -> None:
    """The lived-in database has a trace of her in every table that can have one; after erasing it has none."""
    lived_in(database)
    holding = {
        name
        for name, data in TABLES.items()
        if data.of_kind(DataKind.PERSON, DataKind.ACCOUNT, DataKind.PLACE, DataKind.WORDS)
        and data.kept is not Kept.DIRECTORY
    }
    assert holding - set(traces(database)) == set()
    counts = erase(database)
    assert traces(database, but=DIRECTORY) == {}
    assert set(counts) == set(TABLES)
    assert {name for name in holding if counts[name] == 0} == set()


def test_what_does_not_name_them_is_as_it_was(database: Database) -> None:
    """A neighbour's rows, and every row without a trace of her, are equal before and after."""
    lived_in(database)
    before = everything(database)
    erase(database)
    after = everything(database)
    del before["kept_files"]  # they go on to the card without her
    for name, rows in before.items():
        others = [row for row in rows if not shows(row) and row.get(TABLES[name].of) not in (1, 2)]
        assert [row for row in others if row not in after[name]] == [], name
    assert any(row["requester"] == UNRELATED for row in after["tickets"])
    assert any(row["id"] == UNRELATED_TICKET for row in after["handoffs"])


def test_money_stays_where_it_was_spent(database: Database) -> None:
    """What each agent has spent on each day is the same to the nano-dollar."""
    lived_in(database)
    spent = select(LedgerRow.agent, func.count(), func.sum(LedgerRow.cost_nusd)).group_by(LedgerRow.agent)
    with database.read() as session:
        before = session.execute(spent).all()
    erase(database)
    with database.read() as session:
        assert session.execute(spent).all() == before


def test_a_second_time_changes_nothing(database: Database) -> None:
    """Who was erased is unknown, so a second run finds nothing to do."""
    lived_in(database)
    erase(database)
    before = everything(database)
    assert set(erase(database).values()) == {0}
    assert everything(database) == before


def test_two_people_can_be_erased_one_after_the_other(database: Database) -> None:
    """What stands in for one erased person is never in the way of the next, whatever has to be unique."""
    lived_in(database)
    erase(database)
    with database.write() as session:
        who = whose.gather(session, UNRELATED)
        erasing.lock(session, who)
        assert erasing.erase(session, who)["tickets"] == 1


def test_a_kept_card_is_known_by_the_hash_of_what_it_says_now(database: Database) -> None:
    """The card of an old release names nobody who was erased, and can still be read for a rollback."""
    lived_in(database)
    erase(database)
    with database.read() as session:
        text = session.scalars(select(FileText.text).join(KeptFile, KeptFile.sha == FileText.sha)).one()
        bound = session.scalars(select(AccountRow.slack_user).order_by(AccountRow.id)).all()
    assert text == "owners: [U0ERASED]\n"
    assert HER not in bound


@pytest.mark.parametrize("name", ["Maya Lindqvist", "Åsa Öberg-Łukasz"])
def test_a_name_that_is_given_goes_from_every_text(database: Database, name: str) -> None:
    """Also where JSON stores its letters escaped, and in whatever case somebody has written it."""
    lived_in(database)
    with database.write() as session:
        alert = {"agent": "access", "kind": "silent", "subject": "y", "detail": {"said": f"Ask {name}."}}
        session.add(OwnerAlert(**alert))
    erase(database, name)
    found = [row["detail"] for row in everything(database)["owner_alerts"] if row["subject"] == "y"]
    assert found == [{"said": "Ask (erased)."}]
