"""What a command says when nobody answers its question: `bot.cli.questions`."""

import ast
from collections.abc import Iterator
from typing import TypeGuard

from tests.support.paths import ROOT

HELD = ("questions.py", "init.py")
"`deskhand init` asks only at a terminal, and says by itself that nothing was changed."


def asks(node: ast.AST) -> TypeGuard[ast.Call]:
    """Return if a node asks something at the terminal."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"click.prompt", "click.confirm"}


def unheld(node: ast.AST) -> Iterator[int]:
    """Yield the line of each question that no `answered` holds."""
    if isinstance(node, ast.With) and any(ast.unparse(one).startswith("answered(") for one in node.items):
        return
    if asks(node):
        yield node.lineno
    for child in ast.iter_child_nodes(node):
        yield from unheld(child)


def test_every_question_says_what_to_do_when_nobody_answers() -> None:
    """Click alone says "Aborted!" when the input of a script ends, which tells nobody what was missing."""
    trees = {file.name: ast.parse(file.read_text("utf-8")) for file in (ROOT / "bot/cli").glob("*.py")}
    asking = {name for name, tree in trees.items() if any(map(asks, ast.walk(tree)))}
    assert asking == {"approvers.py", "eval_proposals.py", "init.py", "money.py", "person.py", "questions.py"}
    assert {name: lines for name in asking - {*HELD} if (lines := [*unheld(trees[name])])} == {}
