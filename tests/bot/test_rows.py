"""Rows are read and changed in the store: nobody else asks a session for one, or assigns to its fields.

What this sees is the text of a module. A call counts by the name `session`, an assignment by the name of a column,
unless the module itself says that the target is no row: by an annotation, or by the class that it was made of. So a
row without a type is seen, and a `setattr` is not.
"""

import ast
from collections.abc import Iterable, Iterator

import pytest

from bot.store import schema
from tests.support.paths import ROOT
from tests.support.source_trees import syntax_nodes, syntax_tree

TABLES = {mapper.class_.__name__: mapper for mapper in schema.Base.registry.mappers}
COLUMNS = frozenset(name for mapper in TABLES.values() for name in mapper.columns.keys())  # noqa: SIM118
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ASKED = ("get", "get_one", "refresh")
MODULES = [
    file.relative_to(ROOT)
    for top in ("bot", "jobs")
    for file in sorted((ROOT / top).rglob("*.py"))
    if not file.is_relative_to(ROOT / "bot/store")
]


def test_no_room_but_the_store_reads_or_changes_a_row() -> None:
    """A named function of the store does it, so that what may happen to a row can be read in one place."""
    assert len(MODULES) > 200
    assert len(COLUMNS) > 150
    read = ((module, ROOT / module) for module in MODULES)
    found = [f"{module}:{place}" for module, file in read for place in touched(syntax_tree(file), syntax_nodes(file))]
    assert found == []


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("session.get(Ticket, 1)", True),
        ("ctx.session.refresh(ticket)", True),
        ("settings.get('x')", False),
        ("ticket.state = 'open'", True),
        ("moved.handoff.context = {}", True),
        ("row.at -= week", True),
        ("ticket.state, other = 'open', 1", True),
        ("def f(ticket: Ticket):\n    ticket.state = 'open'", True),
        ("def f(ticket: Ticket | None):\n    ticket.state = 'open'", True),
        ("def f(seen: Seen):\n    seen.state = 'open'", False),
        ("def f():\n    seen = Seen()\n    seen.state = 'open'", False),
        ("def f():\n    seen, other = Seen(), 1\n    seen.state = 'open'", False),
        ("def f():\n    row = Ticket()\n    row.state = 'open'", True),
        ("def f(row: Seen): ...\ndef g(row):\n    row.state = 'open'", True),
        ("def f(self):\n    self.state = 'open'", False),
        ("def f(seen):\n    seen.of_no_table = 1", False),
    ],
)
def test_what_touches_a_row_is_told_by_its_text(code: str, *, seen: bool) -> None:
    """A column's name on anything that is not said to be something else."""
    module = ast.parse(code)
    assert bool(list(touched(module, ast.walk(module)))) is seen


def touched(module: ast.Module, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the line and the text of what asks a session for a row or assigns to a column."""
    for scope in (module, *(node for node in nodes if isinstance(node, FUNCTIONS))):
        within = own(scope)
        no_rows = {"self", *others(within)}
        for node in within:
            if asks(node) or assigns(node, no_rows):
                yield f"{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"


def own(scope: ast.AST) -> list[ast.AST]:
    """Return what stands in a scope, without the functions in it."""
    found, left = list[ast.AST](), [scope]
    while left:
        inner = [node for node in ast.iter_child_nodes(left.pop()) if not isinstance(node, FUNCTIONS)]
        found += inner
        left += inner
    return found


def asks(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="session") | ast.Attribute(attr="session"), attr=name)):
            return name in ASKED
    return False


def assigns(node: ast.AST, no_rows: set[str]) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr=column, ctx=ast.Store()):
            return column in COLUMNS and name not in no_rows
        case ast.Attribute(attr=column, ctx=ast.Store()):
            return column in COLUMNS
    return False


def others(within: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names of which what stands in a scope says that they are something else than a row."""
    for node in within:
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as said) if not names(said) & TABLES.keys():
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), annotation=said) if not names(said) & TABLES.keys():
                yield name
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                yield from (name for pair in zip(targets, values, strict=False) for name in made(*pair))
            case ast.Assign(targets=[target], value=value):
                yield from made(target, value)


def made(target: ast.expr, value: ast.expr) -> Iterator[str]:
    """Yield a name that is given a new object of a class which is no table."""
    match target, value:
        case ast.Name(id=name), ast.Call(func=ast.Name(id=kind)) if kind[0].isupper() and kind not in TABLES:
            yield name


def names(said: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(said) if isinstance(node, ast.Name)}
