"""The product's source as Python parses it: once for all tests of a process that read it (see `run_order`)."""

import ast
from functools import cache
from pathlib import Path


@cache
def syntax_tree(file: Path) -> ast.Module:
    """Return what a module holds; nobody changes it."""
    return ast.parse(file.read_text("utf-8"))


@cache
def syntax_nodes(file: Path) -> tuple[ast.AST, ...]:
    """Return every node of a module, as `ast.walk` yields them."""
    return tuple(ast.walk(syntax_tree(file)))
