"""What another's error says is repeated nowhere: neither in an error of ours nor in a log."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.source_trees import syntax_nodes

OURS = frozenset(
    {
        *("DeskhandError", "ConfigError", "Transient", "DirectoryDown", "OutcomeUnknown", "Refused", "HalfDone"),
        *(
            "Rejected",
            "NotAuthorized",
            "Wrong",
            "ForeignRedis",
            "Unpriced",
            "CannotRun",
            "ForeignJob",
            "OverCap",
            "NoRoom",
        ),
    }
)
TAKEN = {
    ("bot/agent/acts.py", "ValueError"): "a tool's own sentence about its arguments, for the model that gave them",
    ("bot/agent/loop.py", "ValueError"): "a tool's own sentence about its arguments, for the model that gave them",
    ("bot/budget/scripts.py", "ResponseError"): "looked at for a code, and not said",
    ("bot/store/sql/postgres_engine.py", "OperationalError"): "looked at for what a pooler refuses, and not said",
    ("bot/store/sql/looks.py", "DBAPIError"): "emptied as it was raised (bot.store.errors_without_values)",
    ("bot/setup/yaml_edit.py", "YAMLError"): "tells an operator what is wrong in a file of theirs, and in which line",
    ("bot/setup/yaml_edit.py", "ValueError"): "a date that is none, in a file of the operator's",
    ("bot/agent_cards.py", "OSError"): "names a file of the operator's that cannot be looked into",
}
"By module and error: why its text may be taken."
READ_FILES = (
    *("bot/cli/", "bot/evals/", "bot/sandbox/"),
    *(
        "bot/agent/card.py",
        "bot/agent/suite_files.py",
        "bot/releases/rollback.py",
        "bot/budget/config.py",
        "bot/budget/prices/snapshot.py",
        "bot/directory/seed_file.py",
    ),
)
"""Rooms that tell an operator what is wrong in a file of theirs, in the words of who has read it."""
MODULES = [
    file.relative_to(ROOT)
    for top in ("bot", "jobs")
    for file in sorted((ROOT / top).rglob("*.py"))
    if not str(file.relative_to(ROOT)).startswith(READ_FILES)
]


def names_of(kind: ast.expr | None) -> set[str]:
    """Return the names of the errors that a handler takes."""
    if isinstance(kind, ast.Tuple):
        return {name for one in kind.elts for name in names_of(one)}
    return {kind.attr if isinstance(kind, ast.Attribute) else getattr(kind, "id", "anything")}


def repeated(handler: ast.ExceptHandler) -> Iterator[ast.AST]:
    """Yield the places in a handler of another's error that make a text of it."""
    for place in ast.walk(handler):
        match place:
            case ast.FormattedValue(value=ast.Name(id=name)) if name == handler.name:
                yield place
            case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id=name)]) if name == handler.name:
                yield place
            case ast.Attribute(value=ast.Name(id=name), attr="args" | "reason" | "orig") if name == handler.name:
                yield place


def test_no_room_makes_a_text_of_anothers_error() -> None:
    """It says `kind(error)`; what an error of ours says may go on as it is."""
    found = [place for module in MODULES for place in texts_in(module)]
    assert found == []


def texts_in(module: Path) -> Iterator[str]:
    """Yield where a module makes a text of another's error."""
    taken = OURS | {error for place, error in TAKEN if place == str(module)}
    for handler in syntax_nodes(ROOT / module):
        if isinstance(handler, ast.ExceptHandler) and handler.name and not names_of(handler.type) <= taken:
            for place in repeated(handler):
                yield f"{module}:{getattr(place, 'lineno', 0)}"
