"""The inventory of personal data is complete: every column is declared, and nothing is declared that is not there."""

from bot.store.personal import rewriting_rows
from bot.store.personal.inventory import TABLES
from bot.store.personal.kinds_of_data import DataKind, Kept
from bot.store.schema import Base

COLUMNS = {name: {column.name: column for column in table.columns} for name, table in Base.metadata.tables.items()}
THROUGH = {"turn_id": "turns", "handoff_id": "handoffs", "approval_id": "approvals"}


def test_every_column_is_declared_once() -> None:
    """A new table or column says what it holds of a person, or that it holds nothing, before it is there."""
    assert len(TABLES) > 55
    assert set(TABLES) == set(COLUMNS)
    undeclared = {name: set(columns) ^ set(TABLES[name].columns()) for name, columns in COLUMNS.items()}
    assert {name: columns for name, columns in undeclared.items() if columns} == {}
    for name, data in TABLES.items():
        declared = [one for kind in ("free", *DataKind) for one in str(getattr(data, kind)).split()]
        assert len(declared) == len(set(declared)), name


def test_a_table_that_holds_nothing_of_a_person_says_so_in_both_ways() -> None:
    """How long a table keeps personal data, and whether one of its columns holds any, agree."""
    for name, data in TABLES.items():
        held = [one for one, kind in data.columns().items() if kind is not None]
        assert (data.kept is Kept.NOTHING) == (not held), name


def test_what_erasing_needs_is_there() -> None:
    """Words belong to a ticket or have an author, and what is referred to is a column of the same table."""
    for name, data in TABLES.items():
        columns = COLUMNS[name]
        for referred in (data.of, data.owner, *data.authors, *data.authors.values(), *data.keeps, *data.unique.split()):
            assert not referred or referred in columns, (name, referred)
        assert not data.words or data.of or set(data.words.split()) <= set(data.authors), name
        if data.of and data.of != "id":
            assert "ticket_id" in COLUMNS[THROUGH.get(data.of, name)], name
        for emptied in data.of_kind(DataKind.WORDS, DataKind.PLACE, DataKind.ACCOUNT):
            stored = columns[emptied]
            can = rewriting_rows.is_json(stored) or stored.nullable or emptied in data.words.split() or "id" in columns
            assert can or data.owner, (name, emptied)


def test_a_column_that_names_people_by_its_name_is_not_declared_free() -> None:
    """What is called user, text, words, email or the like is never among the columns without personal data."""
    telling = {
        *("user", "requester", "assignee", "actor", "by", "text", "words", "body", "summary", "detail", "email"),
        *("request", "response", "record", "claimed_by", "decided_by", "draft", "plan", "evidence", "account", "said"),
    }
    free = {(name, column) for name, data in TABLES.items() for column in telling & set(data.free.split())}
    assert free == {("releases", "body")}  # what a release is made of
