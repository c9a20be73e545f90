"""The closed sets of what is stored, and that nothing tells their values apart by a bare string."""

import ast
from enum import StrEnum
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from bot.slack.handoffs import queue_card
from bot.store.db import Database
from bot.store.schema import Base, Handoff, HandoffState, LadderStep, Value, states
from tests.support.factories import handed_off, rows

BESIDE: dict[str, type[StrEnum]] = {"step": LadderStep}
"Sets that no column holds, by the name that their values go by."


def words(node: ast.AST) -> set[str]:
    """Return the bare strings of a literal, or of a tuple, list or set of them."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return {str(one.value) for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_every_value_has_its_sentence() -> None:
    """A string below each member says what it means, and every set that a column holds is one of these."""
    module = ast.parse(Path(states.__file__).read_text())
    sets = [node for node in module.body if isinstance(node, ast.ClassDef)]
    unsaid = [
        f"{one.name}.{ast.unparse(member)}"
        for one in sets
        for member, below in zip(one.body, [*one.body[1:], ast.Pass()], strict=True)
        if isinstance(member, ast.Assign)
        and not (isinstance(below, ast.Expr) and any(said.endswith(".") for said in words(below.value)))
    ]
    assert unsaid == []
    assert {one.name for one in sets} == {kind.__name__ for kind in (*states.ALL, *BESIDE.values())}


@pytest.mark.parametrize("kind", states.ALL)
def test_a_set_is_held_by_a_column(kind: type[StrEnum]) -> None:
    """Each of them, as its plain text, so that no migration knows of it."""
    columns = [column for table in Base.metadata.tables.values() for column in table.columns]
    types = [column.type for column in columns if isinstance(column.type, Value) and column.type.kind is kind]
    assert types
    assert all(str(type(one.impl)) == str(type(Base.metadata.tables["tickets"].c.team.type)) for one in types)


def test_a_value_is_read_as_it_was_written(database: Database) -> None:
    """As a member of its set, from a row that holds its plain text."""
    handed_off(database)
    with database.write() as session:
        session.execute(text("UPDATE handoffs SET state = 'cancelled'"))
    assert [row.state is HandoffState.CANCELLED for row in rows(database, Handoff)] == [True]


def test_a_value_of_no_set_is_not_written(database: Database) -> None:
    """It is refused before the database hears of it."""
    with pytest.raises(StatementError, match="ValueError"), database.write() as session:
        session.execute(Base.metadata.tables["handoff_moves"].insert().values(move="stolen"))


def test_a_text_by_state_leaves_out_none() -> None:
    """Dictionaries that say something of each value have a sentence for each."""
    assert set(queue_card._TITLES) == set(HandoffState)
