"""What tests share stands once, in a helper module, and is found by its name."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.support.paths import ROOT

TESTS = ROOT / "tests"
PROGRAMS = ("tests/benchmarks/",)
"Programs of their own: each has a `run`, its sizes and its targets. Their classes are held to the rule all the same."
LINES = 2
"So many lines of a helper, its parameters not counted, are no chance any more when they stand elsewhere too."
NOT_ITS_OWN = frozenset({"__init__", "__main__", "conftest"})
"Modules that pytest and Python name."


@cache
def modules() -> dict[str, ast.Module]:
    """Return what each module under `tests` holds, by its path; those that run in another environment left out."""
    files = (file for file in sorted(TESTS.rglob("*.py")) if "peers" not in file.parent.parts)
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text("utf-8")) for file in files}


def is_test(path: str) -> bool:
    """Return if a module holds tests."""
    return Path(path).name.startswith("test_")


def imports(module: ast.Module) -> Iterator[str]:
    """Yield the dotted name of everything that is imported, wherever in the module."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


def is_fixture(node: ast.stmt) -> bool:
    """Return if a function is a fixture, which a folder may give a meaning of its own."""
    return isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(one) for one in node.decorator_list)


def public(path: str, module: ast.Module) -> Iterator[str]:
    """Yield the public names that a helper module defines; imported ones and a program's `main` are not its own."""
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                own = name != "main" and not (path.endswith("conftest.py") and is_fixture(node))
                names = [name] if own and not (path.startswith(PROGRAMS) and name == "run") else []
            case ast.ClassDef(name=name):
                names = [name]
            case ast.Assign(targets=targets) if not path.startswith(PROGRAMS):
                names = [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)) if not path.startswith(PROGRAMS):
                names = [name]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


def in_several(homes: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the names that stand in more than one module, with those modules."""
    return {name: where for name, where in homes.items() if len(where) > 1}


def test_no_test_file_lends_to_another() -> None:
    """What two files need is in `tests/support` or beside them; fixtures are asked for by name."""
    lent = [
        f"{path} imports {name}"
        for path, module in modules().items()
        for name in imports(module)
        if name.startswith("tests.")
        and any(part.startswith("test_") or part == "conftest" for part in name.split(".")[1:])
    ]
    assert lent == []


def test_a_test_of_both_databases_is_marked_so() -> None:
    """One that is parametrized by itself would be so twice when all are asked for on both, and none would run."""
    found = [
        f"{path}: {node.name}"
        for path, module in modules().items()
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef)
        and any("parametrize('database_url'" in ast.unparse(one) for one in node.decorator_list)
    ]
    assert found == [], "write @pytest.mark.both_databases"


def test_no_helper_has_the_name_of_another() -> None:
    """Who reads a helper's name in a test knows which one is meant."""
    homes = defaultdict(list)
    for path, module in modules().items():
        for name in () if is_test(path) else {*public(path, module)}:  # an overloaded helper is one
            homes[name].append(path)
    assert len(homes) > 400
    assert in_several(homes) == {}


def test_no_helper_module_has_the_name_of_another() -> None:
    """A module is called by its last name in a test; no two are called the same."""
    homes = defaultdict(list)
    for path in modules():
        if not is_test(path) and Path(path).stem not in NOT_ITS_OWN:
            homes[Path(path).stem].append(path)
    assert len(homes) > 60
    assert in_several(homes) == {}


def test_every_helper_says_what_it_does() -> None:
    """A docstring for each public function and class of a helper module, and for the module."""
    silent = []
    for path, module in modules().items():
        if is_test(path):
            continue
        named = [
            node
            for node in module.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if "overload" not in map(ast.unparse, node.decorator_list)
        ]
        silent += [f"{path}: {node.name}" for node in named if ast.get_docstring(node) is None]
        silent += [path] if ast.get_docstring(module) is None else []
    assert silent == []


def code_of(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Return what a helper takes and does; its name and its docstring may be other ones."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    taken = ast.unparse(node.args) if isinstance(node, ast.FunctionDef) else ""
    return "\n".join([taken, *map(ast.unparse, body)])


def test_nothing_is_written_twice() -> None:
    """A helper or a test that is the same code in two modules, whatever its name, is in one; a line may repeat."""
    homes: dict[str, dict[str, str]] = defaultdict(dict)
    for path, module in modules().items():
        for node in module.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                homes[code_of(node)][path] = f"{path}: {node.name}"
    long = {code: list(where.values()) for code, where in homes.items() if code.count("\n") >= LINES}
    assert in_several(long) == {}
