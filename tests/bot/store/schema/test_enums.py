"""The closed sets of what is stored, and that nothing tells their values apart by a bare string."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from bot import escalation
from bot.escalation import EscalationAction
from bot.slack.handoffs import queue_card
from bot.slack.money import budget_cards, cost_words
from bot.store.db import Database
from bot.store.schema import (
    Base,
    ExpiryCause,
    Handoff,
    HandoffState,
    ReviewState,
    TurnOutcome,
    Value,
    approval_enums,
    enums,
    eval_enums,
    message_enums,
    watch_enums,
)
from bot.store.tickets import inbox_commands
from jobs import commands
from tests.support.factories import handed_off, rows
from tests.support.paths import ROOT
from tests.support.source_trees import syntax_tree

NOT_OURS = ("bot/store/migrations/", "bot/sandbox/slack/")
"What is written once for good, and what speaks of Slack's own kinds."
BESIDE: dict[str, type[StrEnum]] = {"action": EscalationAction, "why": ExpiryCause}
"Sets that no column holds, by the name that their values go by."


def held() -> dict[str, set[str]]:
    """Return the values of every set by the names of the columns that hold them."""
    found: dict[str, set[str]] = defaultdict(set)
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Value):
                found[column.name].update(column.type.kind)
    for name, kind in BESIDE.items():
        found[name].update(kind)
    return found


def named(node: ast.expr | None) -> str | None:
    """Return the last name of an expression: `state` of `handoff.state` and of `state`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def words(node: ast.AST) -> set[str]:
    """Return the bare strings of a literal, or of a tuple, list or set of them."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return {str(one.value) for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def told_apart(tree: ast.AST) -> Iterator[tuple[int, str | None, set[str]]]:
    """Yield what is compared with bare strings: the line, the name and the strings."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                sides = [node.left, *node.comparators]
                for side in sides:
                    yield node.lineno, named(side), set().union(*map(words, sides))
            case ast.Call(func=ast.Attribute(value=column, attr="in_" | "not_in"), args=[listed]):
                yield node.lineno, named(column), words(listed)
            case ast.Match():
                patterns = [
                    one.value for case in node.cases for one in ast.walk(case) if isinstance(one, ast.MatchValue)
                ]
                yield node.lineno, named(node.subject), set().union(*map(words, patterns))
            case ast.Call():
                for keyword in node.keywords:
                    yield node.lineno, keyword.arg, words(keyword.value)
            case ast.Assign(targets=[target]):
                yield node.lineno, named(target), words(node.value)


def test_no_value_is_told_by_a_bare_string() -> None:
    """Nothing compares, matches, passes or assigns one of these values but as a member of its set."""
    known, found = held(), []
    for file in [*ROOT.glob("bot/**/*.py"), *ROOT.glob("jobs/**/*.py")]:
        path = file.relative_to(ROOT).as_posix()
        if path.startswith(NOT_OURS):
            continue
        for line, name, strings in told_apart(syntax_tree(file)):
            bare = strings & known.get(name or "", set())
            if bare:
                found.append(f"{path}:{line}: {name} and {sorted(bare)}")
    assert found == []


def test_every_value_has_its_sentence() -> None:
    """A string below each member says what it means, and every set that a column holds is one of these."""
    modules = (
        syntax_tree(Path(str(module.__file__)))
        for module in (enums, approval_enums, eval_enums, message_enums, watch_enums, escalation)
    )
    sets = [node for module in modules for node in module.body if isinstance(node, ast.ClassDef)]
    unsaid = [
        f"{one.name}.{ast.unparse(member)}"
        for one in sets
        for member, below in zip(one.body, [*one.body[1:], ast.Pass()], strict=True)
        if isinstance(member, ast.Assign)
        and not (isinstance(below, ast.Expr) and any(said.endswith(".") for said in words(below.value)))
    ]
    assert unsaid == []
    assert {one.name for one in sets} == {kind.__name__ for kind in (*enums.ALL, *BESIDE.values())}


@pytest.mark.parametrize("kind", enums.ALL)
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


@pytest.mark.parametrize(
    ("told", "values"),
    [
        (queue_card._TITLES, HandoffState),
        (budget_cards._TITLES, ReviewState),
        (cost_words._OUTCOMES, TurnOutcome),
        (commands._ANSWERS, inbox_commands.ANSWERED),
    ],
)
def test_what_is_told_by_value_leaves_out_none(told: dict[str, object], values: Iterable[str]) -> None:
    """A dictionary that says or does something for each value has every one of them."""
    assert set(told) == set(values)
